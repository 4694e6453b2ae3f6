"""Logs: whose, and which lines of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assistant.following import FOLLOW
from assistant.offline.intents.values import call
from assistant.offline.model import Clarify, Mention, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.offline.sentence import Sentence, Word
    from assistant.offline.shape import Shape

_MATCHES = frozenset({"with", "containing", "matching", "about"})
_SEARCHES = frozenset({"grep", "search", "find"})
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400, "week": 604_800}
_UNIT = re.compile(r"(?P<unit>second|sec|minute|min|hour|day|week)s?|(?P<letter>[smhd])")
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
TOLD: dict[str, dict[str, Any]] = {
    "exceptions": {"contains": "exception"},
    "tracebacks": {"contains": "traceback"},
    "errors": {"level": "error"},
    "warnings": {"level": "warning"},
}


def match(sentence: Sentence, bag: Shape, found: dict[str, Any], target: Mention) -> Step:
    """The call of `get_logs`, the same to be followed, or the question whose.

    Args:
        found: The arguments that were taken out of the sentence before.
        target: Whose log; empty where nothing was named nor talked about.
    """
    topics = {part.symbol for part in bag.parts}
    flags = sentence.flags
    arguments: dict[str, Any] = dict(found)
    numbers = bag.all("N")
    lines = numbers[0].text if numbers else flags.get("tail", "")
    if lines.isdigit():
        arguments["tail_lines"] = max(1, min(int(lines), 500))
    if "previous" in topics or "previous" in flags:
        arguments["previous"] = True
    told = next((told for topic, told in TOLD.items() if topic in topics), {})
    arguments = told | arguments
    if "container" in flags:
        arguments["container"] = flags["container"]
    since = _DURATION.fullmatch(flags.get("since", ""))
    if since:
        arguments["since_seconds"] = int(since[1]) * _SECONDS[since[2]]
    step = call(FOLLOW if _follows(flags, bag) and "previous" not in arguments else "get_logs", target, **arguments)
    return Clarify("Whose logs?", step.step, "target") if isinstance(step, Clarify) else step


def _follows(flags: dict[str, str], bag: Shape) -> bool:
    typed = {part.typed.lower() for part in bag.parts}
    # "tail the last 20 lines" is about the end of the log, "tail the log" about what comes.
    return "follow" in flags or "follow" in typed or ("tail" in typed and not bag.all("N"))


def without_search(words: Sequence[Word]) -> tuple[tuple[Word, ...], dict[str, Any]]:
    """The words without the text that is looked for, and the argument."""
    texts = [word.typed.lower() for word in words]
    if len(words) > 3 and texts[0] in _SEARCHES:  # noqa: PLR2004
        start = 2 if texts[1] == "for" else 1
        # "find redis in prod" looks for objects, "search timeout in backend logs" for lines.
        lines = texts[0] == "grep" or any(word.text == "logs" for word in words)
        if lines and texts[start + 1] in {"in", "from", "of"}:
            return tuple(words[start + 2 :]), {"contains": words[start].typed}
    for position in range(1, len(words) - 1):
        if texts[position] in _MATCHES and any(word.text == "logs" for word in words[:position]):
            return (*words[:position], *words[position + 2 :]), {"contains": words[position + 1].typed}
    return tuple(words), {}


def without_duration(words: Sequence[Word]) -> tuple[tuple[Word, ...], dict[str, int]]:
    """The words without "last 5 minutes" or "since 1h", and the seconds."""
    for position, word in enumerate(words):
        short = _DURATION.fullmatch(word.text)
        unit = _UNIT.fullmatch(words[position + 1].text) if position + 1 < len(words) else None
        if short:
            seconds, used = int(short[1]) * _SECONDS[short[2]], 1
        elif unit and re.fullmatch("[0-9]{1,6}", word.text):
            seconds, used = int(word.text) * _seconds_of(unit), 2
        elif word.text in {"last", "past"} and unit:
            seconds, used = _seconds_of(unit), 2
        else:
            continue
        return (*words[:position], *words[position + used :]), {"since_seconds": max(1, seconds)}
    return tuple(words), {}


def _seconds_of(unit: re.Match[str]) -> int:
    name = {"second": "s", "minute": "m"}.get(unit["unit"] or "", unit["unit"] or unit["letter"])
    return _SECONDS[name]

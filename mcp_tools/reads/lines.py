"""Lines of logs, whoever keeps them: read with their times, filtered, bounded, and folded to what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.reads.answer import LINE_WIDTH, clip
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS = 24_000
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_ERROR = r"error|err|fatal|critical|crit|panic|exception|traceback|severe|emerg|alert"
_STATED = re.compile(r"[\"']?\b(?:level|severity|lvl|levelname)[\"']?\s*[:=]\s*[\"']?(\w+)", re.IGNORECASE)
LEVELS = {
    "error": re.compile(rf"\b(?:{_ERROR})\b|^E\d{{4}} |\w(?:Error|Exception)\b", re.IGNORECASE),
    "warning": re.compile(rf"\b(?:{_ERROR}|warn|warning)\b|^[EW]\d{{4}} |\w(?:Error|Exception)\b", re.IGNORECASE),
}
"""Lines of at least this level, by the words (and klog's first letter) that loggers write where they state no level."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log. `source` is the pod (and container) where there are several, else empty."""

    time: str
    source: str
    text: str


def read_lines(raw: bytes, source: str = "") -> Iterator[Line]:
    """The lines of a log that was asked for with times, redacted, each bounded."""
    time = ""
    # A private key runs over many lines, each of which alone looks like nothing. Lines end as the kubelet ends them:
    # what else Python takes for an end of line is within one.
    for line in redact_text(raw.decode("utf-8", "replace")).removesuffix("\n").split("\n") if raw else ():
        stamp, space, text = line.partition(" ")
        if space and _STAMP.fullmatch(stamp):
            time = stamp
        else:
            text = line
        yield Line(time, source, clip(text.removesuffix("\r"), LINE_WIDTH))


def is_wanted(text: str, contains: str | None, level: str | None) -> bool:
    """Whether a line holds a text, and is of a level or worse."""
    if contains and contains.lower() not in text.lower():
        return False
    if not level:
        return True
    stated = _STATED.search(text)
    return LEVELS[level].search(stated[1] if stated else text) is not None


def folded(lines: list[Line]) -> dict[str, Any]:
    """What all the lines say, as `digest` and `first_error`; the traces of several pods one pod after the other."""
    from mcp_tools.diagnosis.logs.digest import digest

    def stamped(some: list[Line]) -> list[str]:
        return [f"{line.time} {line.text}" if line.time else line.text for line in some]

    found = digest(stamped(sorted(lines, key=lambda line: line.source)))
    told = {"digest": [f"{entry.count}x {clip(entry.text, LINE_WIDTH)}" for entry in found.entries]}
    first = digest(stamped(lines)).first_error
    return {**told, "first_error": clip(f"{first.first} {first.text}".strip(), LINE_WIDTH)} if first else told


def last_lines(lines: list[Line], most: int) -> list[Line]:
    """The last lines, by number and by what they take together."""
    characters, first = 0, len(lines)
    while first > max(0, len(lines) - most) and characters + len(lines[first - 1].text) <= MAX_CHARACTERS:
        first -= 1
        characters += len(lines[first].text)
    return lines[first:]

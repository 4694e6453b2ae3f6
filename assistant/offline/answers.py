"""What a short answer means after a question back: a number, a name, a candidate, yes or no."""

from __future__ import annotations

import dataclasses
import re

from assistant.offline.intents.values import scaling, too_many
from assistant.offline.model import Clarify, Mention, Refuse, Relative, Reply, Step, ToolCall
from assistant.offline.sentence import read
from assistant.offline.shape import shape

_ORDINALS = {
    word: index
    for index, words in enumerate(("first 1 1st", "second 2 2nd", "third 3 3rd", "fourth 4 4th", "fifth 5 5th"))
    for word in words.split()
}
_CANDIDATE = re.compile(r"(?P<target>\S+)(?: in namespace (?P<namespace>\S+))?")
_YES = frozenset({"yes", "y", "yep", "yeah", "yes please", "sure", "do it", "that one", "that", "ok", "okay"})
_NO = frozenset(
    {"no", "n", "nope", "none", "cancel", "never mind", "nevermind", "neither", "no thanks", "forget it", "stop"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """Candidates for the target of a step that met none or several."""

    step: ToolCall | Relative
    candidates: tuple[str, ...]


Open = Clarify | Choice | Refuse | None
"""What the sentence before left open; of a refusal, its suggestions."""


def answered(text: str, left: Open) -> Step | str | None:
    """What an answer makes of what was left open.

    Returns:
        A step; a suggestion that was agreed to, as a sentence; or None where it is no answer but a sentence of its own.
    """
    if left is None:
        return None
    said = re.sub(r"^the\s+|\s+(?:one|please)$", "", text.strip().lower().rstrip(".!"))
    if said in _NO:
        return Reply("All right, nothing was done.")
    match left:
        case Clarify(_, step, "replicas") if isinstance(step, Relative):
            return _counted(said, step)
        case Clarify(_, step, _):
            return _named(text, step)
        case Choice(step, candidates):
            return _picked(said, step, candidates)
        case Refuse(_, suggestions):
            return suggestions[0] if said in _YES and len(suggestions) == 1 else _numbered(said, suggestions)


def _counted(said: str, step: Relative) -> Step | None:
    given = shape(read(said).words)
    way = step.direction or 1
    found = re.fullmatch(
        r"(?:to )?N(?: (?:replicas|pods))?|(?P<by>by N|N (?:more|fewer|less))(?: (?:replicas|pods))?", given.text
    )
    if found is None:
        return None
    number = int(given.all("N")[0].text)
    wrong = too_many(number)
    if wrong:
        return wrong
    if found["by"]:
        fewer = found["by"].endswith(("fewer", "less"))
        if not step.direction and found["by"] == "by N":
            return None
        return dataclasses.replace(step, add=(-1 if fewer else way) * number)
    return scaling(Mention(step.target, step.namespace), dataclasses.replace(step, to=number))


def _named(text: str, step: ToolCall | Relative) -> Step | None:
    """The step with the object that a lone name names."""
    sentence = read(text)
    given = shape(sentence.words)
    if given.text != "T" or sentence.question or sentence.quoting or set(sentence.flags) - {"namespace"}:
        return None
    target = given.parts[0].text
    if not target or sentence.unknown_flags:
        return None
    return _with_target(step, target, sentence.flags.get("namespace"))


def _picked(said: str, step: ToolCall | Relative, candidates: tuple[str, ...]) -> Step | None:
    chosen = _one_of(said, candidates)
    found = _CANDIDATE.fullmatch(chosen) if chosen else None
    return _with_target(step, found["target"], found["namespace"]) if found else None


def _one_of(said: str, candidates: tuple[str, ...]) -> str | None:
    if said == "last" and candidates:
        return candidates[-1]
    if said in _ORDINALS:
        return candidates[_ORDINALS[said]] if _ORDINALS[said] < len(candidates) else None
    if said in _YES:
        return candidates[0] if len(candidates) == 1 else None
    named = [c for c in candidates if said and said in {c, c.split()[0], *c.split()[0].split("/"), c.split()[-1]}]
    return named[0] if len(named) == 1 else None


def _numbered(said: str, suggestions: tuple[str, ...]) -> str | None:
    return suggestions[_ORDINALS[said]] if said in _ORDINALS and _ORDINALS[said] < len(suggestions) else None


def _with_target(step: ToolCall | Relative, target: str, namespace: str | None) -> Step:
    if isinstance(step, Relative):
        made = dataclasses.replace(step, target=target, namespace=namespace or step.namespace, alternatives=())
        return scaling(Mention(made.target, made.namespace), made)
    more = {"namespace": namespace} if namespace else {}
    return dataclasses.replace(step, arguments={**step.arguments, "target": target, **more}, alternatives=())

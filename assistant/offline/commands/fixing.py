"""Mending what a diagnosis names: "fix it", "fix backend", "apply the second fix"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.offline.commands.said import parse, target
from assistant.offline.model import Heal

if TYPE_CHECKING:
    from assistant.offline.commands.said import Said
    from assistant.offline.model import Mention, Step

_VERB = r"(?:fix|heal|repair|mend|remedy)"
_IT = (
    r"(?:it|that|this|the (?:problem|issue|error|trouble|cause)|(?:what is|what's|whatever is) (?:wrong|broken)|"
    r"everything)"
)
_WHICH = r"[1-9]|first|second|third"
_OPTION = rf"(?: (?:with|by|using) (?:the )?(?:(?:fix|option) (?P<number>{_WHICH})|(?P<nth>{_WHICH}) (?:fix|option)))?"
_IN = r"(?: in (?:the )?(?:namespace )?(?P<namespace>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?: namespace)?)?"
_CARRY_OUT = rf"(?:apply|run|do|carry out) (?:the )?(?:(?P<number>{_WHICH}) )?fix(?: (?P<nth>[1-9]))?"
_SHAPES = (
    rf"{_VERB} {_IT}(?: (?:with|of) <target>)?{_IN}{_OPTION}",
    rf"{_VERB} <target>{_IN}{_OPTION}",
    rf"{_CARRY_OUT}(?: (?:of|for) <target>)?{_IN}",
)
_NUMBERS = {"first": 1, "second": 2, "third": 3}


def match(given: Said, last: Mention | None) -> Step | None:
    """A `Heal`, or None."""
    if given.argv or not given.only():
        return None
    found = next((parsed for shape in _SHAPES if (parsed := parse(shape, given)) is not None), None)
    if found is None:
        return None
    where: dict[str, Any] = dict(given.namespace)
    if found["namespace"]:
        where["namespace"] = found["namespace"].lower()
    if found["target"]:
        where["target"] = target(found["target"], last)
    number = (found["number"] or found["nth"] or "1").lower()
    option = _NUMBERS.get(number) or int(number)
    return Heal(where if where.get("target") or where.get("namespace") else None, option)

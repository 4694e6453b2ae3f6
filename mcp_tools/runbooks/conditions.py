"""Whether what a runbook expects of an answer holds, said so that a person sees what was there instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.reads.answer import clip
from mcp_tools.runbooks.model import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_tools.runbooks.model import Condition

VALUE_WIDTH = 80
_WORDS = {
    Operator.EQUALS: "equal to",
    Operator.NOT_EQUALS: "other than",
    Operator.AT_LEAST: "at least",
    Operator.AT_MOST: "at most",
    Operator.CONTAINS: "with",
    Operator.LACKS: "without",
    Operator.EMPTY: "empty",
    Operator.NOT_EMPTY: "not empty",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a condition came out: whether it holds, and the sentence that says so."""

    holds: bool
    text: str


def judge(conditions: Sequence[Condition], data: Mapping[str, Any]) -> list[Verdict]:
    """Hold every condition against an answer's data."""
    return [_judged(condition, data) for condition in conditions]


def _judged(condition: Condition, data: Mapping[str, Any]) -> Verdict:
    import jmespath

    try:
        found = jmespath.search(condition.path, data)
    except jmespath.exceptions.JMESPathError as error:
        reason = str(error).partition("\n")[0]
        return Verdict(holds=False, text=f"{condition.path} cannot be asked of this answer: {reason}")
    wanted = "" if condition.operator.alone else f" {_told(condition.value)}"
    said = f"{condition.path} is {_told(found)}"
    word = f"{_WORDS[condition.operator]}{wanted}"
    holds = _holds(condition.operator, found, condition.value)
    return Verdict(holds, f"{said} ({word})" if holds else f"{said}, and should be {word}")


def _holds(operator: Operator, found: Any, value: Any) -> bool:
    match operator:
        case Operator.EQUALS:
            return _same(found, value)
        case Operator.NOT_EQUALS:
            return not _same(found, value)
        case Operator.AT_LEAST:
            return _number(found) and _number(value) and found >= value
        case Operator.AT_MOST:
            return _number(found) and _number(value) and found <= value
        case Operator.CONTAINS:
            return _contains(found, value)
        case Operator.LACKS:
            return isinstance(found, str | list | dict) and not _contains(found, value)
        case Operator.EMPTY:
            return _empty(found)
        case Operator.NOT_EMPTY:
            return not _empty(found)


def _same(found: Any, value: Any) -> bool:
    # In Python True is 1; in an answer it is not.
    return isinstance(found, bool) is isinstance(value, bool) and found == value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return str(value) in found
    return isinstance(found, list | dict) and value in found


def _empty(found: Any) -> bool:
    return found is None or (isinstance(found, str | list | dict) and not found)


def _told(value: Any) -> str:
    if value is None:
        return "absent"
    return clip(value if isinstance(value, str) else msgspec.json.encode(value).decode(), VALUE_WIDTH)

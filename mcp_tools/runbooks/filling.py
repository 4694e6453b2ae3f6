"""Values for a runbook's parameters, and the places where they go. Nothing is evaluated: a name stands for a value."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import UsageError
from mcp_tools.redaction import MASK
from mcp_tools.runbooks.model import RANDOM, Call, Condition, Parameter

if TYPE_CHECKING:
    from mcp_tools.runbooks.model import Runbook, Scalar

RANDOM_BYTES = 32
MOST_CHARACTERS = 4000
_PLACE = re.compile(r"\{\{\s*(?P<name>\w+)\s*(?:\|\s*(?P<filter>\w+)\s*)?\}\}")
_FILTERS = frozenset({"base64"})
"""What a value can be turned into: the data of a Secret is base64."""
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def placeholders(value: Any) -> set[str]:
    """The parameters that a structure names.

    Raises:
        UsageError: A placeholder is turned into what nobody knows.
    """
    found: set[str] = set()
    for text in _texts(value):
        for place in _PLACE.finditer(text):
            if place["filter"] not in {None, *_FILTERS}:
                raise UsageError(f"There is no filter {place['filter']!r}.", f"There is: {', '.join(_FILTERS)}.")
            found.add(place["name"])
    return found


def values_of(runbook: Runbook, given: Mapping[str, str]) -> dict[str, Scalar]:
    """The values of a run: those given, checked and typed, then the defaults.

    Raises:
        UsageError: One is unknown, wrong or missing; the value of a secret is not told.
    """
    known = runbook.parameters
    if strange := [name for name in given if name not in known]:
        takes = ", ".join(known) or "no parameters"
        raise UsageError(f"The runbook {runbook.name} takes no {strange[0]!r}.", f"It takes: {takes}.")
    missing = [name for name, parameter in known.items() if parameter.required and not given.get(name, "").strip()]
    if missing:
        told = "; ".join(f"{name}: {known[name].description}" for name in missing)
        raise UsageError(f"The runbook {runbook.name} needs {', '.join(missing)}.", f"{told}.")
    return {
        name: _typed(name, parameter, given[name]) if given.get(name, "") != "" else _default(parameter)
        for name, parameter in known.items()
    }


def shown(runbook: Runbook, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The values with the secrets masked."""
    return {
        name: MASK if runbook.parameters[name].type == "secret" and value is not None else value
        for name, value in values.items()
    }


def filled(call: Call, values: Mapping[str, Scalar]) -> dict[str, Any]:
    """The arguments of a call; one that is only a placeholder of no value is left out."""
    return {name: value for name, given in call.arguments.items() if (value := _filled(given, values)) is not None}


def expectation(condition: Condition, values: Mapping[str, Scalar]) -> Condition:
    """The condition with its value; what stood there as null stays."""
    return (
        condition
        if condition.operator.alone
        else condition.model_copy(update={"value": _filled(condition.value, values)})
    )


def _typed(name: str, parameter: Parameter, text: str) -> Scalar:
    text = text.strip() if parameter.type != "secret" else text
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"{name} is too long.", f"{MOST_CHARACTERS} characters are the most.")
    match parameter.type:
        case "integer":
            if not re.fullmatch(r"-?\d{1,12}", text):
                raise UsageError(f"{name} is a whole number, and {text!r} is none.", f"{parameter.description}.")
            return _within(name, parameter, int(text))
        case "boolean":
            if text.lower() not in _TRUE | _FALSE:
                raise UsageError(f"{name} is true or false, and not {text!r}.", f"{parameter.description}.")
            return text.lower() in _TRUE
    if parameter.choices and text not in parameter.choices:
        raise UsageError(f"{name} cannot be {text!r}.", f"It is one of: {', '.join(parameter.choices)}.")
    return text


def _within(name: str, parameter: Parameter, number: int) -> int:
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        least = "any" if low is None else str(low)
        most = "any" if high is None else str(high)
        raise UsageError(f"{name} cannot be {number}.", f"It is at least {least} and at most {most}.")
    return number


def _default(parameter: Parameter) -> Scalar:
    if parameter.type == "secret" and parameter.default == RANDOM:
        return secrets.token_urlsafe(RANDOM_BYTES)
    return parameter.default


def _filled(value: Any, values: Mapping[str, Scalar]) -> Any:
    if isinstance(value, dict):
        return {str(_filled(key, values)): _filled(held, values) for key, held in value.items()}
    if isinstance(value, list):
        return [_filled(held, values) for held in value]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value.strip())
    if whole and not whole["filter"]:
        return values[whole["name"]]
    return _PLACE.sub(lambda place: _text(place, values), value)


def _text(place: re.Match[str], values: Mapping[str, Scalar]) -> str:
    value = values[place["name"]]
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return base64.b64encode(text.encode()).decode() if place["filter"] else text


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list):
        return [text for held in value for text in _texts(held)]
    return [value] if isinstance(value, str) else []

"""Values of a chart: which of them are secret, and where each comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_tools.errors import UsageError
from mcp_tools.redaction import MASK, is_secret_name, redact_text

Path = tuple[str, ...]
_STEP = re.compile(r"(?:\\.|[^.\\])+")


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without secrets: also what stands anywhere below a name such as `secrets` or `credentials`."""
    return {key: _masked(value, secret=_is_secret(key)) for key, value in values.items()}


def _masked(value: Any, *, secret: bool) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, secret=secret or _is_secret(str(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secret=secret) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return MASK if secret else redact_text(value) if isinstance(value, str) else value


def _is_secret(name: str) -> bool:
    return is_secret_name(name) or is_secret_name(name.removesuffix("s"))


def computed(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The chart's values with the user's laid over them, as Helm does: maps are merged, null takes away."""
    result: dict[str, Any] = {}
    for key in [*defaults, *(key for key in given if key not in defaults)]:
        if key not in given:
            result[key] = defaults[key]
        elif given[key] is None:
            continue
        elif isinstance(given[key], dict):
            before = defaults.get(key)
            result[key] = computed(before if isinstance(before, dict) else {}, given[key])
        else:
            result[key] = given[key]
    return result


def leaves(values: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no map, with where it stands; an empty map is one too."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, str(key)))
        else:
            yield (*path, str(key)), value


def is_given(given: Mapping[str, Any], path: Path) -> bool:
    """Whether the user set what stands at a path."""
    inner: Any = given
    for step in path:
        if not isinstance(inner, dict) or step not in inner:
            return False
        inner = inner[step]
    return True


def nested(sets: Mapping[str, Any]) -> dict[str, Any]:
    r"""Values by path (`image.tag`; a dot of a name is written `\.`) as a chart has them.

    Raises:
        UsageError: A path is none, or leads through what another one sets.
    """
    result: dict[str, Any] = {}
    for path, value in sets.items():
        steps = [step.replace("\\.", ".") for step in _STEP.findall(path)]
        if not steps or "[" in path:
            raise UsageError(f"{path!r} is no path of a value.", "Such as image.tag; a list is given as a whole.")
        inner = result
        for step in steps[:-1]:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise UsageError(f"{path} leads through a value that is set, too.", "Set one of the two.")
        inner[steps[-1]] = value
    return result

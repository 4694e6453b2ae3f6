"""Fields of objects as cells, by paths such as `status.conditions[Ready].status`, and the order of cells."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from mcp_tools.errors import UsageError
from mcp_tools.quantity import BadQuantity, parse
from mcp_tools.reads.answer import clip

# A name, or what stands in brackets: an index, `*`, a key with dots, the `name` or `type` of a list's element.
_STEP = re.compile(r"\.?([^.\[\]{}]+)|\.?\[(['\"]?)([^\[\]]+)\2\]")
_AGE = re.compile(r"(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_AGE_UNITS = (365 * 86400, 86400, 3600, 60, 1)
AGES = frozenset({"age", "last schedule", "duration"})
MAX_STEPS = 20

Steps = tuple[str, ...]
Key = tuple[int, Decimal, str]


def steps_of(path: str) -> Steps:
    """The steps of a field path; kubectl's `{.spec.x}` and `.spec.x` are the same as `spec.x`.

    Raises:
        UsageError: It is no path.
    """
    text = path.strip().removeprefix("{").removesuffix("}").lstrip(".").removeprefix("$").removeprefix("@").lstrip(".")
    steps: list[str] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None or len(steps) == MAX_STEPS:
            break
        steps.append(found[1] or found[3])
        position = found.end()
    if not steps or position < len(text):
        raise UsageError(
            f"{path!r} is no field path.", "Such as spec.nodeName, metadata.labels[app], spec.containers[*].image."
        )
    return tuple(steps)


def values_at(value: Any, steps: Steps) -> list[Any]:
    """What stands at a path: nothing, one value, or several where it leads through a list."""
    for position, step in enumerate(steps):
        if isinstance(value, dict):
            if step == "*":
                return [found for item in value.values() for found in values_at(item, steps[position + 1 :])]
            value = value.get(step)
        elif isinstance(value, list):
            if step.lstrip("-").isdigit():
                index = int(step)
                value = value[index] if -len(value) <= index < len(value) else None
                continue
            named = [item for item in value if isinstance(item, dict) and step in {item.get("name"), item.get("type")}]
            rest = steps[position:] if step != "*" and not named else steps[position + 1 :]
            return [found for item in named or value for found in values_at(item, rest)]
        else:
            return []
    return [] if value is None else [value]


def cell_of(value: Any, steps: Steps) -> Any:
    """The cell for a path: the value as it is, several joined by commas, None for nothing."""
    found = values_at(value, steps)
    if not found:
        return None
    if len(found) == 1 and isinstance(found[0], int | float):
        return found[0]
    return clip(",".join(item if isinstance(item, str) else json.dumps(item) for item in found))


def sort_key(cell: Any, *, ages: bool = False) -> Key:
    """Orders cells as people mean them: numbers and quantities by their size, `2/3` by its share, words by letters.

    Args:
        ages: The cells are times that passed, such as `5m` or `2d3h`.
    """
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return (2, Decimal(0), json.dumps(cell)) if cell is not None else (3, Decimal(0), "")
    text = str(cell).strip()
    age = _AGE.fullmatch(text) if ages and text else None
    if age:
        passed = sum(int(part or 0) * unit for part, unit in zip(age.groups(), _AGE_UNITS, strict=True))
        return (0, Decimal(passed), "")
    share = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if share:
        return (0, Decimal(share[1]) / max(1, int(share[2])), "")
    try:
        return (0, parse(re.sub(r" \(.*\)$", "", text)), "")  # `3 (5m ago)` is three restarts
    except BadQuantity:
        return (3, Decimal(0), "") if text in {"", "<none>", "<unknown>"} else (1, Decimal(0), text.lower())

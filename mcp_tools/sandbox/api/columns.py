"""What fills a table's column, and the helpers that many columns share.

Their types, formats, priorities and descriptions are in `columns.json`, as an API server publishes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.clock import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.store import Object

NONE = "<none>"
UNKNOWN = "<unknown>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a Table.

    Attributes:
        name: Its header.
        cell: From an object and the time now to a value.
    """

    name: str
    cell: Callable[[Object, float], Any]


def column(name: str, cell: Callable[[Object], Any]) -> Column:
    """A column whose cells do not depend on the time."""
    return Column(name, lambda obj, _: cell(obj))


def at(obj: Any, *path: str, default: Any = None) -> Any:
    """The value at a path, or the default where it is absent or null."""
    for part in path:
        obj = obj.get(part) if isinstance(obj, dict) else None
    return default if obj is None else obj


def field(name: str, *path: str, default: Any = NONE) -> Column:
    """A column that shows one field."""
    return column(name, lambda obj: at(obj, *path, default=default))


_LONG_YEARS = 8
_LIMITS = (
    (120, "s", 1),
    (600, "ms", 60),
    (10800, "m", 60),
    (28800, "hm", 3600),
    (172800, "h", 3600),
    (691200, "dh", 86400),
)


def human_duration(seconds: float) -> str:
    """A duration as `kubectl` prints ages (apimachinery, pkg/util/duration)."""
    total = int(seconds)
    if total < 0:
        return "0s" if total >= -1 else "<invalid>"
    for limit, form, unit in _LIMITS:
        if total < limit:
            return _duration(total, form, unit)
    days = total // 86400
    if days < 2 * 365:
        return f"{days}d"
    years, rest = divmod(days, 365)
    return f"{years}y{rest}d" if years < _LONG_YEARS and rest else f"{years}y"


def _duration(total: int, form: str, unit: int) -> str:
    whole, rest = divmod(total, unit)
    if len(form) == 1:
        return f"{whole}{form}"
    part = {"ms": rest, "hm": rest // 60, "dh": rest // 3600}[form]
    return f"{whole}{form[0]}{part}{form[1]}" if part else f"{whole}{form[0]}"


def since(moment: str | None, now: float) -> str:
    """How long ago an RFC 3339 time was."""
    return human_duration(now - parse_time(moment)) if moment else UNKNOWN


def age(obj: Object, now: float) -> str:
    """The AGE cell."""
    return since(obj["metadata"].get("creationTimestamp"), now)


NAME = field("Name", "metadata", "name")
AGE = Column("Age", age)
CREATED = field("Created At", "metadata", "creationTimestamp")


def pairs(*path: str) -> Callable[[Object], str]:
    """Cells that show a map, such as labels, as `key=value,…`."""
    return lambda obj: ",".join(f"{k}={v}" for k, v in sorted(at(obj, *path, default={}).items())) or NONE


def containers(path: tuple[str, ...]) -> tuple[Column, Column]:
    """The CONTAINERS and IMAGES columns of a workload whose pod spec is at `path`."""
    return (
        column("Containers", lambda obj: _joined(obj, path, "name")),
        column("Images", lambda obj: _joined(obj, path, "image")),
    )


def _joined(obj: Object, path: tuple[str, ...], key: str) -> str:
    return ",".join(container.get(key, "") for container in at(obj, *path, "containers", default=[]))

"""Helm releases as a person reads them: lists and histories as tables, manifests as YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from assistant.render.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

_TABLES = {
    "releases": ("namespace", "name", "revision", "status", "chart", "app_version", "updated"),
    "revisions": ("revision", "status", "chart", "updated", "changed", "description"),
    "values": ("path", "value", "origin", "default"),
}


def render_releases(result: ToolResult) -> RenderableType:
    """The answer of `helm_releases`, whatever was asked."""
    data = result.data
    parts: list[RenderableType] = []
    for key, columns in _TABLES.items():
        if data.get(key):
            heads = tuple(column.replace("_", " ") for column in columns)
            parts.append(table(heads, [[_cell(row.get(column)) for column in columns] for row in data[key]]))
    if "more_fields" in data:
        parts += _difference(data)
    if data.get("manifest"):
        parts.append(Text(printable(data["manifest"])))
    if data.get("notes") and isinstance(data["notes"], str):
        parts.append(Text(printable(data["notes"])))
    for key in ("objects", "hooks"):
        if data.get(key) and "more_fields" not in data:
            parts.append(Text(printable(f"{key}: {', '.join(data[key])}"), style="faint"))
    return Group(Text(printable(result.summary), style="head"), *parts)


def _difference(data: dict[str, Any]) -> list[RenderableType]:
    rows = []
    for item in data["objects"]:
        name = item["object"].partition(" in namespace ")[0]
        for field in item["fields"] or [{"path": item["state"]}]:
            first, *more = field.get("lines") or [_cell(field.get("new"))]
            rows.append([name, field["path"], _cell(field.get("old")), first])
            rows += [["", "", "", line] for line in more]
    notes = [Text(printable(note), style="warn") for note in data["notes"]]
    left = [Text(f"… {data['more_fields']} more fields", style="faint")] if data["more_fields"] else []
    return [*([table(("object", "field", "now", "then"), rows)] if rows else []), *left, *notes]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))

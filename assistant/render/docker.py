"""What the Docker engine has, as a person reads it: lists as tables, causes with their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from assistant.render.images import render_images
from assistant.render.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

_TABLES = {
    "containers": (
        "name", "cpu_percent", "memory_mib", "limit_mib", "memory_percent", "received_mib", "sent_mib", "pids"
    ),
    "images": ("name", "id", "size_mib", "age_days", "containers"),
    "layers": ("size_mib", "percent", "instruction"),
    "projects": ("name", "running", "total", "services", "trouble", "directory"),
    "would_go": ("kind", "name", "size_mib", "why"),
}  # fmt: skip
_UNITS = {"_percent": " %", "_mib": " MiB", "_days": " days"}


def render_docker(result: ToolResult) -> RenderableType:
    """The answer of `inspect_docker`, whatever was asked."""
    data = result.data
    summary = Text(printable(result.summary), style="head")
    if (judged := render_images(result)) is not None:
        return judged
    if "lines" in data:
        lines = [printable(line) for line in data["lines"]]
        return Text("\n".join(lines), overflow="fold") if lines else summary
    if "rows" in data:
        shown = table(data["columns"], [[_cell(cell) for cell in row] for row in data["rows"]])
        return Group(shown, Text(printable(result.summary), style="faint")) if data["rows"] else summary
    if "container" in data:
        return Group(summary, Text(""), Text(printable(_yaml(data["container"]))))
    if "findings" in data:
        return Group(*_findings(summary, data))
    parts: list[RenderableType] = [summary]
    if "usage" in data:
        kinds = [[kind.replace("_", " "), *map(_cell, _of_kind(one))] for kind, one in data["usage"].items()]
        parts.append(table(("kind", "number", "MiB", "unused", "MiB unused"), kinds))
    for key, columns in _TABLES.items():
        if data.get(key):
            heads = tuple(_head(column) for column in columns)
            parts.append(table(heads, [[_cell(row.get(column)) for column in columns] for row in data[key]]))
    if data.get("more"):
        parts.append(Text(f"… {data['more']} more", style="faint"))
    return Group(*parts)


def _findings(summary: Text, data: dict[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for one in data["findings"]:
        parts.append(Text.assemble(("✘ ", "bad"), printable(one["what"])))
        parts += [Text(f"    {printable(line)}", style="faint") for line in one["evidence"]]
        if one["fix"]:
            parts.append(Text(f"  → {printable(one['fix'])}"))
    if data["log"] and data["findings"]:
        parts += [Text("its last lines:", style="faint"), *(Text(f"  {printable(line)}") for line in data["log"])]
    return parts or [Text.assemble(("✔ ", "good"), summary)]


def _of_kind(one: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(one.get(key) for key in ("number", "size_mib", "unused", "unused_mib"))


def _head(column: str) -> str:
    unit = next((end for end in _UNITS if column.endswith(end)), "")
    return f"{column.removesuffix(unit)}{_UNITS.get(unit, '')}".replace("_", " ")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _yaml(data: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120))

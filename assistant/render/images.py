"""What is said of a Dockerfile, a failed build, an image's safety: causes with their lines, and patches in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from assistant.render.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

_LEVELS = {"error": "bad", "warning": "warn", "critical": "bad", "high": "bad", "medium": "warn"}
_SIGNS = {"+": "good", "-": "bad", "@": "faint"}


def render_images(result: ToolResult) -> RenderableType | None:
    """The answer about what images are built from and hold; None for any other."""
    data = result.data
    summary = Text(printable(result.summary), style="head")
    if "kind" in data and "builder" in data:
        evidence = [Text(f"  · {printable(line)}", style="faint") for line in data.get("evidence", ())]
        return Group(summary, *evidence, *_patch(data))
    if "table" in data:
        rows = [[row["what"], row["before"], row["after"]] for row in data["table"]]
        given_up = [Text(f"  given up {printable(one['code'])}: {printable(one['why'])}") for one in data["given_up"]]
        return Group(summary, table(("", "before", "after"), rows), *given_up, *_patch(data))
    if "dockerfile" in data:
        parts: list[RenderableType] = [summary]
        for one in data["findings"]:
            place = f"line {one['line']}" if one.get("line") else "whole file"
            text = f"{place}, {one['code']}: {printable(one['reason'])}"
            parts += [Text(f"✘ {text}", style=_LEVELS.get(one["level"], "")), *_patch(one)]
        return Group(*parts, *([Text(f"… {data['more']} more", style="faint")] if data["more"] else []))
    return render_safety(result) if "configuration" in data or "packages" in data else None


def render_safety(result: ToolResult) -> RenderableType:
    """Whether an image is safe: the worst as a table, then its configuration."""
    return Group(Text(printable(result.summary), style="head"), *_safety(result.data))


def _safety(data: dict[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if worst := data.get("worst"):
        columns = tuple(dict.fromkeys(key for row in worst for key in row if not isinstance(row[key], (dict, list))))
        parts.append(table(columns, [[printable(str(row.get(key, ""))) for key in columns] for row in worst]))
    for one in data.get("configuration", ()):
        said = ", ".join(printable(str(value)) for value in one.values() if isinstance(value, (str, int)))
        parts.append(Text(f"• {said}", style=_LEVELS.get(str(one.get("severity")), "")))
    return parts


def _patch(data: dict[str, Any]) -> list[RenderableType]:
    lines = printable(data.get("patch", "")).splitlines()
    return [Text(f"    {line}", style=_SIGNS.get(line[:1], "faint"), overflow="fold") for line in lines]

"""Prints docs/TOOLS.md from the tools themselves: `make docs`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.tools.base import Tool

HEAD = """\
# Tools

What the assistant and every MCP client can call; the same handlers behind both. Written by `make docs`, not by hand.

A tool that changes something never does it unasked: see [safety.md](safety.md). Every answer has a `summary` sentence
and structured data, with secrets masked.
"""


def tools_page() -> str:
    """The whole page."""
    from mcp_tools.tools.registry import TOOLS

    looking = [tool for tool in TOOLS if tool.read_only]
    changing = [tool for tool in TOOLS if not tool.read_only]
    parts = [HEAD, "| tool | what it does |", "|---|---|"]
    parts += [f"| [`{tool.name}`](#{tool.name}) | {_cell(tool.description)} |" for tool in TOOLS]
    for title, tools in (("Tools that look", looking), ("Tools that change", changing)):
        parts += ["", f"## {title}"]
        for tool in tools:
            parts += ["", *_section(tool)]
    return "\n".join(parts) + "\n"


def _section(tool: Tool) -> list[str]:
    hints = {"read-only": tool.read_only, "destructive": tool.destructive, "idempotent": tool.idempotent}
    lines = [f"### {tool.name}", "", tool.description, ""]
    lines += [f"Hints: {', '.join(name for name, holds in hints.items() if holds) or 'none'}."]
    schema = tool.input_schema()
    if schema["properties"]:
        lines += ["", "| argument | type | default | |", "|---|---|---|---|"]
    for name, prop in schema["properties"].items():
        default = "required" if name in schema.get("required", ()) else _default(prop)
        lines.append(f"| `{name}` | {_type(prop)} | {default} | {_cell(prop.get('description', ''))} |")
    return lines


def _default(prop: dict[str, Any]) -> str:
    return f"`{json.dumps(prop['default'])}`" if "default" in prop else ""


def _type(prop: dict[str, Any]) -> str:
    if "enum" in prop:
        return " or ".join(f"`{value}`" for value in prop["enum"])
    if "anyOf" in prop:
        return " or ".join(_type(choice) for choice in prop["anyOf"])
    text = str(prop.get("type", "any"))
    low, high = prop.get("minimum"), prop.get("maximum")
    if low is not None and high is not None:
        text += f", {low} to {high}"
    elif low is not None:
        text += f", at least {low}"
    if "items" in prop:
        text += f" of {_type(prop['items'])}"
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(tools_page(), end="")

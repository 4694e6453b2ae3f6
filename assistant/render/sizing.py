"""What workloads ask for against what they use, as a table with what should become of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from assistant.render.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

MARKS = {"too little": ("✘", "bad"), "too much": ("•", "warn"), "unset": ("•", "warn"), "fits": ("✔", "good")}
COLUMNS = ("", "workload", "cpu p90/peak", "cpu request", "cpu limit", "memory peak", "memory request", "memory limit")


def render_sizing(result: ToolResult) -> RenderableType:
    """The answer of `cluster_overview` about sizes."""
    data = result.data
    parts: list[RenderableType] = [Text(printable(result.summary), style="head")]
    if data["containers"]:
        parts += [Text(""), table(COLUMNS, [_row(one) for one in data["containers"]])]
    if data["more"]:
        parts.append(Text(f"… and {data['more']} more", style="faint"))
    reasons = [
        Text.assemble((f"{MARKS.get(one['verdict'], ('?', 'faint'))[0]} ", "faint"), printable(f"{_name(one)}: {text}"))
        for one in data["containers"]
        if one["verdict"] in {"too little", "too much", "unset"}
        for text in one.get("reasons") or ()
    ]
    parts += [Text(""), *reasons] if reasons else []
    parts += [Text(f"• {printable(text)}", style="warn") for text in data["advice"]]
    return Group(*parts)


def _row(one: dict[str, Any]) -> list[str]:
    measured, now, wanted = one["measured"], one["now"], one.get("recommended") or {}
    cpu, memory = measured.get("cpu") or {}, measured.get("memory") or {}
    return [
        MARKS.get(one["verdict"], ("?", ""))[0],
        _name(one),
        f"{cpu.get('p90', '–')}/{cpu.get('peak', '–')}",
        _move(now, wanted, "cpu_request"),
        _move(now, wanted, "cpu_limit"),
        memory.get("peak", "–"),
        _move(now, wanted, "memory_request"),
        _move(now, wanted, "memory_limit"),
    ]


def _name(one: dict[str, Any]) -> str:
    name = one["workload"].partition("/")[2]
    return name if one["container"] == name else f"{name} ({one['container']})"


def _move(now: dict[str, str], wanted: dict[str, str], key: str) -> str:
    old, new = now.get(key, "none"), wanted.get(key)
    return old if new is None or new == old else f"{old} → {new}"

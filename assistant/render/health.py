"""Health as a person reads it: the number first, what took the rest, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.offline.model import ToolCall
from assistant.offline.phrasing import phrase
from assistant.render.consoles import printable
from assistant.render.tables import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.toolbox import ToolResult

GOOD, FAIR = 90, 70
BARS = "▁▂▃▄▅▆▇█"
MOST_WHY = 110


def render_health(result: ToolResult) -> RenderableType:
    """The score with its trend, the worst workloads with their reasons, and the first steps."""
    data = result.data
    if not data["health"] or data["health"]["score"] is None:
        return Text(printable(result.summary))
    parts: list[RenderableType] = [_head(result), Text("")]
    if data["namespaces"]:
        rows = [[item["name"], _number(item["score"]), ", ".join(item["lost_by"])] for item in data["namespaces"]]
        parts += [table(("namespace", "score", "lost by"), rows), Text("")]
    parts.append(_objects(data, [*data["workloads"], *data["nodes"]]))
    if data["first"]:
        parts += [Text(""), Text("Do first", style="head")]
        parts += [line for number, step in enumerate(data["first"], 1) for line in _step(number, step)]
    parts += [Text(""), Text(printable(_scope(data)), style="faint")]
    return Group(*parts)


def colour_of(score: float) -> str:
    """The style of a score."""
    return "good" if score >= GOOD else "warn" if score >= FAIR else "bad"


def sparkline(points: list[float], least: float, most: float) -> str:
    """A number as the height of a bar, from `least` to `most`."""
    span = max(most - least, 1e-9)
    places = (min(1.0, max(0.0, (point - least) / span)) for point in points)
    return "".join(BARS[round(place * (len(BARS) - 1))] for place in places)


def _head(result: ToolResult) -> Text:
    health = result.data["health"]
    place, _, _ = result.summary.partition(":")
    line = Text.assemble(
        (f"{health['score']:>3}", f"{colour_of(health['score'])} bold"),
        (" of 100  ", "faint"),
        (printable(place), "head"),
    )
    if "was" in health:
        line.append(f"  was {health['was']} {health['ago']} ago", style="faint")
    if "trend" in health:
        line.append(f"  {sparkline([*health['trend'], health['score']], 0, 100)}", style="faint")
    return line


def _objects(data: dict[str, Any], found: list[dict[str, Any]]) -> RenderableType:
    everywhere = len({item["namespace"] for item in found}) > 1
    several = any("was" in item for item in found)
    rows = []
    for item in found:
        first, *others = item["parts"] or [None]
        cells = [
            *([item["namespace"]] if everywhere else []),
            printable(item["object"]),
            _number(item["score"]),
            *([item.get("was", "")] if several else []),
        ]
        rows.append([*cells, *_part(first)])
        rows += [[*[""] * len(cells), *_part(part)] for part in others]
    columns = (*(("namespace",) if everywhere else ()), "object", "score", *(("was",) if several else ()))
    shown = table((*columns, "lost", "by"), rows)
    more = data["more"]["workloads"] + data["more"]["nodes"]
    return Group(shown, Text(f"and {more} more, none of them worse", style="faint")) if more else shown


def _part(part: dict[str, Any] | None) -> list[object]:
    if part is None:
        return ["", ""]
    why = part["why"] if len(part["why"]) <= MOST_WHY else f"{part['why'][: MOST_WHY - 1]}…"
    return [f"{part['lost']:.0f}", f"{part['part']} {part['score']}: {why}"]


def _number(score: int) -> Text:
    return Text(f"{score:>3}", style=colour_of(score))


def _step(number: int, step: dict[str, Any]) -> list[RenderableType]:
    reaches = f" (reaches {step['reaches']})" if step.get("reaches") else ""
    lines: list[RenderableType] = [
        Text.assemble((f"{number}. ", "head"), (printable(step["do"]), "good")),
        Text(printable(f"   {step['why']}{reaches}"), style="faint"),
    ]
    typed = phrase(ToolCall(step["tool"], step["arguments"])) if "tool" in step else ""
    return [*lines, Text(printable(f"   type: {typed}"), style="faint")] if typed else lines


def _scope(data: dict[str, Any]) -> str:
    scope = data["scope"]
    looked = f"{scope['pods']} pods of {scope['workloads']} workloads looked at"
    unmeasured = f" Not measured: {', '.join(data['unmeasured'])}." if data["unmeasured"] else ""
    missed = f" Not seen: {', '.join(scope['not_seen'])}." if scope["not_seen"] else ""
    beside = f" {scope['causes_elsewhere']} causes outside of it (-A)." if scope["causes_elsewhere"] else ""
    return f"Context {scope['context']}, namespace {scope['namespace']}: {looked}.{unmeasured}{beside}{missed}"

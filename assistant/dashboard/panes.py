"""One moment as text, for the width that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from assistant.offline.model import ToolCall
from assistant.offline.phrasing import phrase
from assistant.render.consoles import printable
from assistant.render.health import colour_of, sparkline
from assistant.render.tables import style_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from assistant.dashboard.trends import Trends
    from mcp_tools.health.frame import EventLine, Frame, PodLine, Use

WIDE = 100
MARGIN = 3
"""What the sides of a pane and its scroll bar take."""
HOT, WARM = 0.9, 0.7
"""Of a limit."""
FAR_BEYOND, BEYOND = 3.0, 1.0
"""Of a request: to use all of it is what it is for."""
MIB = 2**20
THOUSAND, TEN = 1000, 10
TAIL = 6
SHORT = {
    "CrashLoopBackOff": "CrashLoop",
    "ImagePullBackOff": "ImagePull",
    "ErrImagePull": "ImagePull",
    "ContainerCreating": "Creating",
    "PodInitializing": "Init",
    "CreateContainerConfigError": "Config",
    "Terminating": "Ending",
}
DARK = {"good": "green", "warn": "yellow", "bad": "bold red", "faint": "dim", "head": "bold", "": ""}


def head(frame: Frame, trends: Trends, width: int) -> Text:
    """The score of all, its trend, and what took the rest."""
    health = frame.health.get("health") or {}
    place, _, _ = frame.summary.partition(":")
    score = health.get("score")
    line = Text(no_wrap=True, overflow="ellipsis")
    if score is None:
        return line.append(printable(frame.summary))
    line.append(f"{score} of 100", style=f"bold {DARK[colour_of(score)]}")
    line.append(f"  {printable(place)}", style="bold")
    if "was" in health:
        line.append(f"  was {health['was']} {health['ago']} ago", style="dim")
    points = list(trends.scores)[-(20 if width >= WIDE else 8) :]
    if len(points) > 1:
        line.append(f"  {sparkline(points, 0, 100)}", style=DARK[colour_of(score)])
    for part, lost in frame.health["parts"].items():
        told = f"  {part} -{lost}"
        if len(line) + len(told) > width - MARGIN:
            break
        line.append(told, style="dim")
    return line


def scores(frame: Frame, width: int) -> RenderableType:
    """The worst workloads and nodes, each with what took most."""
    items = sorted([*frame.health["workloads"], *frame.health["nodes"]], key=lambda item: item["score"])
    everywhere = len({item["namespace"] for item in items}) > 1
    made = _table(("score", 5, "right"), ("object", max(18, width // 3), "left"), ("lost by", None, "left"))
    for item in items:
        name = f"{item['namespace']}/{item['object']}" if everywhere and item["namespace"] else item["object"]
        was = f" was {item['was']}" if "was" in item else ""
        why = "; ".join(f"{part['part']} -{part['lost']:.0f}: {part['why']}" for part in item["parts"][:2])
        made.add_row(
            Text(f"{item['score']}", style=DARK[colour_of(item["score"])]),
            _cut(name),
            Text.assemble((was.strip() + " " if was else "", "dim"), printable(why), no_wrap=True, overflow="ellipsis"),
        )
    more = frame.health["more"]["workloads"] + frame.health["more"]["nodes"]
    return Group(made, Text(f"and {more} more, none worse", style="dim")) if more else made


def first(frame: Frame) -> RenderableType:
    """What to do, in its order, with the sentence to type."""
    steps = frame.health["first"]
    if not steps:
        return Text("Nothing to do.", style="green")
    lines: list[RenderableType] = []
    for number, step in enumerate(steps, 1):
        lines.append(_line((f"{number} ", "bold"), (printable(step["do"]), "green")))
        lines.append(_line((f"  {printable(step['why'])}", "dim")))
        if typed := _typed(step):
            lines.append(_line((f"  type: {printable(typed)}", "cyan")))
    return Group(*lines)


def pods(frame: Frame, trends: Trends, width: int) -> RenderableType:
    """A line a pod: state, restarts, and CPU and memory against what it asked for and may use."""
    if not frame.pods:
        return Text("No pods.", style="dim")
    wide = width >= WIDE
    bar = 12 if wide else 4
    everywhere = len({pod.namespace for pod in frame.pods}) > 1
    columns: list[tuple[str, int, str]] = [("status", 17 if wide else 9, "left"), ("rst", 4 if wide else 3, "right")]
    columns += [("age", 5, "right")] if wide else []
    for name in ("cpu", "mem"):
        columns += [(name, bar, "left"), ("", 5, "right"), ("req", 4, "right"), ("lim", 4, "right")]
    rest = width - MARGIN - sum(size + 1 for _, size, _ in columns)
    made = _table(("pod", rest, "left"), *columns)
    for pod in frame.pods:
        name = f"{pod.namespace}/{pod.name}" if everywhere else pod.name
        cells = [_cut(_middle(name, rest), "" if pod.ready else "yellow"), _status(pod, wide=wide), _restarts(pod)]
        cells += [Text(pod.age, style="dim")] if wide else []
        cells += _use(pod.cpu, trends.cpu(pod.namespace, pod.name), bar, cores=True)
        cells += _use(pod.memory, trends.memory(pod.namespace, pod.name), bar, cores=False)
        made.add_row(*cells)
    notes = [] if frame.measured else ["CPU and memory are not measured: install metrics-server."]
    notes += [f"and {frame.more_pods} more, well and small"] if frame.more_pods else []
    return Group(made, *(Text(note, style="dim") for note in notes))


def events(frame: Frame, width: int) -> RenderableType:
    """The latest events, Warnings in colour."""
    if not frame.events:
        return Text("No events.", style="dim")
    made = _table(("age", 4, "right"), ("reason", 18 if width >= WIDE else 12, "left"), ("", None, "left"))
    for event in frame.events:
        made.add_row(Text(event.age, style="dim"), _reason(event), _told(event))
    return made


def _line(*parts: tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _reason(event: EventLine) -> Text:
    return _cut(event.reason, "yellow" if event.warning else "")


def _told(event: EventLine) -> Text:
    times = f" x{event.count}" if event.count > 1 else ""
    return Text.assemble(
        (printable(event.object), "cyan"),
        (times, "bold"),
        f" {printable(event.message)}",
        no_wrap=True,
        overflow="ellipsis",
    )


def _table(*columns: tuple[str, int | None, str]) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", show_edge=False, expand=True)
    for name, width, justify in columns:
        side: Any = justify
        made.add_column(
            name.upper(), width=width, justify=side, no_wrap=True, overflow="ellipsis", ratio=None if width else 1
        )
    return made


def _cut(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style, no_wrap=True, overflow="ellipsis")


def _middle(text: str, width: int) -> str:
    """A name cut where it says least: pods of one workload differ at the end."""
    if len(text) <= width:
        return text
    return f"{text[: max(0, width - TAIL - 1)]}…{text[-TAIL:]}"


def _status(pod: PodLine, *, wide: bool) -> Text:
    word = pod.status if pod.ready or pod.status != "Running" else "not ready"
    style = "warn" if word == "not ready" else style_of(word) or ("good" if pod.ready else "warn")
    return _cut(word if wide else SHORT.get(word, word), DARK[style])


def _restarts(pod: PodLine) -> Text:
    return Text(str(pod.restarts) if pod.restarts else "·", style="yellow" if pod.restarts else "dim")


def _use(use: Use, points: Iterable[float], bar: int, *, cores: bool) -> list[Text]:
    """The trend up to the request or its own peak, the amount, and its shares of request and limit."""
    of_request, of_limit = _share(use.used, use.request), _share(use.used, use.limit)
    style = DARK[_heat(of_limit, HOT, WARM)]
    kept = list(points)[-bar:]
    most = max([use.request or 0.0, *kept, 1e-9])
    trend = Text(f"{sparkline(kept, 0.0, most):>{bar}}" if kept else "", style=style or "cyan")
    amount = Text("–" if use.used is None else _amount(use.used, cores=cores), style=style)
    return [trend, amount, _per_cent(of_request, FAR_BEYOND, BEYOND), _per_cent(of_limit, HOT, WARM)]


def _share(used: float | None, bound: float | None) -> float | None:
    return used / bound if used is not None and bound else None


def _heat(share: float | None, hot: float, warm: float) -> str:
    return "" if share is None else "bad" if share >= hot else "warn" if share >= warm else "good"


def _per_cent(share: float | None, hot: float, warm: float) -> Text:
    return Text("–", style="dim") if share is None else Text(f"{share:.0%}", style=DARK[_heat(share, hot, warm)])


def _amount(used: float, *, cores: bool) -> str:
    if cores:
        return f"{used * THOUSAND:.0f}m" if used < TEN else f"{used:.1f}"
    mib = used / MIB
    gib = mib / 1024
    return f"{mib:.0f}Mi" if mib < THOUSAND else f"{gib:.1f}Gi" if gib < TEN else f"{gib:.0f}Gi"


def _typed(step: dict[str, Any]) -> str:
    return phrase(ToolCall(step["tool"], step["arguments"])) if "tool" in step else ""

"""Tables as operators know them from kubectl: headings, columns, no boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from assistant.render.consoles import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

GOOD = frozenset({"running", "completed", "succeeded", "ready", "bound", "active", "available", "complete", "verified"})
WARN = frozenset(
    {"pending", "containercreating", "terminating", "degraded", "planned", "podinitializing", "unknown", "interrupted"}
)
FAINT = frozenset({"stopped", "declined", "unchanged"})


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table of cells; cells that are a state's name get its colour."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="faint", show_edge=False)
    for position, column in enumerate(columns):
        made.add_column(column.upper(), overflow="fold", no_wrap=position == 0)
    for row in rows:
        made.add_row(*[cell(value) for value in row])
    return made


def cell(value: object) -> Text:
    """One cell; text that has its style keeps it."""
    if isinstance(value, Text):
        return value
    text = printable(str("" if value is None else value)).replace("\n", " ")
    return Text(text, style=style_of(text))


def style_of(word: str) -> str:
    """The colour of a state's name; none for other words."""
    low = word.lower()
    ready, slash, wanted = low.partition("/")
    if slash and ready.isdigit() and wanted.isdigit():
        return "" if ready == wanted else "warn"
    if low in GOOD:
        return "good"
    if low in WARN or low.startswith("init:"):
        return "warn"
    if low in FAINT:
        return "faint"
    failing = ("backoff", "error", "fail", "evicted", "oomkilled", "down", "rolled_back", "invalid", "lost")
    return "bad" if " " not in low and "-" not in low and any(part in low for part in failing) else ""


def emit(console: Console, renderable: RenderableType) -> None:
    """Print; for a pipe without the padding that would end every line."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    console.file.flush()

"""Marks on the way through a longer piece of work, a line each: steps, checks, who is at it."""

from __future__ import annotations

from rich.text import Text

from assistant.events import Checked, HandedOver, StepBegun
from assistant.render.consoles import printable

CHECKS = {True: ("✔", "good"), False: ("✘", "bad"), None: ("•", "faint")}


def render_mark(event: StepBegun | Checked | HandedOver) -> Text:
    """The line for an event."""
    match event:
        case StepBegun(number, total, title):
            return Text.assemble(("\n", ""), (f"{number}/{total} ", "name"), (printable(title), "head"))
        case Checked(holds, text):
            mark, style = CHECKS[holds]
            return Text.assemble((f"  {mark} ", style), (printable(text), "faint" if holds is None else ""))
        case HandedOver(to, what):
            return Text.assemble(("↪ ", "name"), (to, "name"), (f" {printable(what)}", "faint"))

"""Followed log lines: where each comes from, in a colour of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from assistant.render.consoles import printable

if TYPE_CHECKING:
    from rich.console import Console

    from assistant.events import LogLine

COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")


class FollowedLines:
    """Shows lines on the answer's console, and remarks about them beside it."""

    def __init__(self, answer: Console, chrome: Console) -> None:
        self._answer = answer
        self._chrome = chrome
        self._colours: dict[str, str] = {}

    def show(self, line: LogLine) -> None:
        """Show one line."""
        source, text = printable(line.source), printable(line.text).replace("\n", " ")
        if line.remark:
            self._chrome.print(Text(f"· {source}: {text}", style="warn"))
        elif self._answer.is_terminal:
            colour = self._colours.setdefault(source, COLOURS[len(self._colours) % len(COLOURS)])
            self._answer.print(Text.assemble((source, colour), (" │ ", "faint"), text), overflow="fold")
        else:
            self._answer.print(Text(f"[{source}] {text}"), soft_wrap=True)

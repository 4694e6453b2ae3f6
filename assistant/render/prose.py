"""A model's words as they stream in: Markdown on a terminal, the plain text in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.render.consoles import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

FENCE = "```"


def say(text: str) -> None:
    """Print Markdown to standard output, whole."""
    from assistant.render.consoles import make_console

    prose = Prose(make_console())
    prose.add(text)
    prose.end()


class Prose:
    """Prints finished blocks for good and redraws only the one that still grows."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pending = ""
        self._live: Live | None = None

    def add(self, text: str) -> None:
        """Some more text."""
        if not self._console.is_terminal:
            self._pending += text
            self._console.file.write(printable(text))
            self._console.file.flush()
            return
        self._pending += text
        block, gap, rest = self._pending.rpartition("\n\n")
        if gap and block.count(FENCE) % 2 == 0:
            self._stop()
            self._print(block)
            self._pending = rest
        self._draw()

    def end(self) -> None:
        """Nothing more comes, or something else is shown in between."""
        if not self._pending:
            return
        pending, self._pending = self._pending, ""
        if self._console.is_terminal:
            self._stop()
            self._print(pending)
        elif not pending.endswith("\n"):
            self._console.file.write("\n")
            self._console.file.flush()

    def _draw(self) -> None:
        from rich.live import Live
        from rich.markdown import Markdown

        if self._live is None:
            self._live = Live(
                console=self._console, transient=True, refresh_per_second=12, vertical_overflow="ellipsis"
            )
            self._live.start()
        self._live.update(Markdown(printable(self._pending)))

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _print(self, text: str) -> None:
        from rich.markdown import Markdown

        if text.strip():
            self._console.print(Markdown(printable(text), hyperlinks=False))

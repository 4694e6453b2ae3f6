"""Writes docs/images/session.svg: a session on the embedded cluster, as a terminal shows it (`make picture`).

A fault is put into the todo stack first; then the requests are answered as in the chat, without a model.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from assistant.approvals import Consent
from assistant.brain import make_brain
from assistant.conversation import Conversation
from assistant.render.consoles import THEME
from assistant.render.face import ConsoleFace
from assistant.settings import Settings
from assistant.turn import run_turn
from mcp_tools.cluster.target import Target
from mcp_tools.sandbox import lifecycle
from mcp_tools.sandbox.faults import find, over_https
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from rich.status import Status

PICTURE = Path(__file__).resolve().parents[1] / "images" / "session.svg"
FAULT = "oom-limit"
FAILS_AFTER = 12.0
"""Seconds in which the containers have failed more than once."""
REQUESTS = ("why is backend crashing?", "fix it", "status")
WIDTH = 120
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


class Typist(io.StringIO):
    """Answers every question with yes, and lets the terminal show it."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def readline(self, size: int | None = -1, /) -> str:  # noqa: ARG002  the signature of streams
        """Type `y`."""
        self._console.print("y")
        return "y\n"


class Terminal(Console):
    """A terminal that is recorded; what turns while one waits, and is gone afterwards, is not."""

    def __init__(self) -> None:
        super().__init__(
            file=io.StringIO(), record=True, width=WIDTH, theme=THEME, highlight=False, markup=False, emoji=False,
            force_terminal=True, color_system="truecolor",
        )  # fmt: skip

    def status(self, *arguments: Any, **more: Any) -> Status:
        """A spinner that nobody sees."""
        return Console(file=io.StringIO()).status(*arguments, **more)


def session() -> Console:
    """The session, recorded."""
    console = Terminal()
    sys.stdin = Typist(console)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        running = lifecycle.ensure_running(place / "sandbox")
        box = Toolbox(Target(kubeconfig=str(running.kubeconfig)), journal=place / "journal.db")
        try:
            fault = find(FAULT)
            assert fault is not None, FAULT  # noqa: S101  a name of ours
            fault.inject(over_https(running.kubeconfig))
            time.sleep(FAILS_AFTER)
            brain = make_brain(Settings(Target()), box, Conversation.begin(place / "talk.db"))
            for request in REQUESTS:
                console.print(Text.assemble(("❯ ", "name"), (request, "head")))
                face = ConsoleFace(console, console, Consent.ASK, narrated=False)
                result = run_turn(brain, box, request, face)
                face.end()
                if result.exit_code:
                    raise SystemExit(f"{request}: {result.error or result.exit_code}")
                console.print()
        finally:
            box.close()
            lifecycle.stop(place / "sandbox")
    return console


def picture(console: Console) -> str:
    """The recorded session as an SVG that loads nothing, with the fonts of whoever looks at it."""
    form = re.sub(r"\s*@font-face \{\{.*?\}\}\n", "\n", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", FONT).replace("font-family: arial", "font-family: sans-serif")
    drawn = console.export_svg(title="shipmate --sandbox", code_format=form, unique_id="session")
    return re.sub(r"<!-- Generated.*?-->\s*", "", drawn).replace("<svg ", '<svg role="img" ', 1)


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(session()), encoding="utf-8")

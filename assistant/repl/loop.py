"""The prompt: history, completion, several lines, and what Ctrl-C and Ctrl-D mean."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.styles import Style
from rich.text import Text

from assistant.repl.commands import LEAVE, run_command
from assistant.repl.completion import SentenceCompleter
from mcp_tools.errors import ShipmateError
from mcp_tools.paths import state_dir
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyPressEvent

    from assistant.repl.session import Session

PROMPT = "❯ "
STYLE = Style.from_dict({"prompt": "bold ansicyan", "bottom-toolbar": "noreverse ansibrightblack", "frame": "ansicyan"})


def talk(session: Session, opening: Sequence[str]) -> int:
    """Prompt and answer until Ctrl-D or `exit`; returns the exit code of leaving, 0."""
    session.console.print(
        Text.assemble(("Shipmate", "name"), f"  {session.model}", ("  ·  help, /help, Ctrl-D leaves", "faint"))
    )
    for text in opening:
        session.console.print(Text.assemble((PROMPT, "name"), text))
        session.ask(text)
        session.console.print()
    prompt: PromptSession[str] = PromptSession(
        history=_history(),
        completer=SentenceCompleter(session),
        complete_while_typing=False,
        key_bindings=_keys(),
        bottom_toolbar=lambda: FormattedText([("class:bottom-toolbar", f" {session.model} · {session.state}")]),
        style=STYLE,
        prompt_continuation="… ",
    )
    warming = threading.Thread(target=session.warm, args=(prompt.app.invalidate,), name="warm-up", daemon=True)
    while True:
        session.news()
        try:
            text = prompt.prompt(
                FormattedText([("class:prompt", PROMPT)]), pre_run=lambda: None if warming.ident else warming.start()
            ).strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return 0
        if not text:
            continue
        if text.lower() in LEAVE:
            return 0
        if text.startswith("/"):
            _command(session, text)
        else:
            session.ask(text)
        session.console.print()


def _command(session: Session, text: str) -> None:
    try:
        run_command(session, text)
    except ShipmateError as error:
        session.tell(error)


class _RedactedHistory(FileHistory):
    """Keeps no secret that was typed."""

    def store_string(self, string: str) -> None:
        super().store_string(redact_text(string))

    def load_history_strings(self) -> Iterable[str]:
        return super().load_history_strings()


def _history() -> History:
    try:
        place = state_dir() / "chat_history"
        place.touch(mode=0o600)
    except OSError:
        # A home that cannot be written to costs the history of this chat, not the chat.
        return InMemoryHistory()
    return _RedactedHistory(place)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    return keys

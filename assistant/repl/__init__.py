"""The interactive chat."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.cli.options import Chosen
    from assistant.repl.session import Session


def chat(chosen: Chosen, *, resume: bool = False, opening: Sequence[str] = ()) -> int:
    """Talk until the user leaves, or until the input of a pipe is used up.

    Args:
        resume: Go on with the last conversation.
        opening: Requests that are answered before the first prompt.

    Returns:
        The exit code: 0 for a terminal that was left, the last failure's for a pipe.

    Raises:
        UsageError: The settings are wrong.
    """
    from assistant.repl.session import Session as ChatSession

    session = ChatSession(chosen, resume=resume)
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            from assistant.repl.loop import talk

            return talk(session, opening)
        return _read_all(session, opening)
    finally:
        session.close()


def _read_all(session: Session, opening: Sequence[str]) -> int:
    worst = 0
    for line in (*opening, *_lines()):
        worst = session.ask(line) or worst
    return worst


def _lines() -> Sequence[str]:
    return [line.strip() for line in sys.stdin if line.strip()] if not sys.stdin.isatty() else []

"""One request, one answer, one exit code: `shipmate ask` and the commands that are a single tool call."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from assistant.approvals import Consent

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from assistant.brain import Brain
    from assistant.settings import Settings
    from assistant.turn import TurnResult
    from mcp_tools.mandate import Mandate
    from mcp_tools.toolbox import Toolbox

WAKE_SECONDS = 0.5


def answer(settings: Settings, text: str, *, yes: bool = False, dry_run: bool = False, as_json: bool = False) -> int:
    """Let the brain of the settings answer a request; returns the exit code.

    Raises:
        ShipmateError: The brain cannot be made. What the turn itself meets is shown and becomes the exit code.
    """
    from assistant.brain import make_brain
    from assistant.conversation import Conversation

    toolbox = settings.toolbox()
    try:
        brain = make_brain(settings, toolbox, Conversation.begin())
        return _run(brain, toolbox, text, _consent(yes=yes, dry_run=dry_run), as_json=as_json)
    finally:
        toolbox.close()


def call(
    settings: Settings,
    tool: str,
    arguments: dict[str, Any],
    *,
    yes: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """As `answer`, for one call of one tool."""
    from assistant.direct import DirectBrain

    def make(toolbox: Toolbox) -> Brain:
        return DirectBrain(toolbox, tool, arguments)

    return run_with(settings, make, tool, yes=yes, dry_run=dry_run, as_json=as_json)


def run_with(
    settings: Settings,
    make: Callable[[Toolbox], Brain],
    text: str,
    *,
    yes: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
    mandate: Mandate | None = None,
) -> int:
    """As `answer`, for a brain of one's own.

    Args:
        make: Makes it, with the tools that it is to use.
        text: What it is asked.
        mandate: What it may do, where it is not the user.
    """
    toolbox = settings.toolbox(mandate)
    try:
        return _run(make(toolbox), toolbox, text, _consent(yes=yes, dry_run=dry_run), as_json=as_json)
    finally:
        toolbox.close()


def _consent(*, yes: bool, dry_run: bool) -> Consent:
    if yes:
        return Consent.YES
    if dry_run:
        return Consent.DRY_RUN
    return Consent.ASK if sys.stdin.isatty() and sys.stderr.isatty() else Consent.NOBODY


def _run(brain: Brain, toolbox: Toolbox, text: str, consent: Consent, *, as_json: bool) -> int:
    from assistant.render.consoles import make_console
    from assistant.render.face import ConsoleFace
    from assistant.turn import run_turn

    narrated = brain.name != "offline"
    chrome = make_console(sys.stderr)
    # As JSON the answer is one object at the end; what happens on the way is still told beside it.
    face = ConsoleFace(chrome if as_json else make_console(), chrome, consent, narrated=narrated, quiet=as_json)
    try:
        result = run_turn(brain, toolbox, text, face)
    finally:
        brain.close()
    face.end()
    if as_json:
        print(_json(brain, text, result), flush=True)  # noqa: T201  the answer
    elif result.error is not None:
        face.error(result.error)
    if result.opened_forwards and not result.stopping:
        _hold(toolbox, chrome)
    return result.exit_code


def _hold(toolbox: Toolbox, chrome: Console) -> None:
    """Keep forwarded ports open until Ctrl-C."""
    from rich.text import Text

    from assistant.render.consoles import printable

    toolbox.forwards.tell = lambda news: chrome.print(Text(printable(news), style="warn"))
    chrome.print(Text("Forwarding; Ctrl-C ends it.", style="warn"))
    never = threading.Event()
    with contextlib.suppress(KeyboardInterrupt):
        # A signal that comes just before an endless wait would be seen only after it.
        while not never.wait(WAKE_SECONDS):
            pass
    toolbox.forwards.close()


def _json(brain: Brain, text: str, result: TurnResult) -> str:
    import msgspec

    from mcp_tools.redaction import redact, redact_text

    error = result.error
    body = {
        "request": redact_text(text),
        "brain": brain.name,
        "answer": result.text or " ".join(item.result.summary for item in result.returned),
        "calls": [
            {
                "tool": item.name,
                "arguments": redact(result.arguments[item.call_id].arguments)
                if item.call_id in result.arguments
                else {},
                "result": item.result.data,
            }
            for item in result.returned
        ],
        "error": {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "candidates": list(getattr(error, "candidates", ())),
        }
        if error
        else None,
        "usage": {"input_tokens": result.usage.input_tokens, "output_tokens": result.usage.output_tokens}
        if result.usage
        else None,
        "exit_code": result.exit_code,
    }
    return msgspec.json.encode(body).decode()

"""The main job on the embedded cluster, for somebody who sees it for the first time."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.settings import OFFLINE
from mcp_tools.sandbox.lifecycle import reset

if TYPE_CHECKING:
    from assistant.cli.options import Chosen


def show(chosen: Chosen, requests: Sequence[str]) -> int:
    """Answer the requests on a fresh sandbox, then stay in the chat where there is a terminal; returns the exit code.

    Raises:
        SandboxStartFailed: The embedded cluster did not come up.
    """
    from assistant.oneshot import answer
    from assistant.render.consoles import make_console
    from assistant.repl import chat

    console = make_console()
    console.print("An embedded cluster with the todo stack starts on this machine; nothing else is touched.\n")
    reset()
    here = dataclasses.replace(chosen, sandbox=True, context=None, kubeconfig=None, model=chosen.model or OFFLINE)
    if sys.stdin.isatty() and sys.stdout.isatty():
        return chat(here, opening=requests)
    for request in requests:
        console.print(f"❯ {request}")
        code = answer(here.settings(), request, yes=True)
        if code:
            return code
        console.print()
    return 0

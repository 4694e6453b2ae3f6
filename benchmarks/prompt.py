"""The chat, from the start of the process until its prompt can be seen in a terminal."""

from __future__ import annotations

import sys
import time

import pexpect

from benchmarks.harness import SHIPMATE, Figure, Place, medians, since
from mcp_tools.sandbox import lifecycle

PROMPT = "❯ "
BARE = f"from prompt_toolkit import PromptSession; PromptSession().prompt({PROMPT!r})"


def measure(place: Place) -> list[Figure]:
    lifecycle.ensure_running(place.sandbox_state)
    ours, theirs = medians(
        lambda: _until_prompt(place, SHIPMATE, "--sandbox", "--model", "offline"),
        lambda: _until_prompt(place, sys.executable, "-c", BARE),
    )
    return [
        Figure("prompt of the chat visible", ours, "ms", 300, baseline=theirs, baseline_name="a bare prompt_toolkit")
    ]


def _until_prompt(place: Place, command: str, *arguments: str) -> float:
    began = time.perf_counter()
    child = pexpect.spawn(
        command,
        list(arguments),
        env=place.environment,
        cwd=str(place.home),
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 120),
    )
    child.expect_exact(PROMPT.strip())
    taken = since(began)
    child.close(force=True)
    return taken

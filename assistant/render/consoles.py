"""Where output goes: the answer to standard output, everything around it to standard error."""

from __future__ import annotations

import os
import re
import sys
from typing import IO

from rich.console import Console
from rich.theme import Theme

PIPE_WIDTH = 4000
"""Nothing is wrapped for a program that reads."""
THEME = Theme(
    {
        "good": "green",
        "bad": "bold red",
        "warn": "yellow",
        "faint": "dim",
        "old": "red",
        "new": "green",
        "name": "bold cyan",
        "head": "bold",
    }
)
# C0 and C1 but tab and newline, and the characters that turn the reading direction round: a log line must not be able
# to move the cursor, retitle the window or show another text than it holds.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def make_console(stream: IO[str] | None = None) -> Console:
    """A console for a stream (default: standard output); colours where it is a terminal and `NO_COLOR` is unset."""
    target = stream or sys.stdout
    terminal = target.isatty() and os.environ.get("TERM") != "dumb"
    return Console(
        file=target,
        theme=THEME,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        force_terminal=terminal,
        width=None if target.isatty() else PIPE_WIDTH,
    )


def printable(text: str) -> str:
    """The text without what would act on a terminal instead of being shown."""
    return _UNPRINTABLE.sub("\ufffd", _ANSI.sub("", text).replace("\r\n", "\n"))

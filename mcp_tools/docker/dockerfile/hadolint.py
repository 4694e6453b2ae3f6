"""What hadolint finds, where its binary is there: what ours do not say already."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.model import Finding, Level
from mcp_tools.stack.programs import is_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_tools.docker.dockerfile.model import Named
    from mcp_tools.docker.dockerfile.syntax import Dockerfile

SECONDS = 30
LEVELS: dict[str, Level] = {"error": "high", "warning": "medium", "info": "low", "style": "low"}
_IGNORE = re.compile(r"#\s*hadolint\s+(?P<all>global\s+)?ignore=(?P<codes>[\w,\s]+)")


def available() -> bool:
    """Whether it can be asked."""
    return is_there("hadolint")


def findings(text: str, own: Sequence[Finding], rules: Iterable[Named]) -> list[Finding] | None:
    """Ask hadolint of a Dockerfile; its findings that are told by ours at the same line are left out.

    Returns:
        None where it is not there, or gives no answer that can be read.
    """
    if not available():
        return None
    try:
        done = subprocess.run(
            ["hadolint", "--format", "json", "--no-fail", "-"],  # noqa: S607  the user's own, on the PATH
            input=text, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
        told = json.loads(done.stdout or "[]")
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    twins: dict[str, set[str]] = {}
    for rule in rules:
        for code in rule.same_as:
            twins.setdefault(code, set()).add(rule.code)
    found = []
    for item in told:
        code, line = str(item["code"]), int(item["line"])
        same = [one for one in own if one.code in twins.get(code, ())]
        # It cannot read every heredoc; and a finding of the whole file has a line of its own with each tool.
        if code == "DL1000" or any(one.line == line or code in _WHOLE for one in same):
            continue
        level = LEVELS.get(str(item["level"]), "low")
        message = str(item["message"])
        found.append(Finding(code, level, line, f"hadolint {code}", message.rstrip("."), source="hadolint"))
    return found


_WHOLE = frozenset({"DL3002", "DL3009", "DL3042", "DL3055", "DL4003", "DL4004", "DL3012"})


def ignored(file: Dockerfile) -> dict[int, frozenset[str]]:
    """The codes that comments tell hadolint to ignore, by the line of the instruction behind them; 0 for the whole."""
    found: dict[int, frozenset[str]] = {}
    waiting: frozenset[str] = frozenset()
    for piece in file.pieces:
        match = _IGNORE.search(piece.text) if not hasattr(piece, "keyword") else None
        if match:
            codes = frozenset(code.strip() for code in match["codes"].split(","))
            if match["all"]:
                found[0] = found.get(0, frozenset()) | codes
            else:
                waiting |= codes
        elif hasattr(piece, "keyword"):
            if waiting:
                found[piece.line] = waiting
            waiting = frozenset()
    return found

"""What a model is told of itself: `prompts/assistant/system.md`, with the tools that it really has."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.tools.base import Tool

FILE = "system.md"
NOTHING_CHANGES = "You have none that changes anything: the user wants to look only."


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt.

    Attributes:
        version: Of the file; it counts up with every change of what the model is told.
    """

    version: int
    text: str


def system_prompt(tools: Sequence[Tool]) -> Prompt:
    """The prompt for a model that has these tools.

    Raises:
        ShipmateError: This installation is without the file, or with one that is not whole.
    """
    head, mark, body = _read().removeprefix("---\n").partition("\n---\n")
    version = head.removeprefix("version: ")
    if not (mark and version.isdecimal()):
        raise ShipmateError(f"{FILE} does not begin with its version.", "Install Shipmate again.")
    looking = ", ".join(tool.name for tool in tools if tool.read_only)
    changing = ", ".join(tool.name for tool in tools if not tool.read_only)
    told = f"Your tools that change: {changing}." if changing else NOTHING_CHANGES
    return Prompt(int(version), body.replace("{looking}", looking).replace("{changing}", told))


def _read() -> str:
    packaged = resources.files("assistant") / "prompts" / FILE
    checkout = Path(__file__).resolve().parents[2] / "prompts" / "assistant" / FILE
    for place in (packaged, checkout):
        with contextlib.suppress(FileNotFoundError):
            return place.read_text(encoding="utf-8")
    raise ShipmateError("The system prompt is missing from this installation.", "Install Shipmate again.")

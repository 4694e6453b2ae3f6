"""The shape of an answer, and the bounds that keep it readable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp_tools.redaction import redact_text

LINE_WIDTH = 1000
TEXT_WIDTH = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gave: a sentence or two, and the data behind them, both still unredacted."""

    summary: str
    data: dict[str, Any]


def clip(text: str, width: int = TEXT_WIDTH) -> str:
    """The text, cut to a width with a mark that something is missing."""
    if len(text) <= width:
        return text
    text = redact_text(text)  # cut in two, a secret is no longer recognised
    return text if len(text) <= width else f"{text[: width - 1]}…"


def count(number: int, noun: str) -> str:
    """`1 pod`, `3 pods`."""
    plural = noun if noun.endswith("s") else f"{noun}es" if noun.endswith(("sh", "ch", "x")) else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def listed(parts: list[str], most: int = 5) -> str:
    """`a, b, c and 4 more`."""
    rest = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {rest} more" if rest > 0 else "")

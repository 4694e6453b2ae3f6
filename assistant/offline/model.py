"""What a sentence can become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mcp_tools.errors import UsageError


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        alternatives: Other readings of the target, tried in order when the first names nothing: the singular of a
            plural ("three backends"), never a guess at a misspelt name.
        note: What the user should know about how the sentence was read.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    alternatives: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Relative:
    """A change of scale against what is there: `factor` times the replicas, plus `add`."""

    target: str
    namespace: str | None = None
    add: int = 0
    factor: float = 1.0
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clarify:
    """A question back. `template` is the sentence with `{}` where the answer goes."""

    message: str
    suggestions: tuple[str, ...] = ()
    template: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that needs no tool."""

    text: str


Step = ToolCall | Relative | Clarify | Reply


class NotUnderstood(UsageError):
    """The sentence is none that the planner knows; nothing was done."""

    code = "not_understood"

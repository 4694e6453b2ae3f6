"""What a sentence can become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from mcp_tools.errors import UsageError


class Mention(NamedTuple):
    """An object as it was named: `name` or `kind/name`, and where, if that was said."""

    target: str
    namespace: str | None = None


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
    """A scaling that depends on how many replicas there are.

    Attributes:
        target: Empty while it is asked for.
        to: The wanted number; without it `factor` times what is there, plus `add`.
        direction: 1 where the sentence said up, -1 where it said down: the other way is a misunderstanding.
        was: How many the sentence said there are.
    """

    target: str
    namespace: str | None = None
    to: int | None = None
    add: int = 0
    factor: float = 1.0
    direction: int = 0
    was: int | None = None
    alternatives: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Clarify:
    """A question back: what lacks of `step` is said by the next sentence."""

    message: str
    step: ToolCall | Relative
    missing: Literal["target", "replicas"]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is done. `suggestions` are sentences that would be understood; a lone one can be answered with yes."""

    message: str
    suggestions: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that needs no tool."""

    text: str


Step = ToolCall | Relative | Clarify | Refuse | Reply


class NotUnderstood(UsageError):
    """The sentence is none that the planner carries out; nothing was done."""

    code = "not_understood"

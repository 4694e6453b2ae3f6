"""What happens in a turn, as plain messages: one loop, any face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.errors import ShipmateError
    from mcp_tools.toolbox import ToolResult


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer, in the order in which it is to be read."""

    text: str


@dataclass(frozen=True, slots=True)
class TextWithdrawn:
    """The answer broke off and begins anew: its last `length` characters no longer count."""

    length: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark of Shipmate itself: a question back, a hint, a retry."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """A tool is about to run."""

    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """A tool gave its answer."""

    call_id: str
    name: str
    result: ToolResult


@dataclass(frozen=True, slots=True)
class ToolFailed:
    """A tool met an error; the turn may go on."""

    call_id: str
    name: str
    error: ShipmateError


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log that is followed, redacted; or a remark about where it comes from."""

    source: str
    text: str
    remark: bool = False


@dataclass(frozen=True, slots=True)
class StepBegun:
    """A numbered step of a runbook begins."""

    number: int
    total: int
    title: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What is expected of a step was looked at: it holds, it does not, or (None) it cannot be told yet."""

    holds: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A specialist takes over, or gives back."""

    to: str
    what: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What a model's turn cost, in tokens."""

    input_tokens: int
    output_tokens: int


def is_change(result: ToolResult) -> bool:
    """Whether a tool's answer tells how a change ended, rather than what there is to see."""
    return "diff" in result.data and "status" in result.data


Event = (
    TextDelta
    | TextWithdrawn
    | Notice
    | ToolCalled
    | ToolReturned
    | ToolFailed
    | LogLine
    | StepBegun
    | Checked
    | HandedOver
    | UsageReported
)
Emit = Callable[[Event], None]

"""Whose part a model plays: the assistant's own, or that of an agent with tools and limits of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.mandate import Mandate

HAND_OVER = "hand_over_to_"
"""What the tools are called with which a model hands over; the rest is the name of a specialist."""


@dataclass(frozen=True, slots=True)
class Role:
    """A part.

    Attributes:
        name: As it is shown.
        description: When it is the right one to hand over to.
        instructions: What a model is told beside the house rules.
        mandate: What it may do; None leaves that to the toolbox.
        turns: Requests to the model for one sentence.
        tokens: Read and written for one sentence, together; None for no limit.
    """

    name: str
    description: str
    instructions: str
    turns: int
    tokens: int | None = None
    mandate: Mandate | None = None

    @property
    def tool(self) -> str:
        """The name of the tool that hands over to it."""
        return HAND_OVER + self.name.replace("-", "_")

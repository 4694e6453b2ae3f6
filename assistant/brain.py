"""What answers a sentence: the planner without a model, or an agent with one. Faces see only this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from assistant.conversation import Conversation
    from assistant.events import Emit
    from assistant.settings import Settings
    from mcp_tools.toolbox import Toolbox


class Brain(Protocol):
    """Answers one sentence at a time, with a memory of the conversation."""

    @property
    def name(self) -> str:
        """What is shown to the user: `offline`, or `provider:model`."""

    def respond(self, text: str, emit: Emit) -> None:
        """Answer one sentence; runs in a worker thread and blocks until the turn is over.

        Raises:
            ShipmateError: The turn ended without an answer.
            Cancelled: `cancel` was called.
        """

    def cancel(self) -> None:
        """End the turn in flight as soon as nothing is half done; called from another thread."""

    def close(self) -> None:
        """Release what the brain holds."""


class Cancelled(Exception):
    """The user stopped the turn."""


def make_brain(settings: Settings, toolbox: Toolbox, conversation: Conversation) -> Brain:
    """The brain that the settings ask for; what it says and hears is kept in the conversation."""
    if settings.model is None:
        from assistant.offline import OfflineBrain

        return OfflineBrain(toolbox, conversation, settings=settings)
    from assistant.agent import agent_brain
    from assistant.agents.roles import specialists
    from assistant.offline.beside import Beside

    model = agent_brain()(settings.model, toolbox, conversation, specialists=specialists())
    return Beside(model, toolbox, conversation, settings)

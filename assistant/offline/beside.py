"""A model, and beside it the requests that no model is needed for: runbooks and agents that are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.offline.brain import OfflineBrain

if TYPE_CHECKING:
    from assistant.brain import Brain
    from assistant.conversation import Conversation
    from assistant.events import Emit
    from assistant.settings import Settings
    from mcp_tools.toolbox import Toolbox


class Beside:
    """Answers as the model, but for sentences that name a runbook or an agent: those are done to the letter."""

    def __init__(self, model: Brain, toolbox: Toolbox, conversation: Conversation, settings: Settings) -> None:
        self._model = model
        self._typed = OfflineBrain(toolbox, conversation, settings=settings)
        self._at_work: Brain = model

    @property
    def name(self) -> str:
        """The model's."""
        return self._model.name

    def respond(self, text: str, emit: Emit) -> None:
        """As the one that is meant."""
        self._at_work = self._typed if _is_procedure(text) else self._model
        self._at_work.respond(text, emit)

    def cancel(self) -> None:
        """Stop whoever is at work."""
        self._at_work.cancel()

    def close(self) -> None:
        """Close both."""
        self._model.close()


def _is_procedure(text: str) -> bool:
    from assistant.offline.model import Changed, Procedure
    from assistant.offline.planner import plan

    return isinstance(plan(text), Procedure | Changed)

"""Agents as the parts that a model plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.agent.role import Role
from assistant.agents.definition import mandate_of

if TYPE_CHECKING:
    from assistant.agents.definition import AgentDefinition


def role_of(definition: AgentDefinition, *, attended: bool) -> Role:
    """The part of an agent."""
    return Role(
        definition.name,
        definition.description,
        definition.instructions.strip(),
        definition.limits.turns,
        definition.limits.tokens,
        mandate_of(definition, attended=attended),
    )


def specialists() -> list[Role]:
    """Those that the chat may hand over to, where somebody is there to be asked."""
    from assistant.agents.library import agents

    return [role_of(definition, attended=True) for definition in agents().specialists()]

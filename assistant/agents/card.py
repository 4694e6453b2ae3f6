"""Agents as the Agent2Agent protocol (A2A 1.0) introduces them: an AgentCard, whose interface here is MCP."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from mcp_tools.mandate import Approval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.agents.definition import AgentDefinition

BINDING = "MCP"
"""The protocol that is spoken at the address: the card's specification leaves the name open."""
BINDING_VERSION = "2025-11-25"
MODES = ["text/plain"]
ABOUT = "Operates a Kubernetes cluster; every change is a verified transaction."


def card_of(agents: Sequence[AgentDefinition], url: str) -> dict[str, Any]:
    """The card of one agent, or of Shipmate with each of several as a skill.

    Args:
        url: Where `shipmate mcp --http` answers.
    """
    one = agents[0] if len(agents) == 1 else None
    return {
        "name": one.name if one else "shipmate",
        "description": one.description if one else ABOUT,
        "version": _version(),
        "supportedInterfaces": [{"url": url, "protocolBinding": BINDING, "protocolVersion": BINDING_VERSION}],
        "capabilities": {"streaming": False, "pushNotifications": False},
        "defaultInputModes": MODES,
        "defaultOutputModes": MODES,
        "skills": [_skill(agent) for agent in agents],
    }


def _skill(agent: AgentDefinition) -> dict[str, Any]:
    changes = "read-only" if agent.approval is Approval.REFUSE else f"changes: {agent.approval.value}"
    return {
        "id": agent.name,
        "name": agent.name.replace("-", " "),
        "description": agent.description,
        "tags": ["kubernetes", changes],
        "examples": [agent.task, *agent.offline[:3]],
    }


def _version() -> str:
    try:
        return version("shipmate")
    except PackageNotFoundError:
        return "0"

"""Agents as prompts for the models of MCP clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from assistant.agents.definition import mandate_of
from mcp_tools.mandate import Approval
from mcp_tools.prompts import PromptArgument, ServedPrompt

if TYPE_CHECKING:
    from assistant.agents.definition import AgentDefinition

CHANGES = {
    Approval.REFUSE: "Change nothing.",
    Approval.PLAN: "A change is only planned: show the plan, and leave it to the user to apply.",
    Approval.ASK: "A change is shown to the user, who says yes or no.",
}


def agent_prompts(agents: Sequence[AgentDefinition]) -> list[ServedPrompt]:
    """One for each agent."""
    return [_of(agent) for agent in agents]


def _of(agent: AgentDefinition) -> ServedPrompt:
    def render(given: Mapping[str, str]) -> str:
        tools = ", ".join(sorted(mandate_of(agent, attended=True).tools))
        where = f"Work in namespace {agent.namespace}.\n" if agent.namespace else ""
        return (
            f"{agent.instructions.strip()}\n\n{where}{CHANGES[agent.approval]}\n"
            f"Of the tools of this server use only these: {tools}.\n\n{given.get('request') or agent.task}"
        )

    asked = PromptArgument("request", f"What it is asked; left out: {agent.task}")
    return ServedPrompt(
        f"agent-{agent.name}", agent.name.replace("-", " ").title(), agent.description, (asked,), render
    )

"""What somebody may do who works for the user, such as an agent: held below the tools, whatever a model says."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Decision
from mcp_tools.errors import NotAllowed

if TYPE_CHECKING:
    from mcp_tools.changes.model import Approver, Plan
    from mcp_tools.changes.policy import Policy

SEVERAL = "change_several"
"""The tool whose steps are calls of others."""


class Approval(enum.Enum):
    """What becomes of a change that the policy does not approve beforehand."""

    REFUSE = "refuse"
    """Nothing is changed at all."""
    PLAN = "plan"
    """It is planned, and carried out only by the user, by its id."""
    ASK = "ask"
    """The user is asked; where nobody is there to ask, it is planned."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """What the holder may do.

    Attributes:
        holder: Who, as errors name them: `agent deployer`.
        tools: The names of the tools that may be called.
        policy: Holds beside the user's own: it can only narrow that.
        attended: Somebody is there who can be asked.
        deferred: The plans that waited for a yes, oldest first.
    """

    holder: str
    tools: frozenset[str]
    policy: Policy
    approval: Approval
    attended: bool = False
    deferred: list[Plan] = field(default_factory=list)

    def within(self, policy: Policy) -> Policy:
        """The user's policy with this one inside."""
        from mcp_tools.changes.narrowing import narrowed

        refuses = self.approval is Approval.REFUSE
        by = self.policy.model_copy(update={"read_only": True}) if refuses else self.policy
        return narrowed(policy, by)

    def require(self, name: str, arguments: dict[str, Any]) -> None:
        """Let a call pass or refuse it.

        Raises:
            NotAllowed: A tool is none of the holder's, or one that a step of it names.
        """
        steps = arguments.get("steps") if name == SEVERAL else None
        named = [str(step.get("tool")) for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
        for tool in (name, *named):
            if tool not in self.tools:
                raise NotAllowed(
                    f"The {self.holder} may not use {tool}.", f"It may use: {', '.join(sorted(self.tools))}."
                )

    def approver(self, asks: Approver) -> Approver:
        """Who decides about a change of the holder.

        Args:
            asks: Asks the user.
        """

        def decide(plan: Plan) -> Decision:
            if plan.preapproved:
                return Decision.APPROVED
            if self.approval is Approval.ASK and self.attended:
                return asks(plan)
            self.deferred.append(plan)
            return Decision.DEFERRED

        return decide

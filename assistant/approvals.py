"""Who says yes to a plan: a person, a flag, nobody."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Decision
from mcp_tools.errors import ApprovalNeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.model import Plan


class Consent(enum.Enum):
    """What the command line said about changes."""

    ASK = "ask"
    YES = "yes"
    DRY_RUN = "dry-run"
    NOBODY = "nobody"


def decide(consent: Consent, plan: Plan, question: Callable[[], Decision]) -> Decision:
    """The decision about a plan that was shown.

    Args:
        question: Asks the person at the terminal; called for `ASK` only.

    Raises:
        ApprovalNeeded: For `NOBODY`; the plan is kept and can be applied by its id.
    """
    match consent:
        case Consent.YES:
            return Decision.APPROVED
        case Consent.DRY_RUN:
            return Decision.DEFERRED
        case _ if plan.preapproved:
            return Decision.APPROVED
        case Consent.ASK:
            return question()
        case Consent.NOBODY:
            raise ApprovalNeeded(
                f"This needs an approval, and nobody is there to give it: {plan.title}.",
                "Nothing was changed. Repeat it with --yes, or with --dry-run to see it only.",
            )

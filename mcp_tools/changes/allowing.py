"""The policy at work: asked about every object of a change, when the plan is made and again when it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Wanted
from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import Forbidden, NotAllowed, NotFound
from mcp_tools.reads.answer import listed
from mcp_tools.reads.owned import inside

if TYPE_CHECKING:
    from mcp_tools.changes.model import Plan, Step
    from mcp_tools.changes.policy import Policy
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found


class Gate:
    """Lets changes of one cluster pass, or refuses them."""

    def __init__(self, connection: Connection, policy: Policy) -> None:
        self._connection = connection
        self._policy = policy
        self._labels: dict[str, dict[str, Any]] = {}

    def renew(self) -> None:
        """Look at namespaces again: what was seen for one request does not hold for the next."""
        self._labels.clear()

    def check(self, wanted: Wanted) -> None:
        """Let a change of an object pass or refuse it.

        Raises:
            NotAllowed: The policy forbids it; says which rule.
            ShipmateError: As `Connection.get`.
        """
        found = wanted.found
        around = self._labels_of(found.namespace) if found.namespace and self._policy.protected_labels else {}
        self._policy.check(self._connection.context, wanted, around)
        if wanted.verb is Verb.DELETE and found.kind == built_in("namespaces"):
            self._check_inside(found.name)

    def check_again(self, plan: Plan, step: Step, found: Found) -> None:
        """Ask about an object as it is now: its labels may be younger than the plan. Errors as `check`."""
        self.check(Wanted(plan.action, plan.title, found, verb=step.verb))

    def approves(self, plan: Plan) -> bool:
        """Whether the user said yes to this beforehand."""
        return self._policy.approves(plan, self._connection.server)

    def _labels_of(self, namespace: str) -> dict[str, Any]:
        if namespace not in self._labels:
            try:
                found = self._connection.get_object(built_in("namespaces").path(None, namespace))
            except (Forbidden, NotFound):
                # Who may not see a namespace is held by its name alone; one that comes with the plan has no labels yet.
                found = {}
            self._labels[namespace] = (found.get("metadata") or {}).get("labels") or {}
        return self._labels[namespace]

    def _check_inside(self, namespace: str) -> None:
        """A namespace takes along what is in it, the protected too."""
        for key, value in self._policy.protected_labels.items():
            selector = f"{key}={value}" if value else key
            kept = inside(self._connection, namespace, selector)
            if kept:
                raise NotAllowed(
                    f"Namespace {namespace} holds what bears the label {selector} and is protected: "
                    f"{listed(list(kept), 5)}.",
                    "Nothing was changed.",
                )

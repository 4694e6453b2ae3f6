"""A policy within a policy: what somebody may do who works for the user can be less than the user's own, never more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from mcp_tools.changes.policy import Policy

if TYPE_CHECKING:
    from mcp_tools.changes.model import Plan
    from mcp_tools.changes.operations import Wanted


class NarrowedPolicy(Policy):
    """Passes what both of two policies let pass, and approves beforehand what both approve."""

    _both: tuple[Policy, Policy] = PrivateAttr()

    def check(self, context: str, wanted: Wanted, around: Mapping[str, str]) -> None:
        """As `Policy.check`, of both."""
        for one in self._both:
            one.check(context, wanted, around)

    def check_outside(
        self, context: str, title: str, target: str = "", labels: Mapping[str, str] | None = None
    ) -> None:
        """As `Policy.check_outside`, of both."""
        for one in self._both:
            one.check_outside(context, title, target, labels)

    def protection(self, target: str, labels: Mapping[str, str]) -> str:
        """As `Policy.protection`, of the first that protects."""
        return next((why for one in self._both if (why := one.protection(target, labels))), "")

    def protecting(self, labels: Mapping[str, str]) -> str:
        """As `Policy.protecting`, of the first that protects."""
        return next((rule for one in self._both if (rule := one.protecting(labels))), "")

    def approves(self, plan: Plan, server: str) -> bool:
        """As `Policy.approves`, of both."""
        return all(one.approves(plan, server) for one in self._both)


def narrowed(policy: Policy, by: Policy) -> Policy:
    """The user's policy, held to another one as well.

    The fields of the result are those that are read one by one: what is forbidden by either is forbidden.
    """
    labels = {
        # Two values of one label are protected both: an empty one stands for any.
        key: one if (one := policy.protected_labels.get(key, value)) == value else ""
        for key, value in (*policy.protected_labels.items(), *by.protected_labels.items())
    }
    made = NarrowedPolicy(
        read_only=policy.read_only or by.read_only,
        protected_labels=labels,
        manifest_urls=[address for address in policy.manifest_urls if address in by.manifest_urls],
    )
    made._both = (policy, by)  # noqa: SLF001  what belongs to it is not a setting
    return made

"""The toolbox as one call of a tool sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes.model import Phase, Progress

if TYPE_CHECKING:
    from mcp_tools.changes.engine import Engine
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Approver, Reporter
    from mcp_tools.changes.outside import Outside
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.forwarding import Forwards
    from mcp_tools.health.settings import HealthSettings
    from mcp_tools.monitoring.settings import AlertSettings
    from mcp_tools.monitoring.store import AlertStore
    from mcp_tools.sizing.settings import Measuring
    from mcp_tools.stack.settings import StackSettings
    from mcp_tools.toolbox import Toolbox
    from mcp_tools.usage.store import UsageStore


class OneCall:
    """The toolbox as one call sees it: with the people of that call."""

    def __init__(self, box: Toolbox, approver: Approver, reporter: Reporter) -> None:
        self._box = box
        self.approver = approver
        self.reporter = reporter

    @property
    def connection(self) -> Connection:
        """The cluster."""
        return self._box.connection

    @property
    def engine(self) -> Engine:
        """The one way to change it; what was in flight in a process that died is settled first."""
        for sentence in self._box.recover():
            self.reporter(Progress(Phase.RECOVERED, sentence))
        return self._box.engine

    @property
    def outside(self) -> Outside:
        """The one way to change what is outside of any cluster, on this machine."""
        return self._box.outside

    def holder(self, plan_id: str) -> Engine | Outside:
        """Who carries out a plan that was kept."""
        keeper = self._box.holder(plan_id)
        if keeper is None:
            # What is no plan any more is said without looking at a cluster.
            self._box.journal.planned(plan_id)
        return keeper or self.engine

    def at(self, context: str, stack: StackSettings) -> OneCall:
        """The same hands on another context of the kubeconfig."""
        return OneCall(self._box.at(context, stack), self.approver, self.reporter)

    @property
    def journal(self) -> Journal:
        """What was changed."""
        return self._box.journal

    @property
    def stack(self) -> StackSettings:
        """What the user configured about the todo stack."""
        return self._box.stack

    @property
    def alerting(self) -> AlertSettings:
        """What the user configured about alerts."""
        return self._box.alerting

    @property
    def alert_store(self) -> AlertStore:
        """The alerts that a monitor keeps, and the silences."""
        return self._box.alert_store

    @property
    def health(self) -> HealthSettings:
        """What the user configured about health."""
        return self._box.health

    @property
    def usage(self) -> UsageStore:
        """What was measured over time."""
        return self._box.usage

    @property
    def measuring(self) -> Measuring:
        """What the user configured about measuring and right-sizing."""
        return self._box.measuring

    @property
    def forwards(self) -> Forwards:
        """The ports of this machine that lead to pods."""
        return self._box.forwards

    @property
    def local_files(self) -> bool:
        """Whether the files of this machine are the user's."""
        return self._box.local_files

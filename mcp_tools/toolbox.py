"""All tools on one cluster: the one door through which the conversation and foreign MCP clients reach it.

Arguments are checked on the way in, every byte is redacted on the way out, and the connection is made at first use.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Phase, Progress
from mcp_tools.errors import ApprovalNeeded, ShipmateError, UsageError
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from mcp_tools.changes.engine import Engine
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Approver, Decision, Plan, Reporter
    from mcp_tools.changes.outside import Outside
    from mcp_tools.changes.policy import Policy
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.forwarding import Forwards
    from mcp_tools.cluster.target import Target
    from mcp_tools.health.frame import Frame
    from mcp_tools.health.settings import HealthSettings
    from mcp_tools.monitoring.settings import AlertSettings
    from mcp_tools.monitoring.store import AlertStore
    from mcp_tools.reads.following import Followed
    from mcp_tools.sizing.settings import Measuring
    from mcp_tools.stack.settings import StackSettings
    from mcp_tools.tools.base import Tool
    from mcp_tools.usage.store import UsageStore

ROLLOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's answer, redacted.

    Attributes:
        summary: The answer in a sentence or two.
        data: The structured content; its `summary` is the same sentence.
    """

    summary: str
    data: dict[str, Any]


def nobody(plan: Plan) -> Decision:
    """The approver of a caller that named none: nothing is ever approved by default."""
    raise ApprovalNeeded(f"Nobody is there to approve: {plan.title}.", "Nothing was changed.")


def ignore(progress: Progress) -> None:
    """The reporter of a caller that named none."""


class Toolbox:
    """The tools on one cluster.

    Attributes:
        approver: Asked for every change, unless a call brings its own.
        reporter: Told of every step of a change, unless a call brings its own.
        policy: What may be changed, and what without asking.
        local_files: Whether the files of this machine are the user's: not where others call over a network.
    """

    def __init__(
        self,
        target: Target,
        *,
        approver: Approver = nobody,
        reporter: Reporter = ignore,
        journal: Path | None = None,
        rollout_timeout: float = ROLLOUT_SECONDS,
        policy: Policy | None = None,
        stack: StackSettings | None = None,
        alerting: AlertSettings | None = None,
        health: HealthSettings | None = None,
        measuring: Measuring | None = None,
    ) -> None:
        self.target = target
        self.approver = approver
        self.reporter = reporter
        self._journal_path = journal
        self._rollout_timeout = rollout_timeout
        self.policy = policy or _default_policy()
        self._stack = stack
        self._alerting = alerting
        self._alerts: AlertStore | None = None
        self._health = health
        self._measuring = measuring
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._journal: Journal | None = None
        self._engine: Engine | None = None
        self._forwards: Forwards | None = None
        self._outside: Outside | None = None
        self._usage: UsageStore | None = None
        self._others: dict[str, Toolbox] = {}
        self.local_files = True

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All tools that may be used, in the order in which they are shown; those that may also only look are some."""
        from mcp_tools.tools.registry import TOOLS

        return tuple(tool for tool in TOOLS if tool.read_only or tool.looking) if self.policy.read_only else TOOLS

    def recover(self) -> list[str]:
        """Find out how changes ended whose process died in the middle; errors as `connection` and `journal`.

        Returns:
            A redacted sentence for each, to tell the user.
        """
        return [redact_text(sentence) for sentence in self.engine.recover()]

    @property
    def connection(self) -> Connection:
        """The connection, made at first use; a cluster that did not answer is asked again the next time.

        Raises:
            ConnectionProblem, UsageError: As `connect`.
        """
        from mcp_tools.cluster.connection import connect

        with self._lock:
            if self._connection is None:
                self._connection = connect(self.target)
            return self._connection

    @property
    def journal(self) -> Journal:
        """The journal, opened at first use; it needs no cluster.

        Raises:
            JournalProblem: It cannot be opened.
        """
        from mcp_tools.changes.journal import Journal
        from mcp_tools.paths import state_dir

        with self._lock:
            if self._journal is None:
                self._journal = Journal(self._journal_path or state_dir() / "journal.db")
            return self._journal

    @property
    def usage(self) -> UsageStore:
        """What was measured over time, opened at first use, beside the journal; it needs no cluster.

        Raises:
            UsageProblem: It cannot be opened.
        """
        from mcp_tools.paths import state_dir
        from mcp_tools.usage.store import UsageStore

        with self._lock:
            if self._usage is None:
                place = self._journal_path.parent if self._journal_path else state_dir()
                self._usage = UsageStore(place / "usage.db")
            return self._usage

    @property
    def measuring(self) -> Measuring:
        """What the user configured about measuring and right-sizing."""
        from mcp_tools.sizing.settings import Measuring

        return self._measuring or Measuring()

    def call(
        self,
        name: str,
        arguments: dict[str, Any],
        *,
        approver: Approver | None = None,
        reporter: Reporter | None = None,
    ) -> ToolResult:
        """Call a tool.

        Raises:
            UsageError: There is no such tool, or its arguments are wrong.
            ShipmateError: What the tool met; message and hint are redacted.
        """
        from mcp_tools.tools.registry import BY_NAME

        tool = BY_NAME.get(name)
        if tool is None:
            raise UsageError(f"There is no tool {name!r}.", f"There are: {', '.join(BY_NAME)}.")
        given = tool.checked(arguments)
        try:
            answer = tool.handler(_Hands(self, approver or self.approver, reporter or self.reporter), given)
        except ShipmateError as error:
            error.message = redact_text(error.message)
            error.hint = redact_text(error.hint)
            raise
        summary = redact_text(answer.summary)
        return ToolResult(summary, {"summary": summary, **redact(answer.data)})

    def look_at_health(self, *, everywhere: bool = False) -> Frame:
        """What a live view of health shows now; kept for the trend like any check.

        Args:
            everywhere: The whole cluster instead of the target's namespace.

        Raises:
            ConnectionProblem: The cluster does not answer; message and hint are redacted.
        """
        from mcp_tools.health.checking import FILE, check
        from mcp_tools.health.frame import frame_of

        try:
            connection = self.connection
            namespace = None if everywhere else connection.namespace
            history = self.journal.path.with_name(FILE)
            found = check(connection, namespace, history=history, settings=self.health)
        except ShipmateError as error:
            error.message = redact_text(error.message)
            error.hint = redact_text(error.hint)
            raise
        return frame_of(connection.context, found, namespace)

    def follow(self, arguments: dict[str, Any], stop: threading.Event) -> Iterator[Followed]:
        """Follow logs: redacted lines as they are written, until `stop` is set from another thread.

        Args:
            arguments: As `get_logs` takes them; a few lines from before come first.

        Raises:
            UsageError: The arguments are wrong.
            ShipmateError: What `mcp_tools.reads.following.follow` met; message and hint are redacted.
        """
        from mcp_tools.reads.following import EARLIER_LINES, follow
        from mcp_tools.tools.registry import BY_NAME

        given = BY_NAME["get_logs"].checked({"tail_lines": EARLIER_LINES, **arguments})
        try:
            yield from follow(
                self.connection,
                given.target,
                given.namespace,
                stop,
                container=given.container,
                tail_lines=given.tail_lines,
                since_seconds=given.since_seconds,
                contains=given.contains,
                level=given.level,
            )
        except ShipmateError as error:
            error.message = redact_text(error.message)
            error.hint = redact_text(error.hint)
            raise

    @property
    def stack(self) -> StackSettings:
        """What the user configured about the todo stack."""
        from mcp_tools.stack.settings import StackSettings

        return self._stack or StackSettings()

    @property
    def alerting(self) -> AlertSettings:
        """What the user configured about alerts."""
        from mcp_tools.monitoring.settings import AlertSettings

        return self._alerting or AlertSettings()

    @property
    def alert_store(self) -> AlertStore:
        """The alerts that a monitor of this user keeps, and the silences; opened at first use, beside the journal.

        Raises:
            AlertStoreProblem: It cannot be opened.
        """
        from mcp_tools.monitoring.store import FILE, AlertStore
        from mcp_tools.paths import state_dir

        with self._lock:
            if self._alerts is None:
                place = self._journal_path.parent if self._journal_path else state_dir()
                self._alerts = AlertStore(place / FILE)
            return self._alerts

    @property
    def health(self) -> HealthSettings:
        """What the user configured about health."""
        from mcp_tools.health.settings import HealthSettings

        return self._health or HealthSettings()

    def interrupt(self, *, roll_back: bool = False) -> None:
        """Stop waiting for a rollout and end the program at work, from another thread or a signal handler.

        Args:
            roll_back: Put back what was there; without it what was applied stays.
        """
        for keeper in (self._engine, self._outside):
            if keeper is not None:
                keeper.interrupt(roll_back=roll_back)
        for other in self._others.values():
            other.interrupt(roll_back=roll_back)

    @property
    def forwards(self) -> Forwards:
        """The ports of this machine that lead to pods; none is open at first."""
        from mcp_tools.cluster.forwarding import Forwards

        with self._lock:
            if self._forwards is None:
                self._forwards = Forwards()
            return self._forwards

    def close(self) -> None:
        """Close the connection, the journal and all forwarded ports; a later call opens the first two again."""
        if self._forwards is not None:
            self._forwards.close()
        for other in self._others.values():
            other.close()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            if self._journal is not None:
                self._journal.close()
            if self._alerts is not None:
                self._alerts.close()
            if self._usage is not None:
                self._usage.close()
            self._connection = self._journal = self._engine = self._outside = self._alerts = self._usage = None
            self._others.clear()

    def at(self, context: str, stack: StackSettings) -> Toolbox:
        """The same tools on another context of the same kubeconfig; closed with this one.

        Args:
            stack: What is configured about the todo stack there.
        """
        with self._lock:
            if context not in self._others:
                kubeconfig = None if self.target.sandbox else self.target.kubeconfig
                self._others[context] = Toolbox(
                    dataclasses.replace(self.target, kubeconfig=kubeconfig, context=context, sandbox=False),
                    approver=self.approver,
                    reporter=self.reporter,
                    journal=self._journal_path,
                    rollout_timeout=self._rollout_timeout,
                    policy=self.policy,
                    stack=stack,
                    alerting=self._alerting,
                    health=self._health,
                    measuring=self._measuring,
                )
                self._others[context].local_files = self.local_files
            return self._others[context]

    @property
    def outside(self) -> Outside:
        """What carries out changes outside of any cluster; errors as `journal`."""
        from mcp_tools.changes.outside import Outside

        journal = self.journal
        with self._lock:
            if self._outside is None:
                self._outside = Outside(journal, self.policy)
            return self._outside

    def holder(self, plan_id: str) -> Engine | Outside | None:
        """Who keeps a plan that waits for its yes; None where nobody of this process does."""
        for keeper in (self._outside, self._engine):
            if keeper and keeper.holds(plan_id):
                return keeper
        return next((keeper for other in self._others.values() if (keeper := other.holder(plan_id))), None)

    @property
    def engine(self) -> Engine:
        """The engine that carries out changes on this cluster; errors as `connection` and `journal`."""
        from mcp_tools.changes.engine import Engine

        connection, journal = self.connection, self.journal
        with self._lock:
            if self._engine is None:
                self._engine = Engine(connection, journal, self._rollout_timeout, self.policy)
            return self._engine


def _default_policy() -> Policy:
    from mcp_tools.changes.policy import Policy

    return Policy()


class _Hands:
    """The toolbox as one call sees it: with the people of that call."""

    def __init__(self, box: Toolbox, approver: Approver, reporter: Reporter) -> None:
        self._box = box
        self.approver = approver
        self.reporter = reporter

    @property
    def connection(self) -> Connection:
        return self._box.connection

    @property
    def engine(self) -> Engine:
        for sentence in self._box.recover():
            self.reporter(Progress(Phase.RECOVERED, sentence))
        return self._box.engine

    @property
    def outside(self) -> Outside:
        return self._box.outside

    def holder(self, plan_id: str) -> Engine | Outside:
        keeper = self._box.holder(plan_id)
        if keeper is None:
            # What is no plan any more is said without looking at a cluster.
            self._box.journal.planned(plan_id)
        return keeper or self.engine

    def at(self, context: str, stack: StackSettings) -> _Hands:
        return _Hands(self._box.at(context, stack), self.approver, self.reporter)

    @property
    def journal(self) -> Journal:
        return self._box.journal

    @property
    def stack(self) -> StackSettings:
        return self._box.stack

    @property
    def alerting(self) -> AlertSettings:
        return self._box.alerting

    @property
    def alert_store(self) -> AlertStore:
        return self._box.alert_store

    @property
    def health(self) -> HealthSettings:
        return self._box.health

    @property
    def usage(self) -> UsageStore:
        return self._box.usage

    @property
    def measuring(self) -> Measuring:
        return self._box.measuring

    @property
    def forwards(self) -> Forwards:
        return self._box.forwards

    @property
    def local_files(self) -> bool:
        return self._box.local_files

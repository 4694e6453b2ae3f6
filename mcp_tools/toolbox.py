"""All tools on one cluster: the one door through which the conversation and foreign MCP clients reach it.

Arguments are checked on the way in, every byte is redacted on the way out, and the connection is made at first use.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ApprovalNeeded, ShipmateError, UsageError
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from mcp_tools.changes.engine import Engine
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Approver, Decision, Plan, Progress, Reporter
    from mcp_tools.changes.outside import Outside
    from mcp_tools.changes.policy import Policy
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.forwarding import Forwards
    from mcp_tools.cluster.target import Target
    from mcp_tools.health.settings import HealthSettings
    from mcp_tools.mandate import Mandate
    from mcp_tools.monitoring.settings import AlertSettings
    from mcp_tools.monitoring.store import AlertStore
    from mcp_tools.reads.answer import Answer
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


def redacted(answer: Answer) -> ToolResult:
    """What may leave of an answer."""
    summary = redact_text(answer.summary)
    return ToolResult(summary, {"summary": summary, **redact(answer.data)})


@contextmanager
def redacting() -> Iterator[None]:
    """Errors of ours pass without their secrets."""
    try:
        yield
    except ShipmateError as error:
        error.message = redact_text(error.message)
        error.hint = redact_text(error.hint)
        raise


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
        mandate: What whoever uses these tools may do, where that is not the user.
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
        mandate: Mandate | None = None,
    ) -> None:
        self.target = target
        self.mandate = mandate
        self.approver = approver
        self.reporter = reporter
        self._journal_path = journal
        self._rollout_timeout = rollout_timeout
        self.users_policy = policy or _default_policy()
        self.policy = mandate.within(self.users_policy) if mandate else self.users_policy
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
        self._origin = ""
        self._above: Toolbox | None = None
        self.local_files = True

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All tools that may be used, in the order in which they are shown; those that may also only look are some."""
        from mcp_tools.tools.registry import TOOLS

        looking = self.policy.read_only
        return tuple(
            tool
            for tool in TOOLS
            if (tool.read_only or tool.looking or not looking) and (not self.mandate or tool.name in self.mandate.tools)
        )

    @contextlib.contextmanager
    def on_behalf_of(self, origin: str) -> Iterator[None]:
        """Have the journal say of changes that are planned meanwhile what they belong to.

        Args:
            origin: Such as `runbook scale, run 1a2b3c4d, step 2`.
        """
        before, self._origin = self._origin, origin
        try:
            yield
        finally:
            self._origin = before

    @property
    def origin(self) -> str:
        """What changes that are planned now belong to; empty for the user's own."""
        return self._origin or (self._above.origin if self._above else "")

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
                self._journal = Journal(self._journal_path or state_dir() / "journal.db", lambda: self.origin)
            return self._journal

    @property
    def usage(self) -> UsageStore:
        """What was measured over time, opened at first use, beside the journal; it needs no cluster.

        Raises:
            UsageProblem: It cannot be opened.
        """
        from mcp_tools.paths import state_dir
        from mcp_tools.usage.store import FILE, UsageStore

        with self._lock:
            if self._usage is None:
                place = self._journal_path.parent if self._journal_path else state_dir()
                self._usage = UsageStore(place / FILE)
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
        from mcp_tools.hands import OneCall
        from mcp_tools.tools.registry import BY_NAME

        tool = BY_NAME.get(name)
        if tool is None:
            raise UsageError(f"There is no tool {name!r}.", f"There are: {', '.join(BY_NAME)}.")
        if self.mandate:
            self.mandate.require(name, arguments)
        given = tool.checked(arguments)
        asks = approver or self.approver
        decides = self.mandate.approver(asks) if self.mandate else asks
        with redacting():
            answer = tool.handler(OneCall(self, decides, reporter or self.reporter), given)
        return redacted(answer)

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

        if self.mandate:
            self.mandate.require("get_logs", arguments)
        given = BY_NAME["get_logs"].checked({"tail_lines": EARLIER_LINES, **arguments})
        with redacting():
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
        kubeconfig = None if self.target.sandbox else self.target.kubeconfig
        there = dataclasses.replace(self.target, kubeconfig=kubeconfig, context=context, sandbox=False)
        with self._lock:
            if context not in self._others:
                self._others[context] = self._like(there, stack, self.mandate)
            return self._others[context]

    def under(self, mandate: Mandate, namespace: str | None = None) -> Toolbox:
        """The same tools on the same cluster for somebody who works for the user; closed with this one.

        Args:
            namespace: Where they work; None is here.
        """
        there = dataclasses.replace(self.target, namespace=namespace or self.target.namespace)
        with self._lock:
            before = self._others.get(mandate.holder)
            if before is not None and before.mandate is mandate and before.target == there:
                return before
            self._others[mandate.holder] = made = self._like(there, self._stack, mandate)
        if before is not None:
            before.close()
        return made

    def _like(self, target: Target, stack: StackSettings | None, mandate: Mandate | None) -> Toolbox:
        made = Toolbox(
            target,
            approver=self._ask,
            reporter=self._tell,
            journal=self._journal_path,
            rollout_timeout=self._rollout_timeout,
            policy=self.users_policy,
            stack=stack,
            alerting=self._alerting,
            health=self._health,
            measuring=self._measuring,
            mandate=mandate,
        )
        made.local_files = self.local_files
        made._above = self
        return made

    def _ask(self, plan: Plan) -> Decision:
        # Who is asked and told may be another in the next turn.
        return self.approver(plan)

    def _tell(self, progress: Progress) -> None:
        self.reporter(progress)

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

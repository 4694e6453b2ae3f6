"""All tools on one cluster: the one door through which the conversation and foreign MCP clients reach it.

Arguments are checked on the way in, every byte is redacted on the way out, and the connection is made at first use.
"""

from __future__ import annotations

import threading
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
    from mcp_tools.changes.policy import Policy
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.target import Target
    from mcp_tools.tools.base import Tool

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
    ) -> None:
        self.target = target
        self.approver = approver
        self.reporter = reporter
        self._journal_path = journal
        self._rollout_timeout = rollout_timeout
        self.policy = policy or _default_policy()
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._journal: Journal | None = None
        self._engine: Engine | None = None

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All tools that may be used, in the order in which they are shown."""
        from mcp_tools.tools.registry import TOOLS

        return tuple(tool for tool in TOOLS if tool.read_only) if self.policy.read_only else TOOLS

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
        given = _checked(tool, arguments)
        try:
            answer = tool.handler(_Hands(self, approver or self.approver, reporter or self.reporter), given)
        except ShipmateError as error:
            error.message = redact_text(error.message)
            error.hint = redact_text(error.hint)
            raise
        summary = redact_text(answer.summary)
        return ToolResult(summary, {"summary": summary, **redact(answer.data)})

    def interrupt(self, *, roll_back: bool = False) -> None:
        """Stop waiting for a rollout, from another thread or a signal handler.

        Args:
            roll_back: Put back what was there; without it what was applied stays.
        """
        if self._engine is not None:
            self._engine.interrupt(roll_back=roll_back)

    def close(self) -> None:
        """Close the connection and the journal; a later call opens them again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            if self._journal is not None:
                self._journal.close()
            self._connection = self._journal = self._engine = None

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
    def journal(self) -> Journal:
        return self._box.journal


def _checked(tool: Tool, arguments: dict[str, Any]) -> Any:
    from pydantic import ValidationError

    try:
        return tool.input_model.model_validate(arguments)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors())
        raise UsageError(f"The arguments of {tool.name} are wrong: {redact_text(problems)}.", "") from error

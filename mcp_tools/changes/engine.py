"""The verified transaction: plan, dry run, decision, guarded writes, watch, rollback, journal."""

from __future__ import annotations

import dataclasses
import secrets
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from mcp_tools.changes.allowing import Gate
from mcp_tools.changes.carrying import Carrier, Change, Prepared, record_of
from mcp_tools.changes.journal import can_be_applied
from mcp_tools.changes.model import Approver, Decision, Outcome, Phase, Plan, Progress, Reporter, Verb
from mcp_tools.changes.operations import Request, Wanted, brought_by, waits_for
from mcp_tools.changes.ownership import made_again
from mcp_tools.changes.preparing import prepare
from mcp_tools.changes.recovery import process_mark, recover
from mcp_tools.changes.rollout import ROLLOUTS, judge
from mcp_tools.changes.steps import Ready, Writer
from mcp_tools.changes.undoing import put_back
from mcp_tools.changes.warnings import warnings_for
from mcp_tools.changes.watch import Watcher
from mcp_tools.errors import Forbidden, NotFound, PlanExpired

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.journal import Entry, Journal
    from mcp_tools.changes.policy import Policy
    from mcp_tools.cluster.connection import Connection

MAX_PREPARED = 100
PREPARES = "prepares"
"""The argument of a plan that does more than writing, which is not kept with it."""


class Engine:
    """Carries out changes on one cluster.

    Args:
        timeout: Seconds a rollout may take before it is rolled back.
        policy: What may be changed, and what without asking.
    """

    def __init__(self, connection: Connection, journal: Journal, timeout: float, policy: Policy) -> None:
        self._connection = connection
        self._journal = journal
        self._prepared: dict[str, Prepared] = {}
        self._stop = threading.Event()
        self._writer = Writer(connection, self._stop, timeout)
        self._gate = Gate(connection, policy)
        self._carrier = Carrier(
            journal,
            self._writer,
            Watcher(connection, self._stop, self._writer.unblock),
            self._gate,
            timeout=timeout,
            stop=self._stop,
        )

    def interrupt(self, *, roll_back: bool = False) -> None:
        """Stop watching the rollout in flight, from another thread or a signal handler.

        Args:
            roll_back: Put back what was there; without it what was applied stays.
        """
        self._carrier.wanted_back = self._carrier.wanted_back or roll_back
        self._stop.set()

    def run(self, wanted: Wanted | Request, approver: Approver, reporter: Reporter) -> Change:
        """Plan a change, ask the approver, and carry it out, telling the reporter whenever something moves.

        Raises:
            ShipmateError: An object cannot be read, a dry run refused the change, or nobody can be asked. Nothing was
                changed then. Once something was sent, the end is told by the `Change` that is returned.
        """
        self._carrier.begin()
        request = (
            wanted
            if isinstance(wanted, Request)
            else Request(wanted.action, wanted.title, (wanted,), dict(wanted.arguments))
        )
        prepared = self._prepare(request)
        if isinstance(prepared, Change):
            return prepared
        return self._decide(prepared, approver, reporter)

    def holds(self, plan_id: str) -> bool:
        """Whether this made a plan of that id which waits for its yes."""
        return plan_id in self._prepared

    def apply(self, plan_id: str, approver: Approver, reporter: Reporter) -> Change:
        """Carry out a plan that was kept, after the approver saw it again.

        Raises:
            PlanExpired: The plan is unknown, used, too old, for another cluster, or held a secret that is gone.
            Conflict: Somebody changed an object since the plan was shown; nothing was changed.
        """
        self._carrier.begin()
        entry = self._journal.planned(plan_id)
        prepared = self._prepared.get(plan_id) or self._restore(entry)
        return self._decide(prepared, approver, reporter)

    def undo(
        self,
        change_id: int | None,
        approver: Approver,
        reporter: Reporter,
        *,
        but_secrets: bool = False,
        seen_through: Callable[[Request], Request] = lambda request: request,
    ) -> Change:
        """Put back what a change replaced (the last one in this context that can be), itself as a transaction.

        Args:
            but_secrets: A Secret whose earlier values are kept nowhere is left as it is, and is no reason against it.
            seen_through: Adds how it is verified and explained.

        Raises:
            NotFound: There is no such change, or none to undo.
            UsageError: It cannot be undone: a restart, a failed change, one that was undone already.
            Conflict: Somebody else changed one of its fields since; nothing was changed.
        """
        entry = self._journal.undoable(change_id, self._connection.context, self.cluster, but_secrets=but_secrets)
        return self.run(seen_through(put_back(self._writer, entry)), approver, reporter)

    def recover(self) -> list[str]:
        """Find out how changes ended whose process died in the middle; returns a sentence for each to tell the user."""
        if not self._journal.in_flight(self._connection.context):
            return []
        return recover(self._journal, self._writer, self._connection, self.cluster)

    @cached_property
    def cluster(self) -> str:
        """What tells this cluster from another of the same context name; empty where it may not be seen."""
        try:
            found = self._connection.get_object("/api/v1/namespaces/kube-system")
        except (Forbidden, NotFound):
            return ""
        return str(found["metadata"]["uid"])

    def _decide(self, prepared: Prepared, approver: Approver, reporter: Reporter) -> Change:
        plan = prepared.plan
        for ready in prepared.steps:
            # A plan that was kept may be older than the policy.
            self._gate.check_again(plan, ready.step, ready.found)
        decision = approver(dataclasses.replace(plan, preapproved=self._gate.approves(plan)))
        if decision is Decision.DEFERRED:
            return Change(Outcome.PLANNED, plan, prepared.change_id)
        entry = self._journal.claim(plan.id, process_mark())
        self._prepared.pop(plan.id, None)
        if decision is Decision.DECLINED:
            self._journal.finish(entry.id, Outcome.DECLINED)
            return Change(Outcome.DECLINED, plan, entry.id)
        if prepared.request and prepared.request.prepare:
            prepare(prepared.request.prepare, entry.id, self._journal, reporter, self._stop)
        change = self._carrier.carry_out(prepared, reporter, approver if decision is Decision.STEP_BY_STEP else None)
        reporter(Progress(Phase.DONE, change.outcome.value.replace("_", " ")))
        return change

    def _prepare(self, request: Request) -> Prepared | Change:
        steps: list[Ready] = []
        brought: set[str] = set()
        for wanted in request.parts:
            self._gate.check(wanted)
        for wanted in request.parts:
            steps.append(self._writer.prepare(wanted, comes_with_plan=waits_for(wanted, brought)))
            brought |= brought_by(wanted)
        plan = Plan(
            id=secrets.token_hex(4),
            action=request.action,
            title=request.title,
            steps=tuple(ready.step for ready in steps),
            context=self._connection.context,
            reversible=(
                all(wanted.reversible for wanted in request.parts) if request.reversible is None else request.reversible
            ),
            arguments={**request.arguments, **({PREPARES: True} if request.prepare or request.verify else {})},
            undoes=request.undoes,
        )
        steps = [ready for ready in steps if not ready.step.idle]
        if not steps:
            found = request.parts[0].found
            rollout = judge(self._connection, found.kind, found.object) if found.kind.plural in ROLLOUTS else None
            return Change(Outcome.UNCHANGED, plan, rollout=rollout)
        several = len(steps) > 1
        warnings = [*request.notes, *(text for ready in steps for text in self._warnings(ready, several=several))]
        plan = dataclasses.replace(
            plan, steps=tuple(ready.step for ready in steps), warnings=tuple(dict.fromkeys(warnings))
        )
        change_id = self._journal.add_plan(
            plan, tuple(map(record_of, steps)), server=self._connection.server, cluster=self.cluster
        )
        prepared = Prepared(plan, tuple(steps), change_id, request)
        self._prepared[plan.id] = prepared
        while len(self._prepared) > MAX_PREPARED:
            # Plans that nobody answered must not pile up.
            self._prepared.pop(next(iter(self._prepared)))
        return prepared

    def _warnings(self, ready: Ready, *, several: bool) -> list[str]:
        if ready.step.in_release:
            return list(ready.notes)
        about = f"{ready.found}: " if several else ""
        if ready.step.verb is Verb.DELETE:
            return [*ready.notes, *(f"{about}{warning}" for warning in made_again(ready.found))]
        if ready.step.takes_away or ready.step.inside or ready.step.verb in {Verb.DEBUG, Verb.RELEASE}:
            return list(ready.notes)
        found = warnings_for(self._connection, ready.found, ready.step.changes)
        return [*ready.notes, *(f"{about}{warning}" for warning in found)]

    def _restore(self, entry: Entry) -> Prepared:
        if entry.plan.arguments.get(PREPARES):
            raise PlanExpired(f"The plan {entry.plan.id!r} was of an earlier run.", "Ask for the change again.")
        if entry.plan.context != self._connection.context:
            raise PlanExpired(
                f"The plan {entry.plan.id!r} is for the context {entry.plan.context!r}.",
                f"Repeat it with --context {entry.plan.context}.",
            )
        if not entry.is_of(self.cluster):
            raise PlanExpired(
                f"The plan {entry.plan.id!r} is for another cluster that was called {entry.plan.context!r}.",
                "Ask for the change again.",
            )
        if not can_be_applied(entry):
            raise PlanExpired(
                f"The plan {entry.plan.id!r} holds a secret, which is not kept.", "Ask for the change again."
            )
        steps = tuple(
            Ready(record.step, self._writer.look(record.step.target), record.edits, record.body, record.force)
            for record in entry.records
        )
        return Prepared(entry.plan, steps, entry.id)

"""The verified transaction: plan, dry run, decision, guarded writes, watch, rollback, journal."""

from __future__ import annotations

import dataclasses
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.changes.journal import Record, can_be_applied
from mcp_tools.changes.model import Approver, Decision, Outcome, Phase, Plan, Progress, Reporter, Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.changes.recovery import process_mark, recover
from mcp_tools.changes.rollout import ROLLOUTS, judge, moves_pods
from mcp_tools.changes.steps import Ready, Writer, overruled
from mcp_tools.changes.undoing import put_back
from mcp_tools.changes.warnings import warnings_for
from mcp_tools.changes.watch import Watcher
from mcp_tools.errors import PlanExpired, ShipmateError

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry, Journal
    from mcp_tools.changes.policy import Policy
    from mcp_tools.changes.rollout import Rollout
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found
    from mcp_tools.cluster.streams import CommandOutput

UNWATCHED = "nobody waited for the end of the rollout"
WANTED_BACK = "the user stopped it and wanted it back"
MAX_PREPARED = 100
DEFINES = {"Namespace", "CustomResourceDefinition"}
"""What later steps of the same plan may need before the server can dry-run them."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a request for a change ended.

    Attributes:
        outcome: The end.
        plan: What was planned; for `UNCHANGED` its changes are empty and its id is not usable.
        change_id: The journal's number; None where nothing was kept.
        reason: Why it failed or was not carried out; None where it went as planned.
        rollout: The last look at a workload of it, the one that failed if one did.
        output: What a command gave.
    """

    outcome: Outcome
    plan: Plan
    change_id: int | None = None
    reason: str | None = None
    rollout: Rollout | None = None
    output: CommandOutput | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: Plan
    steps: tuple[Ready, ...]
    change_id: int


class Engine:
    """Carries out changes on one cluster.

    Args:
        timeout: Seconds a rollout may take before it is rolled back.
        policy: What may be changed, and what without asking.
    """

    def __init__(self, connection: Connection, journal: Journal, timeout: float, policy: Policy) -> None:
        self._connection = connection
        self._journal = journal
        self._prepared: dict[str, _Prepared] = {}
        self._stop = threading.Event()
        self._writer = Writer(connection, self._stop)
        self._watcher = Watcher(connection, self._stop)
        self._timeout = timeout
        self._policy = policy
        self._wanted_back = False

    def interrupt(self, *, roll_back: bool = False) -> None:
        """Stop watching the rollout in flight, from another thread or a signal handler.

        Args:
            roll_back: Put back what was there; without it what was applied stays.
        """
        self._wanted_back = self._wanted_back or roll_back
        self._stop.set()

    def run(self, wanted: Wanted | Request, approver: Approver, reporter: Reporter) -> Change:
        """Plan a change, ask the approver, and carry it out, telling the reporter whenever something moves.

        Raises:
            ShipmateError: An object cannot be read, a dry run refused the change, or nobody can be asked. Nothing was
                changed then. Once something was sent, the end is told by the `Change` that is returned.
        """
        self._begin()
        request = (
            wanted
            if isinstance(wanted, Request)
            else Request(wanted.action, wanted.title, (wanted,), dict(wanted.arguments))
        )
        prepared = self._prepare(request)
        if isinstance(prepared, Change):
            return prepared
        return self._decide(prepared, approver, reporter)

    def apply(self, plan_id: str, approver: Approver, reporter: Reporter) -> Change:
        """Carry out a plan that was kept, after the approver saw it again.

        Raises:
            PlanExpired: The plan is unknown, used, too old, for another cluster, or held a secret that is gone.
            Conflict: Somebody changed an object since the plan was shown; nothing was changed.
        """
        self._begin()
        entry = self._journal.planned(plan_id)
        prepared = self._prepared.get(plan_id) or self._restore(entry)
        return self._decide(prepared, approver, reporter)

    def undo(self, change_id: int | None, approver: Approver, reporter: Reporter) -> Change:
        """Put back what a change replaced (the last one in this context that can be), itself as a transaction.

        Raises:
            NotFound: There is no such change, or none to undo.
            UsageError: It cannot be undone: a restart, a failed change, one that was undone already.
            Conflict: Somebody else changed one of its fields since; nothing was changed.
        """
        entry = self._journal.undoable(change_id, self._connection.context)
        return self.run(put_back(self._writer, entry), approver, reporter)

    def recover(self) -> list[str]:
        """Find out how changes ended whose process died in the middle; returns a sentence for each to tell the user."""
        return recover(self._journal, self._writer, self._connection.context)

    def _begin(self) -> None:
        self._stop.clear()
        self._wanted_back = False

    def _decide(self, prepared: _Prepared, approver: Approver, reporter: Reporter) -> Change:
        plan = prepared.plan
        for ready in prepared.steps:
            # A plan that was kept may be older than the policy.
            self._policy.check(plan.context, Wanted(plan.action, plan.title, ready.found))
        decision = approver(dataclasses.replace(plan, preapproved=self._policy.approves(plan)))
        if decision is Decision.DEFERRED:
            return Change(Outcome.PLANNED, plan, prepared.change_id)
        entry = self._journal.claim(plan.id, process_mark())
        self._prepared.pop(plan.id, None)
        if decision is Decision.DECLINED:
            self._journal.finish(entry.id, Outcome.DECLINED)
            return Change(Outcome.DECLINED, plan, entry.id)
        change = self._carry_out(prepared, reporter)
        reporter(Progress(Phase.DONE, change.outcome.value.replace("_", " ")))
        return change

    def _prepare(self, request: Request) -> _Prepared | Change:
        steps: list[Ready] = []
        defined: set[str] = set()
        for wanted in request.parts:
            self._policy.check(self._connection.context, wanted)
        for wanted in request.parts:
            found = wanted.found
            coming = bool(defined & {f"Namespace/{found.namespace}", f"CustomResourceDefinition/{found.kind.group}"})
            steps.append(self._writer.prepare(wanted, comes_with_plan=coming and not found.object))
            if found.kind.name in DEFINES and not found.object:
                group = ((wanted.body or {}).get("spec") or {}).get("group", found.name)
                defined.add(f"{found.kind.name}/{found.name if found.kind.name == 'Namespace' else group}")
        plan = Plan(
            id=secrets.token_hex(4),
            action=request.action,
            title=request.title,
            steps=tuple(ready.step for ready in steps),
            context=self._connection.context,
            reversible=(
                all(wanted.reversible for wanted in request.parts) if request.reversible is None else request.reversible
            ),
            arguments=request.arguments,
            undoes=request.undoes,
        )
        steps = [ready for ready in steps if not ready.step.idle]
        if not steps:
            found = request.parts[0].found
            rollout = judge(self._connection, found.kind, found.object) if found.kind.plural in ROLLOUTS else None
            return Change(Outcome.UNCHANGED, plan, rollout=rollout)
        warnings = [warning for ready in steps for warning in self._warnings(ready, several=len(steps) > 1)]
        plan = dataclasses.replace(
            plan, steps=tuple(ready.step for ready in steps), warnings=tuple(dict.fromkeys(warnings))
        )
        change_id = self._journal.add_plan(plan, tuple(map(_record, steps)), server=self._connection.server)
        prepared = _Prepared(plan, tuple(steps), change_id)
        self._prepared[plan.id] = prepared
        while len(self._prepared) > MAX_PREPARED:
            # Plans that nobody answered must not pile up.
            self._prepared.pop(next(iter(self._prepared)))
        return prepared

    def _warnings(self, ready: Ready, *, several: bool) -> list[str]:
        if ready.step.takes_away or ready.step.verb is Verb.EXEC:
            return list(ready.notes)
        about = f"{ready.found}: " if several else ""
        found = warnings_for(self._connection, ready.found, ready.step.changes)
        return [*ready.notes, *(f"{about}{warning}" for warning in found)]

    def _restore(self, entry: Entry) -> _Prepared:
        if entry.plan.context != self._connection.context:
            raise PlanExpired(
                f"The plan {entry.plan.id!r} is for the context {entry.plan.context!r}.",
                f"Repeat it with --context {entry.plan.context}.",
            )
        if not can_be_applied(entry):
            raise PlanExpired(
                f"The plan {entry.plan.id!r} holds a secret, which is not kept.", "Ask for the change again."
            )
        steps = tuple(
            Ready(record.step, self._writer.look(record.step.target), record.edits, record.body, record.force)
            for record in entry.records
        )
        return _Prepared(entry.plan, steps, entry.id)

    def _carry_out(self, prepared: _Prepared, reporter: Reporter) -> Change:
        """Send every step, then watch to the end; take back what was sent when a step or a rollout fails."""
        sent: list[Ready] = []
        try:
            for ready in prepared.steps:
                reporter(Progress(Phase.APPLYING, f"{_DOING[ready.step.verb]} {ready.found}"))
                try:
                    sent.append(self._writer.send(ready))
                except ShipmateError as error:
                    if not sent:
                        self._journal.finish(prepared.change_id, Outcome.FAILED, error.message)
                        raise
                    return self._roll_back(prepared, sent, reporter, error.message, None)
                self._journal.carried_out(prepared.change_id, tuple(map(_record, sent)))
                if ready.step.takes_away:
                    held = self._writer.wait_until_gone(ready)
                    if held:
                        return self._end(prepared, Outcome.FAILED, f"{ready.found}: {held}", None)
            prepared = _as_sent(prepared, sent)
            return self._see_through(prepared, reporter)
        except KeyboardInterrupt:
            return self._end(_as_sent(prepared, sent), Outcome.INTERRUPTED, UNWATCHED, None)
        except ShipmateError as error:
            if not sent:
                raise
            reason = f"its end could not be seen: {error.message}"
            return self._end(_as_sent(prepared, sent), Outcome.INTERRUPTED, reason, None)

    def _see_through(self, prepared: _Prepared, reporter: Reporter) -> Change:
        rollout: Rollout | None = None
        output = next((ready.output for ready in prepared.steps if ready.output), None)
        if output is not None:
            return dataclasses.replace(self._end(prepared, *_command_end(output), None), output=output)
        for ready in prepared.steps:
            if not _rolls_out(ready):
                continue
            verdict = self._watcher.watch(ready.found, self._timeout, Phase.WATCHING, reporter)
            rollout = verdict.rollout
            if verdict.interrupted and self._wanted_back:
                self._begin()
                return self._roll_back(prepared, list(prepared.steps), reporter, WANTED_BACK, rollout)
            if verdict.interrupted:
                return self._end(prepared, Outcome.INTERRUPTED, UNWATCHED, rollout)
            if verdict.failure:
                return self._roll_back(prepared, list(prepared.steps), reporter, verdict.failure, rollout)
        for ready in prepared.steps:
            if ready.step.takes_away:
                continue
            clause = overruled(ready.step, self._writer.find(ready.step.target).object)
            if clause:
                # Not ours to take back: somebody wants it otherwise.
                return self._end(prepared, Outcome.FAILED, f"while it rolled out, {clause}", rollout)
        return self._end(prepared, Outcome.VERIFIED, None, rollout)

    def _roll_back(
        self, prepared: _Prepared, sent: list[Ready], reporter: Reporter, failure: str, seen: Rollout | None
    ) -> Change:
        reporter(Progress(Phase.ROLLING_BACK, f"rolling back: {failure}"))
        prepared = _as_sent(prepared, sent)
        put_back_to: list[Found] = []
        try:
            for ready in reversed(sent):
                found = self._writer.take_back(ready)
                if found.object and _rolls_out(ready):
                    put_back_to.append(found)
        except ShipmateError as error:
            return self._end(prepared, Outcome.FAILED, f"{failure}; the rollback did not work: {error.message}", seen)
        reason, rollout = failure, None
        for found in put_back_to:
            verdict = self._watcher.watch(found, self._timeout, Phase.ROLLING_BACK, reporter)
            rollout = verdict.rollout
            if verdict.failure:
                reason += f"; what was there before is set again, and is not healthy either: {verdict.failure}"
            elif verdict.interrupted:
                reason += "; what was there before is set again, and nobody waited for its rollout"
        return self._end(prepared, Outcome.ROLLED_BACK, reason, rollout)

    def _end(self, prepared: _Prepared, outcome: Outcome, reason: str | None, rollout: Rollout | None) -> Change:
        self._journal.finish(prepared.change_id, outcome, reason)
        return Change(outcome, prepared.plan, prepared.change_id, reason, rollout)


_DOING = {
    Verb.PATCH: "applying to",
    Verb.APPLY: "applying",
    Verb.DELETE: "deleting",
    Verb.EVICT: "evicting",
    Verb.EXEC: "running a command in",
}


def _command_end(output: CommandOutput) -> tuple[Outcome, str | None]:
    if output.exit_code is None:
        return Outcome.INTERRUPTED, "it did not end in time and was left to itself"
    if output.exit_code:
        return Outcome.FAILED, f"exit code {output.exit_code}"
    return Outcome.VERIFIED, None


def _as_sent(prepared: _Prepared, sent: list[Ready]) -> _Prepared:
    """The plan with what was really changed: a step that was not sent changed nothing."""
    if not sent:
        return prepared
    plan = dataclasses.replace(prepared.plan, steps=tuple(ready.step for ready in sent))
    return dataclasses.replace(prepared, plan=plan, steps=tuple(sent))


def _record(ready: Ready) -> Record:
    before = ready.found.object if ready.step.verb is Verb.DELETE else None
    return Record(ready.step, ready.edits, ready.body, ready.force, before)


def _rolls_out(ready: Ready) -> bool:
    if ready.found.kind.plural not in ROLLOUTS or ready.step.takes_away:
        return False
    return ready.step.creates or moves_pods(ready.found.object, ready.step.changes)

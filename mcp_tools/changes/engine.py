"""The verified transaction: plan, dry run, decision, guarded apply, watch, rollback, journal.

Nothing in Shipmate writes to a cluster except `Engine`.
"""

from __future__ import annotations

import dataclasses
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import Edit, compare, inverse, json_patch, value_at
from mcp_tools.changes.journal import Entry, is_whole
from mcp_tools.changes.model import Approver, Decision, ObjectRef, Outcome, Phase, Plan, Progress, Reporter
from mcp_tools.changes.operations import Wanted
from mcp_tools.changes.rollout import ROLLOUTS, judge, moves_pods
from mcp_tools.changes.warnings import moved_on, warnings_for
from mcp_tools.changes.watch import Watcher
from mcp_tools.cluster.connection import JSON_PATCH
from mcp_tools.cluster.kinds import Kind, find_kind
from mcp_tools.cluster.resolve import Found
from mcp_tools.errors import Conflict, NotFound, PlanExpired, ShipmateError, Unreachable, UsageError

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.rollout import Rollout
    from mcp_tools.cluster.connection import Connection

FIELD_MANAGER = "shipmate"
UNWATCHED = "nobody waited for the end of the rollout"
WRITE_TRIES = 5
"""Status updates of controllers race with a guarded write; real changes of others end it at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a request for a change ended.

    Attributes:
        outcome: The end.
        plan: What was planned; for `UNCHANGED` its changes are empty and its id is not usable.
        change_id: The journal's number; None where nothing was kept.
        reason: Why it failed or was not carried out; None where it went as planned.
        rollout: The last look at the workload, where there was one.
    """

    outcome: Outcome
    plan: Plan
    change_id: int | None = None
    reason: str | None = None
    rollout: Rollout | None = None


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: Plan
    edits: tuple[Edit, ...]
    found: Found
    change_id: int


class Engine:
    """Carries out changes on one cluster.

    Args:
        timeout: Seconds a rollout may take before it is rolled back.
    """

    def __init__(self, connection: Connection, journal: Journal, timeout: float) -> None:
        self._connection = connection
        self._journal = journal
        self._prepared: dict[str, _Prepared] = {}
        self._stop = threading.Event()
        self._watcher = Watcher(connection, self._stop)
        self._timeout = timeout

    def interrupt(self) -> None:
        """Stop watching the rollout in flight, from another thread or a signal handler; what was applied stays."""
        self._stop.set()

    def run(self, wanted: Wanted, approver: Approver, reporter: Reporter) -> Change:
        """Plan a change, ask the approver, and carry it out, telling the reporter whenever something moves.

        Raises:
            ShipmateError: The object cannot be read, the dry run refused the change, or nobody can be asked. Nothing
                was changed then. Once something was sent, the end is told by the `Change` that is returned.
        """
        prepared = self._prepare(wanted)
        if isinstance(prepared, Change):
            return prepared
        return self._decide(prepared, approver, reporter)

    def apply(self, plan_id: str, approver: Approver, reporter: Reporter) -> Change:
        """Carry out a plan that was kept, after the approver saw it again.

        Raises:
            PlanExpired: The plan is unknown, used, too old, for another cluster, or held a secret that is gone.
            Conflict: Somebody changed the object since the plan was shown; nothing was changed.
        """
        prepared = self._prepared.get(plan_id) or self._restore(self._journal.planned(plan_id))
        return self._decide(prepared, approver, reporter)

    def undo(self, change_id: int | None, approver: Approver, reporter: Reporter) -> Change:
        """Put back what a change replaced (the last one in this context that can be), itself as a transaction.

        Raises:
            NotFound: There is no such change, or none to undo.
            UsageError: It cannot be undone: a restart, a failed change, one that was undone already.
            Conflict: Somebody else changed one of its fields since; nothing was changed.
        """
        entry = self._undoable(change_id)
        found = self._find(entry.plan.target)
        if found.object["metadata"]["uid"] != entry.uid:
            raise Conflict(
                f"{found} was deleted and made anew since change {entry.id}.", "There is nothing to put back."
            )
        for change in entry.plan.changes:
            if value_at(found.object, change.path) != change.new:
                raise Conflict(
                    f"Change {entry.id} cannot be undone: {moved_on(found.object, change.path)}.",
                    "Look at the object and ask for the values you want.",
                )
        return self.run(
            Wanted(
                action="undo",
                title=f"Undo change {entry.id} ({entry.plan.title})",
                found=found,
                edits=inverse(entry.plan.changes),
                arguments={"change_id": entry.id},
                undoes=entry.id,
            ),
            approver,
            reporter,
        )

    def _decide(self, prepared: _Prepared, approver: Approver, reporter: Reporter) -> Change:
        plan = prepared.plan
        decision = approver(plan)
        if decision is Decision.DEFERRED:
            return Change(Outcome.PLANNED, plan, prepared.change_id)
        entry = self._journal.claim(plan.id)
        self._prepared.pop(plan.id, None)
        if decision is Decision.DECLINED:
            self._journal.finish(entry.id, Outcome.DECLINED)
            return Change(Outcome.DECLINED, plan, entry.id)
        try:
            reporter(Progress(Phase.APPLYING, f"applying to {prepared.found}"))
            prepared = self._sent(prepared, *self._send(entry, prepared))
        except ShipmateError as error:
            self._journal.finish(entry.id, Outcome.FAILED, error.message)
            raise
        try:
            change = self._see_through(prepared, reporter)
        except KeyboardInterrupt:
            change = self._end(prepared, Outcome.INTERRUPTED, UNWATCHED, None)
        reporter(Progress(Phase.DONE, change.outcome.value.replace("_", " ")))
        return change

    def _prepare(self, wanted: Wanted) -> _Prepared | Change:
        self._stop.clear()
        found = wanted.found
        dry = self._patch(found, found.object, wanted.edits, dry_run=True)
        plan = Plan(
            id=secrets.token_hex(4),
            action=wanted.action,
            title=wanted.title,
            target=ObjectRef(found.kind.api_version, found.kind.name, found.kind.plural, found.name, found.namespace),
            context=self._connection.context,
            changes=compare(found.object, dry),
            resource_version=found.object["metadata"]["resourceVersion"],
            reversible=wanted.reversible,
            arguments=wanted.arguments,
            undoes=wanted.undoes,
        )
        if not plan.changes:
            rollout = judge(self._connection, found.kind, found.object) if found.kind.plural in ROLLOUTS else None
            return Change(Outcome.UNCHANGED, plan, rollout=rollout)
        plan = dataclasses.replace(plan, warnings=warnings_for(self._connection, found, plan.changes))
        change_id = self._journal.add_plan(
            plan,
            wanted.edits,
            server=self._connection.server,
            uid=found.object["metadata"]["uid"],
            generation=found.object["metadata"].get("generation", 0),
        )
        prepared = _Prepared(plan, wanted.edits, found, change_id)
        self._prepared[plan.id] = prepared
        while len(self._prepared) > 100:  # noqa: PLR2004  plans that nobody answered must not pile up
            self._prepared.pop(next(iter(self._prepared)))
        return prepared

    def _restore(self, entry: Entry) -> _Prepared:
        if entry.plan.context != self._connection.context:
            raise PlanExpired(
                f"The plan {entry.plan.id!r} is for the context {entry.plan.context!r}.",
                f"Repeat it with --context {entry.plan.context}.",
            )
        if not is_whole(entry):
            raise PlanExpired(
                f"The plan {entry.plan.id!r} holds a secret, which is not kept.", "Ask for the change again."
            )
        return _Prepared(entry.plan, entry.edits, self._find(entry.plan.target), entry.id)

    def _guard(self, entry: Entry, prepared: _Prepared) -> dict[str, Any]:
        """The live object to write to, if it is still the one the plan was shown for."""
        live = self._find(prepared.plan.target).object
        metadata = live["metadata"]
        if metadata["uid"] != entry.uid:
            raise Conflict(f"{prepared.plan.target} was deleted and made anew since the plan was shown.", _AGAIN)
        if metadata["resourceVersion"] == prepared.plan.resource_version:
            return live
        # A controller's status update moves the version too: what matters is that the shown fields are as shown.
        for change in prepared.plan.changes:
            if value_at(live, change.path) != change.old:
                raise Conflict(
                    f"{prepared.plan.target} changed since the plan was shown: {moved_on(live, change.path)}.", _AGAIN
                )
        if metadata.get("generation", 0) != entry.generation:
            raise Conflict(f"The spec of {prepared.plan.target} changed since the plan was shown.", _AGAIN)
        return live

    def _sent(self, prepared: _Prepared, before: dict[str, Any], after: dict[str, Any]) -> _Prepared:
        """The change as it was carried out: what the server chose (a node port) may not be what the dry run chose."""
        changes = compare(before, after)
        if changes == prepared.plan.changes:
            return prepared
        self._journal.carried_out(prepared.change_id, changes, prepared.plan.target.kind)
        return dataclasses.replace(prepared, plan=dataclasses.replace(prepared.plan, changes=changes))

    def _send(self, entry: Entry, prepared: _Prepared) -> tuple[dict[str, Any], dict[str, Any]]:
        """Write once, against an object that is still the one that was shown.

        Returns:
            The object before and after.

        Raises:
            Conflict: It is not, or other writers never left a gap.
            Unreachable: The write was not carried out, or nobody can say.
        """
        conflict: Conflict | None = None
        for _ in range(WRITE_TRIES):
            live = self._guard(entry, prepared)
            try:
                return live, self._patch(prepared.found, live, prepared.edits)
            except Conflict as error:
                conflict = error
                continue
            except Unreachable as error:
                # The request may have arrived although its answer did not: the object itself knows.
                if not self._stands(prepared):
                    raise Unreachable(f"{error.message} Nothing was changed.", error.hint) from error
                return live, self._find(prepared.plan.target).object
        raise conflict or Conflict(f"{prepared.plan.target} is being written all the time.", _AGAIN)

    def _stands(self, prepared: _Prepared) -> bool:
        try:
            live = self._find(prepared.plan.target).object
        except ShipmateError as error:
            raise Unreachable(
                f"The cluster went silent while {prepared.plan.target} was written: it may or may not be changed.",
                "Look at the object when the cluster answers again.",
            ) from error
        return all(value_at(live, change.path) == change.new for change in prepared.plan.changes)

    def _patch(
        self, found: Found, live: dict[str, Any], edits: tuple[Edit, ...], *, dry_run: bool = False
    ) -> dict[str, Any]:
        operations = json_patch(live, edits)
        query = [("fieldManager", FIELD_MANAGER)]
        if dry_run:
            query.append(("dryRun", "All"))
        else:
            # A patch whose result carries an old resourceVersion is refused with 409: that is the guard.
            version = live["metadata"]["resourceVersion"]
            operations.insert(0, {"op": "replace", "path": "/metadata/resourceVersion", "value": version})
        path = found.kind.path(found.namespace, found.name)
        return self._connection.write("PATCH", path, operations, content_type=JSON_PATCH, query=query)

    def _see_through(self, prepared: _Prepared, reporter: Reporter) -> Change:
        """Watch what was applied to its end, and take it back when the end is bad."""
        rollout = None
        if prepared.found.kind.plural in ROLLOUTS and moves_pods(prepared.found.object, prepared.plan.changes):
            verdict = self._watcher.watch(prepared.found, self._timeout, Phase.WATCHING, reporter)
            rollout = verdict.rollout
            if verdict.interrupted:
                return self._end(prepared, Outcome.INTERRUPTED, UNWATCHED, rollout)
            if verdict.failure:
                return self._roll_back(prepared, reporter, verdict.failure, rollout)
        live = self._find(prepared.plan.target).object
        overruled = [c for c in prepared.plan.changes if value_at(live, c.path) != c.new]
        if overruled:
            # Not ours to take back: somebody wants it otherwise.
            return self._end(
                prepared, Outcome.FAILED, f"while it rolled out, {moved_on(live, overruled[0].path)}", rollout
            )
        return self._end(prepared, Outcome.VERIFIED, None, rollout)

    def _roll_back(self, prepared: _Prepared, reporter: Reporter, failure: str, seen: Rollout | None) -> Change:
        plan = prepared.plan
        reporter(Progress(Phase.ROLLING_BACK, f"rolling back: {failure}"))
        try:
            live = self._find(plan.target)
            for change in plan.changes:
                if value_at(live.object, change.path) != change.new:
                    raise Conflict(moved_on(live.object, change.path))
            self._patch(live, live.object, inverse(plan.changes))
            verdict = self._watcher.watch(live, self._timeout, Phase.ROLLING_BACK, reporter)
        except ShipmateError as error:
            return self._end(prepared, Outcome.FAILED, f"{failure}; the rollback did not work: {error.message}", seen)
        reason = failure
        if verdict.failure:
            reason += f"; what was there before is set again, and is not healthy either: {verdict.failure}"
        elif verdict.interrupted:
            reason += "; what was there before is set again, and nobody waited for its rollout"
        return self._end(prepared, Outcome.ROLLED_BACK, reason, verdict.rollout)

    def _end(self, prepared: _Prepared, outcome: Outcome, reason: str | None, rollout: Rollout | None) -> Change:
        self._journal.finish(prepared.change_id, outcome, reason)
        return Change(outcome, prepared.plan, prepared.change_id, reason, rollout)

    def _undoable(self, change_id: int | None) -> Entry:
        context = self._connection.context
        if change_id is None:
            entry = self._journal.last_reversible(context)
            if entry is None:
                raise NotFound(f"There is no change to undo in context {context!r}.", "`shipmate history` lists them.")
        else:
            entry = self._journal.get(change_id)
            if entry is None or entry.status == Outcome.PLANNED.value:
                raise NotFound(f"There is no change {change_id}.", "`shipmate history` lists them.")
        problem = _why_not_undoable(entry, context)
        if problem:
            raise UsageError(f"Change {entry.id} cannot be undone: {problem}.", "`shipmate history` lists the others.")
        return entry

    def _find(self, target: ObjectRef) -> Found:
        kind = self._kind(target)
        return Found(
            kind,
            target.namespace,
            target.name,
            self._connection.get_object(kind.path(target.namespace, target.name)),
        )

    def _kind(self, target: ObjectRef) -> Kind:
        group = target.api_version.rpartition("/")[0]
        return find_kind(self._connection, f"{target.resource}.{group}" if group else target.resource)


_AGAIN = "Nothing was changed. Ask again to see the change against what is there."


def _why_not_undoable(entry: Entry, context: str) -> str | None:
    if entry.plan.context != context:
        return f"it was made in context {entry.plan.context!r}, and this is {context!r}"
    if entry.undone_by is not None:
        return f"it was undone already, by change {entry.undone_by}"
    if entry.status not in {Outcome.VERIFIED.value, Outcome.INTERRUPTED.value}:
        return f"it ended as {entry.status.replace('_', ' ')}, so there is nothing to put back"
    if not entry.plan.reversible:
        return f"a {entry.plan.action.replace('_', ' ')} leaves nothing that could be put back"
    if not is_whole(entry):
        return "the earlier value is a secret, which the journal does not keep"
    return None

"""One object of a change: its dry run, its guarded write, and taking it back. Nothing else writes to a cluster."""

from __future__ import annotations

import dataclasses
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import Edit, added, compare, inverse, json_patch, value_at
from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Step, Verb
from mcp_tools.changes.recreating import recreatable
from mcp_tools.changes.warnings import moved_on
from mcp_tools.cluster.connection import APPLY_PATCH, JSON_PATCH
from mcp_tools.cluster.kinds import Kind, find_kind
from mcp_tools.cluster.resolve import Found
from mcp_tools.cluster.streams import CommandOutput, run_command
from mcp_tools.errors import ApiError, Conflict, NotFound, ShipmateError, Unreachable
from mcp_tools.redaction import MASK

if TYPE_CHECKING:
    from mcp_tools.changes.operations import Wanted
    from mcp_tools.cluster.connection import Connection

FIELD_MANAGER = "shipmate"
# The words of a refused apply: k8s.io/apimachinery, pkg/util/managedfields/internal/conflict.go.
_MANAGERS = re.compile(r'conflict with "([^"]*)"')
WRITE_TRIES = 5
"""Status updates of controllers race with a guarded write; real changes of others end it at once."""
GONE_SECONDS = 60.0
GONE_PAUSE = 0.2
EVICT_SECONDS = 60.0
EXEC_SECONDS = 60.0
EVICT_PAUSE = 1.0
TOO_MANY_REQUESTS = 429
AGAIN = "Nothing was changed. Ask again to see the change against what is there."


@dataclass(frozen=True, slots=True)
class Ready:
    """A step that can be carried out.

    Attributes:
        found: The object as it was read; its `object` is empty where it is to be made.
        edits: For a patch.
        body: For an apply.
        force: Take over fields that others manage; the plan said so.
        notes: What to know before saying yes.
        output: What a command gave, once it ran.
    """

    step: Step
    found: Found
    edits: tuple[Edit, ...] = ()
    body: dict[str, Any] | None = None
    force: bool = False
    notes: tuple[str, ...] = ()
    output: CommandOutput | None = None


class Writer:
    """Writes to one cluster. `stop` ends a wait from another thread."""

    def __init__(self, connection: Connection, stop: threading.Event) -> None:
        self._connection = connection
        self._stop = stop

    def prepare(self, wanted: Wanted, *, comes_with_plan: bool = False) -> Ready:
        """Dry-run what is wanted.

        Args:
            comes_with_plan: The object's namespace or kind is made by an earlier step, so that the server could only
                refuse a dry run.

        Raises:
            ShipmateError: The server refused it.
        """
        found = wanted.found
        ready = Ready(_step(wanted.verb, found), found, wanted.edits, wanted.body, notes=wanted.notes)
        if wanted.verb is Verb.DELETE:
            self._delete(ready, found.object, dry_run=True)
            return ready
        if wanted.verb is Verb.EVICT:
            return self._dry_evict(ready)
        if wanted.verb is Verb.EXEC:
            return ready
        if wanted.verb is Verb.PATCH:
            return self._dry_patch(ready)
        if not comes_with_plan:
            ready, dry = self._dry_apply(ready)
            if found.object:
                return _with_changes(ready, compare(found.object, dry))
        return _with_changes(ready, added(wanted.body or {}))

    def send(self, ready: Ready) -> Ready:
        """Write once, against an object that is still the one that was shown.

        Returns:
            The step with what it really changed: what the server chose (a node port) may not be what the dry run chose.

        Raises:
            Conflict: It is another object by now, or other writers never left a gap.
            Unreachable: The write was not carried out, or nobody can say.
            ShipmateError: The server refused it.
        """
        if ready.step.verb is Verb.EVICT:
            self._evict_in_time(ready)
            return ready
        if ready.step.verb is Verb.EXEC:
            return self._execute(ready)
        conflict: Conflict | None = None
        for _ in range(WRITE_TRIES):
            live = self._guard(ready)
            try:
                after = self._write(ready, live)
            except Conflict as error:
                conflict = error
                continue
            except Unreachable as error:
                # The request may have arrived although its answer did not: the object itself knows.
                after = self._arrived(ready, error)
            return self._carried_out(ready, live, after)
        raise conflict or Conflict(f"{ready.step.target} is being written all the time.", AGAIN)

    def take_back(self, ready: Ready) -> Found:
        """Undo a step that was sent, unless somebody else wrote to the object since.

        Returns:
            The object as it is after that; its `object` is empty where it is gone.

        Raises:
            Conflict: Somebody did, or other writers never left a gap.
            ShipmateError: The server refused it.
        """
        conflict: Conflict | None = None
        for _ in range(WRITE_TRIES):
            try:
                return self._take_back(ready)
            except Conflict as error:
                if not error.status:
                    raise  # our own word: somebody wants it otherwise
                conflict = error
        raise conflict or Conflict(f"{ready.step.target} is being written all the time.")

    def _take_back(self, ready: Ready) -> Found:
        step = ready.step
        if step.verb in {Verb.EVICT, Verb.EXEC}:
            # An evicted pod was made anew elsewhere, and what a command did cannot be known.
            return dataclasses.replace(ready.found, object={})
        if step.verb is Verb.DELETE:
            body = recreatable(ready.found.object)
            self._apply(ready.found, body, force=True)
            return self.find(step.target)
        live = self.find(step.target)
        if step.creates:
            self._delete(ready, live.object)
            return dataclasses.replace(live, object={})
        for change in step.changes:
            if value_at(live.object, change.path) != change.new:
                raise Conflict(moved_on(live.object, change.path))
        self._patch(live, live.object, inverse(step.changes))
        return live

    def wait_until_gone(self, ready: Ready) -> str | None:
        """Wait for a deletion to end; returns what holds it up, or None."""
        held: dict[str, Any] = {}
        for _ in range(int(GONE_SECONDS / GONE_PAUSE)):
            try:
                held = self.find(ready.step.target).object
            except NotFound:
                return None
            if held["metadata"]["uid"] != ready.step.uid:
                return None
            if self._stop.wait(GONE_PAUSE):
                return "it is being deleted, and nobody waited for the end"
        finalizers = held["metadata"].get("finalizers") or []
        by = f" its finalizers: {', '.join(finalizers)}; their controllers have to remove them" if finalizers else ""
        return f"it is being deleted and waits for{by or ' what it holds to end'}"

    def find(self, target: ObjectRef) -> Found:
        """The object as it is; errors as `Connection.get`."""
        kind = self._kind(target)
        path = kind.path(target.namespace, target.name)
        return Found(kind, target.namespace, target.name, self._connection.get_object(path))

    def look(self, target: ObjectRef) -> Found:
        """As `find`, with an empty `object` where there is none."""
        try:
            return self.find(target)
        except NotFound:
            return Found(self._kind(target), target.namespace, target.name, {})

    def _guard(self, ready: Ready) -> dict[str, Any]:
        """The live object to write to, if it is still the one the plan was shown for."""
        step = ready.step
        live = self.look(step.target).object
        if not live:
            if step.creates:
                return {}
            raise NotFound(f"{step.target} is gone since the plan was shown.", AGAIN)
        if step.creates:
            raise Conflict(f"{step.target} was made by somebody else since the plan was shown.", AGAIN)
        metadata = live["metadata"]
        if metadata["uid"] != step.uid:
            raise Conflict(f"{step.target} was deleted and made anew since the plan was shown.", AGAIN)
        if metadata["resourceVersion"] == step.resource_version:
            return live
        # A controller's status update moves the version too: what matters is that the shown fields are as shown.
        for change in step.changes:
            if value_at(live, change.path) != change.old:
                raise Conflict(f"{step.target} changed since the plan was shown: {moved_on(live, change.path)}.", AGAIN)
        if metadata.get("generation", 0) != step.generation:
            raise Conflict(f"The spec of {step.target} changed since the plan was shown.", AGAIN)
        return live

    def _write(self, ready: Ready, live: dict[str, Any]) -> dict[str, Any]:
        if ready.step.verb is Verb.DELETE:
            self._delete(ready, live)
            return {}
        if ready.step.verb is Verb.PATCH:
            return self._patch(ready.found, live, ready.edits)
        return self._apply(ready.found, ready.body or {}, force=ready.force, live=live)

    def _arrived(self, ready: Ready, error: Unreachable) -> dict[str, Any]:
        step = ready.step
        try:
            live = self.look(step.target).object
        except ShipmateError as silence:
            raise Unreachable(
                f"The cluster went silent while {step.target} was written: it may or may not be changed.",
                "Look at the object when the cluster answers again.",
            ) from silence
        if step.verb is Verb.DELETE:
            arrived = not live or "deletionTimestamp" in live["metadata"]
        else:
            arrived = bool(live) and all(value_at(live, change.path) == change.new for change in step.changes)
        if not arrived:
            raise Unreachable(f"{error.message} Nothing was changed.", error.hint) from error
        return live

    def _carried_out(self, ready: Ready, before: dict[str, Any], after: dict[str, Any]) -> Ready:
        if ready.step.verb is Verb.DELETE:
            return ready
        if ready.step.creates:
            # The fields that were given, in the form in which the server keeps them.
            kept = ((change.path, value_at(after, change.path)) for change in ready.step.changes)
            return _with_changes(ready, tuple(FieldChange(path, ABSENT, v) for path, v in kept if v is not ABSENT))
        return _with_changes(ready, compare(before, after))

    def _dry_patch(self, ready: Ready) -> Ready:
        """The diff of a patch against one and the same version: what others write meanwhile is not the plan's."""
        conflict: Conflict | None = None
        for _ in range(WRITE_TRIES):
            try:
                dry = self._patch(ready.found, ready.found.object, ready.edits, dry_run=True)
            except Conflict as error:
                conflict = error
                found = self.find(ready.step.target)
                ready = dataclasses.replace(ready, found=found, step=_step(ready.step.verb, found))
                continue
            return _with_changes(ready, compare(ready.found.object, dry))
        raise conflict or Conflict(f"{ready.step.target} is being written all the time.", AGAIN)

    def _dry_apply(self, ready: Ready) -> tuple[Ready, dict[str, Any]]:
        body = ready.body or {}
        try:
            return ready, self._apply(ready.found, body, dry_run=True)
        except Conflict as conflict:
            dry = self._apply(ready.found, body, dry_run=True, force=True)
            others = set(_MANAGERS.findall(conflict.message)) - {FIELD_MANAGER}
            note = f"{ready.found}: fields that {', '.join(sorted(others))} manages are taken over: {conflict.message}"
            return dataclasses.replace(ready, force=True, notes=(*ready.notes, *([note] if others else []))), dry

    def _patch(
        self, found: Found, live: dict[str, Any], edits: tuple[Edit, ...], *, dry_run: bool = False
    ) -> dict[str, Any]:
        # A patch whose result carries an old resourceVersion is refused with 409: that is the guard.
        version = live["metadata"]["resourceVersion"]
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
        operations = [guard, *json_patch(live, edits)]
        path = found.kind.path(found.namespace, found.name)
        query = _query(dry_run=dry_run)
        return self._connection.write("PATCH", path, operations, content_type=JSON_PATCH, query=query)

    def _apply(
        self,
        found: Found,
        body: dict[str, Any],
        *,
        dry_run: bool = False,
        force: bool = False,
        live: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        if live:
            version = live["metadata"]["resourceVersion"]
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
        query = [*_query(dry_run=dry_run), ("force", str(force).lower()), ("fieldValidation", "Strict")]
        path = found.kind.path(found.namespace, found.name)
        return self._connection.write("PATCH", path, body, content_type=APPLY_PATCH, query=query)

    def _delete(self, ready: Ready, live: dict[str, Any], *, dry_run: bool = False) -> None:
        metadata = live["metadata"]
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
        }
        if dry_run:
            options["dryRun"] = ["All"]
        found = ready.found
        self._connection.write("DELETE", found.kind.path(found.namespace, found.name), options)

    def _execute(self, ready: Ready) -> Ready:
        found, body = ready.found, ready.body or {}
        live = self.find(ready.step.target).object
        if live["metadata"]["uid"] != ready.step.uid:
            raise Conflict(f"{ready.step.target} was deleted and made anew since the plan was shown.", AGAIN)
        output = run_command(
            self._connection, found.namespace or "", found.name, body["container"], body["argv"], timeout=EXEC_SECONDS
        )
        return dataclasses.replace(ready, output=output)

    def _dry_evict(self, ready: Ready) -> Ready:
        try:
            self._evict(ready, dry_run=True)
        except ApiError as error:
            if error.status != TOO_MANY_REQUESTS:
                raise
            note = f"{ready.found}: {error.message.rstrip('.')}. It is asked again for {EVICT_SECONDS:.0f} s."
            return dataclasses.replace(ready, notes=(*ready.notes, note))
        return ready

    def _evict_in_time(self, ready: Ready) -> None:
        """Ask until the pod's disruption budget lets it go."""
        for _ in range(int(EVICT_SECONDS / EVICT_PAUSE)):
            try:
                self._evict(ready)
            except NotFound:
                return
            except ApiError as error:
                if error.status != TOO_MANY_REQUESTS:
                    raise
                refusal = error
            else:
                return
            if self._stop.wait(EVICT_PAUSE):
                break
        raise Conflict(
            f"{ready.found} may not be evicted: {refusal.message}", "Its PodDisruptionBudget has to allow it."
        )

    def _evict(self, ready: Ready, *, dry_run: bool = False) -> None:
        found = ready.found
        options: dict[str, Any] = {"preconditions": {"uid": ready.step.uid}}
        if dry_run:
            options["dryRun"] = ["All"]
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": found.name, "namespace": found.namespace},
            "deleteOptions": options,
        }
        self._connection.write("POST", found.kind.path(found.namespace, found.name, "eviction"), body)

    def _kind(self, target: ObjectRef) -> Kind:
        group = target.api_version.rpartition("/")[0]
        return find_kind(self._connection, f"{target.resource}.{group}" if group else target.resource)


def _step(verb: Verb, found: Found) -> Step:
    metadata = found.object.get("metadata") or {}
    version, uid = metadata.get("resourceVersion", ""), metadata.get("uid", "")
    return Step(verb, reference(found), (), version, uid, metadata.get("generation", 0))


def reference(found: Found) -> ObjectRef:
    """The object as a plan names it."""
    return ObjectRef(found.kind.api_version, found.kind.name, found.kind.plural, found.name, found.namespace)


def overruled(step: Step, live: dict[str, Any]) -> str | None:
    """What somebody else set otherwise since the step was sent, as a clause; None where it stands."""
    if step.takes_away:
        return None
    for change in step.changes:
        masked = step.creates and change.new == MASK
        if not masked and value_at(live, change.path) != change.new:
            return moved_on(live, change.path)
    return None


def _query(*, dry_run: bool) -> list[tuple[str, Any]]:
    query: list[tuple[str, Any]] = [("fieldManager", FIELD_MANAGER)]
    return [*query, ("dryRun", "All")] if dry_run else query


def _with_changes(ready: Ready, changes: tuple[Any, ...]) -> Ready:
    return dataclasses.replace(ready, step=dataclasses.replace(ready.step, changes=changes))

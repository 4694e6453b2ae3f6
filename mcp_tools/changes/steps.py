"""One object of a change: its dry run, its guarded write, and taking it back. Nothing else writes to a cluster."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.copying import changes as file_changes
from mcp_tools.changes.debugging import SUBRESOURCE, wait_for_end
from mcp_tools.changes.diff import Edit, added, compare, inverse, json_patch, value_at
from mcp_tools.changes.evicting import dry_evict, evict
from mcp_tools.changes.inside import carry_out
from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Step, Verb
from mcp_tools.changes.recreating import recreatable
from mcp_tools.changes.standing import FIELD_MANAGER, is_back, is_ours, is_trouble, stands
from mcp_tools.changes.unblocking import unblock
from mcp_tools.changes.warnings import moved_on
from mcp_tools.cluster.connection import APPLY_PATCH, JSON_PATCH
from mcp_tools.cluster.kinds import Kind, find_kind
from mcp_tools.cluster.resolve import Found
from mcp_tools.errors import ApiError, Conflict, NotFound, ShipmateError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.model import Reporter
    from mcp_tools.changes.operations import Wanted
    from mcp_tools.changes.watch import Verdict
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.streams import CommandOutput
    from mcp_tools.helm.command import Running

# The words of a refused apply: k8s.io/apimachinery, pkg/util/managedfields/internal/conflict.go.
_MANAGERS = re.compile(r'conflict with "([^"]*)"')
WRITE_TRIES = 5
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 1.0
API_SECONDS = 30.0
"""How long the API server may be gone while something is taken back."""
"""Status updates of controllers race with a guarded write; real changes of others end it at once."""
GONE_SECONDS = 60.0
GONE_PAUSE = 0.2
RELEASE_SECONDS = 300.0
RELEASES = "releases"
"""The resource that stands for Helm's releases, which no API server serves."""
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
        running: The `helm` that changes a release, once it was started.
    """

    step: Step
    found: Found
    edits: tuple[Edit, ...] = ()
    body: dict[str, Any] | None = None
    force: bool = False
    notes: tuple[str, ...] = ()
    output: CommandOutput | None = None
    running: Running | None = None


class InDoubt(Unreachable):
    """The cluster went silent in the middle of a write: nobody can say yet whether it was carried out."""

    code = "in_doubt"


class Writer:
    """Writes to one cluster. `stop` ends a wait from another thread; `timeout` is Helm's, in seconds."""

    def __init__(self, connection: Connection, stop: threading.Event, timeout: float = RELEASE_SECONDS) -> None:
        self._connection = connection
        self._stop = stop
        self._timeout = timeout

    def prepare(self, wanted: Wanted, *, comes_with_plan: bool = False) -> Ready:
        """Dry-run what is wanted.

        Args:
            comes_with_plan: The object's namespace or kind is made by an earlier step, so that the server could only
                refuse a dry run.

        Raises:
            ShipmateError: The server refused it.
        """
        found = wanted.found
        step = dataclasses.replace(_step(wanted.verb, found, wanted.stage), in_release=wanted.in_release)
        ready = Ready(step, found, wanted.edits, wanted.body, notes=wanted.notes)
        if wanted.changes is not None:
            return _with_changes(ready, wanted.changes)
        if wanted.verb is Verb.DELETE:
            return self._dry_delete(ready)
        if wanted.verb is Verb.EVICT:
            note = dry_evict(self._connection, ready.found, ready.step.uid)
            return dataclasses.replace(ready, notes=(*ready.notes, *note))
        if wanted.verb is Verb.EXEC:
            return ready
        if wanted.verb in {Verb.COPY_IN, Verb.COPY_OUT}:
            return _with_changes(ready, file_changes(wanted.verb, wanted.body or {}))
        if wanted.verb in {Verb.PATCH, Verb.DEBUG}:
            return self._dry_patch(ready)
        if not comes_with_plan:
            ready, dry = self._dry_apply(ready)
            if found.object:
                return _with_changes(ready, compare(found.object, dry))
        # What Helm writes need not be kept here, too.
        ready = dataclasses.replace(ready, body=None) if wanted.in_release else ready
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
        if ready.step.in_release:
            return ready
        if ready.step.verb is Verb.RELEASE:
            return self._release(ready)
        if ready.step.verb is Verb.EVICT:
            evict(self._connection, ready.found, ready.step.uid, self._stop)
            return ready
        if ready.step.inside:
            return self._inside(ready)
        return self._write_guarded(ready)

    def _write_guarded(self, ready: Ready) -> Ready:
        failure: ShipmateError | None = None
        live, pause = ready.found.object, FIRST_PAUSE
        for _ in range(WRITE_TRIES):
            try:
                live = self._guard(ready)
            except ShipmateError:
                # Our own write before, whose answer was lost, may be what stands in the way.
                lost = self._arrived(ready) if failure and is_trouble(failure) else None
                if lost is None:
                    raise
                return self._carried_out(ready, live, lost)
            try:
                after = self._write(ready, live)
            except Conflict as error:
                failure = error
                continue
            except (Unreachable, ApiError) as error:
                if not is_trouble(error):
                    raise
                failure = error
                # The request may have arrived although its answer did not: the object itself knows.
                lost = self._arrived(ready)
                if lost is not None:
                    return self._carried_out(ready, live, lost)
                # It can be sent again: its guard lets one of the two through.
                if self._stop.wait(pause):
                    break
                pause *= 2
            else:
                return self._carried_out(ready, live, after)
        if failure and is_trouble(failure):
            failure.message += " Nothing was changed."
        raise failure or Conflict(f"{ready.step.target} is being written all the time.", AGAIN)

    def take_back(self, ready: Ready) -> Found:
        """Undo a step that was sent, unless somebody else wrote to the object since.

        Returns:
            The object as it is after that; its `object` is empty where it is gone.

        Raises:
            Conflict: Somebody did, or other writers never left a gap.
            ShipmateError: The server refused it.
        """
        conflicts = 0
        lost_at: float | None = None
        while True:
            try:
                by_helm = ready.step.in_release or ready.step.verb is Verb.RELEASE
                return self._take_back_release(ready) if by_helm else self._take_back(ready)
            except Conflict as error:
                conflicts += 1
                if not error.status or conflicts == WRITE_TRIES:
                    raise  # our own word: somebody wants it otherwise; or others write all the time
            except (Unreachable, ApiError) as error:
                now = time.monotonic()
                lost_at = lost_at or now
                if not is_trouble(error) or now - lost_at > API_SECONDS:
                    raise
                time.sleep(LONGEST_PAUSE)

    def _take_back(self, ready: Ready) -> Found:
        step = ready.step
        if step.verb in {Verb.EVICT, Verb.DEBUG} or step.inside:
            # An evicted pod was made anew elsewhere, and what a command did cannot be known.
            return dataclasses.replace(ready.found, object={})
        live = self.look(step.target)
        if step.verb is Verb.DELETE:
            body = recreatable(ready.found.object)
            if not live.object:
                self._apply(ready.found, body)
            elif not is_ours(live.object):
                raise Conflict(f"{step.target} was made by somebody else meanwhile")
            return self.find(step.target)
        if step.creates:
            if live.object:
                self._delete(ready, live.object)
            return dataclasses.replace(live, object={})
        if not live.object:
            raise Conflict(f"{step.target} was deleted by somebody else")
        if is_back(step, live.object):
            # An earlier try got through, and its answer was lost.
            return live
        for change in step.changes:
            if value_at(live.object, change.path) != change.new:
                raise Conflict(moved_on(live.object, change.path))
        self._patch(dataclasses.replace(ready, found=live, edits=inverse(step.changes)), live.object)
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
        if target.resource == RELEASES:
            return self.look(target)
        kind = self._kind(target)
        path = kind.path(target.namespace, target.name)
        return Found(kind, target.namespace, target.name, self._connection.get_object(path))

    def look(self, target: ObjectRef) -> Found:
        """As `find`, with an empty `object` where there is none."""
        if target.resource == RELEASES:
            from mcp_tools.helm.releases import look

            return look(self._connection, target)
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
        if metadata.get("generation", 0) != step.generation and _spec_moved(ready, live):
            raise Conflict(f"The spec of {step.target} changed since the plan was shown.", AGAIN)
        return live

    def _write(self, ready: Ready, live: dict[str, Any]) -> dict[str, Any]:
        if ready.step.verb is Verb.DELETE:
            self._delete(ready, live)
            return {}
        if ready.step.verb in {Verb.PATCH, Verb.DEBUG}:
            return self._patch(ready, live)
        return self._apply(ready.found, ready.body or {}, force=ready.force, live=live)

    def _arrived(self, ready: Ready) -> dict[str, Any] | None:
        """The object, if a write whose answer was lost came through; None if it did not.

        Raises:
            InDoubt: The cluster does not answer.
        """
        target = ready.step.target
        try:
            live = self.look(target).object
        except ShipmateError as silence:
            raise InDoubt(
                f"The cluster went silent while {target} was written: it may or may not be changed.",
                "Shipmate looks how it ended when it is used next and the cluster answers.",
            ) from silence
        return live if stands(ready.step, live) else None

    def _carried_out(self, ready: Ready, before: dict[str, Any], after: dict[str, Any]) -> Ready:
        if ready.step.verb is Verb.DELETE:
            return ready
        if ready.step.verb is Verb.DEBUG:
            output = wait_for_end(self._connection, ready.found, (ready.body or {})["name"], self._stop)
            ready = dataclasses.replace(ready, output=output)
        if ready.step.creates:
            # The fields that were given, in the form in which the server keeps them.
            kept = ((change.path, value_at(after, change.path)) for change in ready.step.changes)
            return _with_changes(ready, tuple(FieldChange(path, ABSENT, v) for path, v in kept if v is not ABSENT))
        return _with_changes(ready, compare(before, after))

    def _dry_patch(self, ready: Ready) -> Ready:
        """The diff of a patch against one and the same version: what others write meanwhile is not the plan's."""

        def dry(ready: Ready) -> Ready:
            after = self._patch(ready, ready.found.object, dry_run=True)
            return _with_changes(ready, compare(ready.found.object, after))

        return self._dry(ready, dry)

    def _dry_delete(self, ready: Ready) -> Ready:
        def dry(ready: Ready) -> Ready:
            self._delete(ready, ready.found.object, dry_run=True)
            return ready

        return self._dry(ready, dry)

    def _dry(self, ready: Ready, dry: Callable[[Ready], Ready]) -> Ready:
        """A dry run against a version that nobody replaces meanwhile; controllers write the status all the time."""
        conflict: Conflict | None = None
        for _ in range(WRITE_TRIES):
            try:
                return dry(ready)
            except Conflict as error:
                conflict = error
                found = self.find(ready.step.target)
                ready = dataclasses.replace(ready, found=found, step=_step(ready.step.verb, found, ready.step.stage))
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

    def _patch(self, ready: Ready, live: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        # A patch whose result carries an old resourceVersion is refused with 409: that is the guard.
        version = live["metadata"]["resourceVersion"]
        guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
        operations = [guard, *json_patch(live, ready.edits)]
        found = ready.found
        part = SUBRESOURCE if ready.step.verb is Verb.DEBUG else None
        path = found.kind.path(found.namespace, found.name, part)
        query = _query(dry_run=dry_run)
        return self._connection.write(
            "PATCH", path, operations, content_type=JSON_PATCH, query=query, repeatable=dry_run
        )

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
        return self._connection.write("PATCH", path, body, content_type=APPLY_PATCH, query=query, repeatable=dry_run)

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
        self._connection.write("DELETE", found.kind.path(found.namespace, found.name), options, repeatable=dry_run)

    def unblock(self, found: Found, waited: float) -> tuple[str, ...]:
        """Delete the pods that a StatefulSet's rollout waits for in vain; as `unblocking.unblock`."""
        return unblock(self._connection, found, waited)

    def release_back(self, found: Found, body: dict[str, Any], title: str) -> tuple[Wanted, ...]:
        """The parts that undo what was done to a release; errors as `mcp_tools.helm.changing.put_back`."""
        from mcp_tools.helm.changing import put_back

        return put_back(self._connection, found, body, title)

    def release_end(self, stage: list[Ready], reporter: Reporter) -> Verdict | None:
        """Wait for the `helm` among the steps of a stage; None where there is none."""
        running = next((ready.running for ready in stage if ready.running), None)
        if running is None:
            return None
        from mcp_tools.helm.running import watch

        return watch(self._connection, running, stage, self._stop, reporter)

    def _release(self, ready: Ready) -> Ready:
        from mcp_tools.helm.running import start

        live = self.look(ready.step.target)
        return dataclasses.replace(ready, running=start(self._connection, live, ready.body or {}, self._timeout))

    def _take_back_release(self, ready: Ready) -> Found:
        """Have Helm take a release back; what it does with one of its objects is waited for, unless it goes."""
        if ready.step.in_release:
            return dataclasses.replace(ready.found, object={}) if ready.step.creates else self.look(ready.step.target)
        from mcp_tools.helm.running import take_back

        take_back(self._connection, self.look(ready.step.target), ready.body or {}, ready.running)
        return dataclasses.replace(ready.found, object={})

    def _inside(self, ready: Ready) -> Ready:
        live = self.find(ready.step.target).object
        if live["metadata"]["uid"] != ready.step.uid:
            raise Conflict(f"{ready.step.target} was deleted and made anew since the plan was shown.", AGAIN)
        return carry_out(self._connection, ready)

    def _kind(self, target: ObjectRef) -> Kind:
        group = target.api_version.rpartition("/")[0]
        return find_kind(self._connection, f"{target.resource}.{group}" if group else target.resource)


def _spec_moved(ready: Ready, live: dict[str, Any]) -> bool:
    """Whether a new generation is one of the spec: a Deployment's counts writes to its annotations, too."""
    shown = ready.found.object
    if (shown.get("metadata") or {}).get("resourceVersion") != ready.step.resource_version:
        # Of a plan that was kept for later, the number is all that is known.
        return True
    return bool(shown.get("spec") != live.get("spec"))


def _step(verb: Verb, found: Found, stage: int) -> Step:
    metadata = found.object.get("metadata") or {}
    version, uid = metadata.get("resourceVersion", ""), metadata.get("uid", "")
    return Step(verb, reference(found), (), version, uid, metadata.get("generation", 0), stage)


def reference(found: Found) -> ObjectRef:
    """The object as a plan names it."""
    return ObjectRef(found.kind.api_version, found.kind.name, found.kind.plural, found.name, found.namespace)


def _query(*, dry_run: bool) -> list[tuple[str, Any]]:
    query: list[tuple[str, Any]] = [("fieldManager", FIELD_MANAGER)]
    return [*query, ("dryRun", "All")] if dry_run else query


def _with_changes(ready: Ready, changes: tuple[Any, ...]) -> Ready:
    return dataclasses.replace(ready, step=dataclasses.replace(ready.step, changes=changes))

"""The rules of writing: every change, of a client or a controller, passes here on its way into the store."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.clock import Clock, rfc3339
from mcp_tools.sandbox.objects import admission, defaults, ownership, validation
from mcp_tools.sandbox.objects.errors import Refused, already_exists, bad_request, conflict, not_found
from mcp_tools.sandbox.objects.names import generate
from mcp_tools.sandbox.objects.ownership import Writer
from mcp_tools.sandbox.objects.schema import ANY, Shape, complete, shape_of
from mcp_tools.sandbox.objects.store import clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.kinds import Kind, Kinds
    from mcp_tools.sandbox.objects.store import Object, Store

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_SYSTEM_FIELDS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a write is meant.

    Attributes:
        manager: The field manager.
        dry_run: Say what would be, and store nothing.
        force: Server-side apply takes over what others own.
        subresource: `status`, `scale`, or empty for the object itself.
        warnings: Receives what admission has to say to the client.
    """

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False
    subresource: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a deletion is meant (`metav1.DeleteOptions`); `None` is the kind's own default."""

    grace_seconds: int | None = None
    propagation: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


class Registry:
    """Creates, changes and deletes objects as the API server does.

    Args:
        store: Where they are kept.
        clock: For their times.
        kinds: Which there are.
        seed: For generated names; tests give one, so that a run can be repeated.
        ca: The server's certificate authority, PEM, which every namespace gets.
    """

    def __init__(self, store: Store, clock: Clock, kinds: Kinds, seed: int | None = None, ca: str = "") -> None:
        self.store = store
        self.clock = clock
        self.kinds = kinds
        self.ca = ca
        self.random = random.Random(seed)  # noqa: S311  names, no secrets

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        """The object; it must not be changed.

        Raises:
            Refused: 404.
        """
        found = self.store.get(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def create(self, kind: Kind, obj: Object, options: WriteOptions = WriteOptions()) -> Object:
        """Store a new object.

        Args:
            kind: Of the object.
            obj: As decoded; is not changed.
            options: `subresource` is not looked at.

        Raises:
            Refused: 403, 404, 409 or 422.
        """
        new = clone(obj)
        new = {"kind": kind.name, "apiVersion": kind.api_version, **new}
        meta = new["metadata"] = dict(new.get("metadata") or {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = generate(meta["generateName"], self.random)
        for system in (*_SYSTEM_FIELDS, "resourceVersion", "managedFields", "selfLink"):
            meta.pop(system, None)
        meta["uid"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        meta["creationTimestamp"] = rfc3339(self.clock.now())
        if kind.generation:
            meta["generation"] = 1
        if "status" in kind.subresources and kind.name != "Node":
            new.pop("status", None)
        meta.setdefault("name", "")
        self._complete(kind, new)
        # Recorded here: what admission adds and what is allocated belongs to nobody.
        self._record(kind, None, new, options)
        admission.admit_create(self, kind, new)
        validation.check(kind, new, None)
        options.warnings.extend(admission.admit_valid(self, kind, new))
        if self.store.get(kind, meta.get("namespace", ""), meta["name"]) is not None:
            raise already_exists(kind, meta["name"])
        admission.allocate(self, kind, new)
        return new if options.dry_run else self.store.put(kind, new)

    def update(self, kind: Kind, namespace: str, name: str, obj: Object, options: WriteOptions) -> Object:
        """Replace an object, or its status.

        A `resourceVersion` in the new object must be the current one.

        Raises:
            Refused: 400, 404, 409 or 422.
        """
        return self._replace(kind, self.get(kind, namespace, name), obj, options)

    def modify(
        self, kind: Kind, namespace: str, name: str, change: Callable[[Object], Object | None], options: WriteOptions
    ) -> Object:
        """Read, change and write in one step.

        Args:
            kind: Of the object.
            namespace: Of the object.
            name: Of the object.
            change: Gets a copy of its own, changes it or returns another.
            options: How it is meant.

        Raises:
            Refused: As `update`.
        """
        old = self.get(kind, namespace, name)
        draft = clone(old)
        return self._replace(kind, old, change(draft) or draft, options)

    def apply(
        self, kind: Kind, namespace: str, name: str, config: Object, options: WriteOptions
    ) -> tuple[Object, bool]:
        """Server-side apply.

        Returns:
            The object, and whether it was created.

        Raises:
            Refused: As `create` and `update`; 409 also for field conflicts.
        """
        old = self.store.get(kind, namespace, name)
        now = rfc3339(self.clock.now())
        writer = Writer(options.manager, "Apply", kind.api_version, options.subresource)
        if (config.get("metadata") or {}).get("managedFields"):
            raise bad_request("metadata.managedFields must be nil")
        config = {**config, "metadata": dict(config.get("metadata") or {})}
        config["metadata"].pop("resourceVersion", None)
        if old is None:
            if options.subresource:
                raise not_found(kind, name)
            empty: Object = {"metadata": {}}
            merged = ownership.apply(self.shape(kind), empty, config, writer, force=True, time=now)
            owners = merged["metadata"].get("managedFields")
            return self._create_applied(kind, merged, owners, options), True
        merged = ownership.apply(self.shape(kind), clone(old), clone(config), writer, force=options.force, time=now)
        return self._replace(kind, old, merged, options, applied=True), False

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions) -> tuple[Object, bool]:
        """Delete an object, or mark it to be deleted when its finalizers or its grace period hold it.

        Returns:
            The object, and whether it is gone.

        Raises:
            Refused: 403, 404 or 409.
        """
        old = self.get(kind, namespace, name)
        admission.admit_delete(kind, old)
        _preconditions(kind, old, options)
        draft = clone(old)
        meta = draft["metadata"]
        finalizers = _finalizers(kind, meta, options)
        grace = _grace(kind, old, options)
        held = bool(finalizers) or grace > 0 or bool((draft.get("spec") or {}).get("finalizers"))
        if not held:
            return (old, True) if options.dry_run else (self.store.remove(kind, namespace, name), True)
        if finalizers:
            meta["finalizers"] = finalizers
        else:
            meta.pop("finalizers", None)
        if "deletionTimestamp" not in meta:
            if kind.generation:
                meta["generation"] = meta.get("generation", 0) + 1
            meta["deletionTimestamp"] = rfc3339(self.clock.now() + grace)
        elif grace < meta.get("deletionGracePeriodSeconds", 0):
            meta["deletionTimestamp"] = rfc3339(self.clock.now() + grace)
        meta["deletionGracePeriodSeconds"] = min(grace, meta.get("deletionGracePeriodSeconds", grace))
        if kind.name == "Namespace":
            draft["status"] = {**(draft.get("status") or {}), "phase": "Terminating"}
        if draft == old or options.dry_run:
            return draft, False
        return self.store.put(kind, draft), False

    def shape(self, kind: Kind) -> Shape:
        """How the objects of a kind are merged."""
        return kind.custom.shape if kind.custom else shape_of(kind.gvk) or ANY

    def _complete(self, kind: Kind, obj: Object, subresource: str = "") -> None:
        if kind.custom:
            kind.custom.fill(obj)
            return
        complete(self.shape(kind), obj)
        if not subresource:
            defaults.fill(kind, obj)

    def _create_applied(self, kind: Kind, merged: Object, owners: Any, options: WriteOptions) -> Object:
        created = self.create(kind, merged, replace(options, dry_run=True))
        created["metadata"]["managedFields"] = owners
        return created if options.dry_run else self.store.put(kind, created)

    def _replace(self, kind: Kind, old: Object, obj: Object, options: WriteOptions, *, applied: bool = False) -> Object:
        before = old["metadata"]
        new = clone(obj)
        _same_object(kind, before, new.get("metadata") or {})
        new = {**new, "kind": old.get("kind", kind.name), "apiVersion": old.get("apiVersion", kind.api_version)}
        if options.subresource == "status":
            sent = new.get("metadata") or {}
            # Of the metadata a status update may change the annotations, as the deployment controller does.
            kept = {key: sent[key] for key in ("annotations", "managedFields") if key in sent}
            new = {**old, "status": new.get("status") or {}, "metadata": {**before, **kept}}
        elif "status" in kind.subresources:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        meta = new["metadata"] = dict(new["metadata"])
        for system in (*_SYSTEM_FIELDS, "resourceVersion"):
            meta.pop(system, None)
            if system in before:
                meta[system] = before[system]
        meta["name"] = before["name"]
        self._complete(kind, new, subresource=options.subresource)
        if not options.subresource:
            admission.admit_update(self, kind, new, old)
        self._judge(kind, new, old, options)
        if kind.generation and new.get("spec") != old.get("spec"):
            meta["generation"] = before.get("generation", 0) + 1
        if not applied:
            self._record(kind, old, new, options)
        if new == old:
            return old
        if options.dry_run:
            return new
        if meta.get("deletionTimestamp") and _released(new):
            self.store.put(kind, new)
            return self.store.remove(kind, meta.get("namespace", ""), meta["name"])
        return self.store.put(kind, new)

    def _judge(self, kind: Kind, new: Object, old: Object, options: WriteOptions) -> None:
        validation.check(kind, new, old)
        if not options.subresource and new != old:
            options.warnings.extend(admission.admit_valid(self, kind, new, old))

    def _record(self, kind: Kind, old: Object | None, new: Object, options: WriteOptions) -> None:
        writer = Writer(options.manager, "Update", kind.api_version, options.subresource)
        if old is not None and "managedFields" not in new["metadata"] and "managedFields" in old["metadata"]:
            new["metadata"]["managedFields"] = old["metadata"]["managedFields"]
        ownership.record_update(self.shape(kind), old, new, writer, rfc3339(self.clock.now()))


def _same_object(kind: Kind, before: Object, meta: Object) -> None:
    version = meta.get("resourceVersion")
    if version and version != before["resourceVersion"]:
        if not str(version).isdecimal():
            raise bad_request(f'strconv.ParseUint: parsing "{str(version)[:60]}": invalid syntax')
        raise conflict(kind, before["name"])
    uid = meta.get("uid")
    if uid and uid != before["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {before['uid']}"
        raise conflict(kind, before["name"], why)


def _preconditions(kind: Kind, old: Object, options: DeleteOptions) -> None:
    meta = old["metadata"]
    why = ""
    if options.uid and options.uid != meta["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
    elif options.resource_version and options.resource_version != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({meta['resourceVersion']}). The object might have been modified"
        )
    if why:
        refusal = conflict(kind, meta["name"], why)
        # Here the API server names the kind where it else names the resource.
        refusal.message = refusal.message.replace(kind.resource, kind.qualified, 1)
        refusal.details = {**(refusal.details or {}), "kind": kind.name}
        raise refusal


def _finalizers(kind: Kind, meta: Object, options: DeleteOptions) -> list[str]:
    propagation = options.propagation or ("Orphan" if kind.qualified == "Job.batch" else "Background")
    kept = [name for name in meta.get("finalizers") or () if name not in {"orphan", "foregroundDeletion"}]
    if options.propagation is None and meta.get("deletionTimestamp"):
        return list(meta.get("finalizers") or ())
    if kind.name == "CustomResourceDefinition" and CLEANUP not in kept:
        kept.append(CLEANUP)
    if propagation == "Orphan":
        return [*kept, "orphan"]
    if propagation == "Foreground":
        return [*kept, "foregroundDeletion"]
    return kept


def _grace(kind: Kind, old: Object, options: DeleteOptions) -> int:
    if kind.qualified != "Pod":
        return 0
    spec, status = old.get("spec") or {}, old.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in {"Succeeded", "Failed"}:
        return 0
    if options.grace_seconds is not None:
        return max(0, options.grace_seconds)
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _released(obj: Object) -> bool:
    meta = obj["metadata"]
    return (
        not meta.get("finalizers")
        and not (obj.get("spec") or {}).get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
    )


def raise_for_namespace(sent: str, path: str) -> None:
    """Refuse (400) an object whose namespace is not the one of the path."""
    if sent and sent != path:
        raise Refused(
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        )

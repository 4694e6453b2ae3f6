"""The rules of writing: every change, of a client or a controller, passes here on its way into the store."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access import escalation
from mcp_tools.sandbox.clock import Clock, rfc3339
from mcp_tools.sandbox.objects import (
    admission,
    advice,
    certificates,
    defaults,
    deletion,
    ownership,
    podupdates,
    validation,
    versions,
)
from mcp_tools.sandbox.objects.errors import Refused, already_exists, bad_request, conflict, failure, not_found
from mcp_tools.sandbox.objects.names import generate
from mcp_tools.sandbox.objects.ownership import Writer
from mcp_tools.sandbox.objects.schema import ANY, Shape, complete, shape_of
from mcp_tools.sandbox.objects.store import clone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp_tools.sandbox.access.users import User
    from mcp_tools.sandbox.objects.deletion import DeleteOptions
    from mcp_tools.sandbox.objects.kinds import Kind, Kinds
    from mcp_tools.sandbox.objects.store import Object, Store

_STATUS_TAKEN = frozenset({"Node", "ServiceCIDR"})  # also of what is no update of the status
_SYSTEM_FIELDS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a write is meant.

    Attributes:
        manager: The field manager.
        dry_run: Say what would be, and store nothing.
        force: Server-side apply takes over what others own.
        subresource: `status`, `scale`, or empty for the object itself.
        user: Who writes; `None` for the control plane itself, which may grant anything.
        warnings: Receives what admission has to say to the client.
        replies: What webhooks answered to this request, by call.
    """

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False
    subresource: str = ""
    user: User | None = None
    warnings: list[str] = field(default_factory=list)
    replies: Mapping[str, Any] = field(default_factory=dict)


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
        new = {"kind": kind.name, "apiVersion": self.kinds.stored(kind).api_version, **new}
        meta = new["metadata"] = dict(new.get("metadata") or {})
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = generate(meta["generateName"], self.random)
        for system in (*_SYSTEM_FIELDS, "resourceVersion", "managedFields", "selfLink"):
            meta.pop(system, None)
        meta["uid"] = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        meta["creationTimestamp"] = rfc3339(self.clock.now())
        if kind.generation:
            meta["generation"] = 1
        if "status" in kind.subresources and kind.name not in _STATUS_TAKEN:
            new.pop("status", None)
        meta.setdefault("name", "")
        self.complete(kind, new)
        # Recorded here: what admission adds and what is allocated belongs to nobody.
        self.record(kind, None, new, options)
        admission.admit_create(self, kind, new, options)
        if options.user is not None:
            escalation.confirm(self, kind, new, None, options.user)
        validation.check(kind, new, None)
        options.warnings.extend(advice.warnings_of(kind, new, obj, created=True))
        options.warnings.extend(admission.admit_valid(self, kind, new, None, options))
        if self.store.get(kind, meta.get("namespace", ""), meta["name"]) is not None:
            raise already_exists(kind, meta["name"])
        admission.allocate(self, kind, new)
        if options.dry_run:
            return new
        self._lay_down(kind, new)
        return self.store.put(kind, new)

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
            merged = versions.accept(
                kind, ownership.apply(self.shape(kind), empty, config, writer, force=True, time=now)
            )
            owners = merged["metadata"].get("managedFields")
            return self._create_applied(kind, merged, owners, options), True
        live = versions.present(kind, clone(old))
        merged = ownership.apply(self.shape(kind), live, clone(config), writer, force=options.force, time=now)
        return self._replace(kind, old, versions.accept(kind, merged), options, applied=True), False

    def delete(self, kind: Kind, namespace: str, name: str, options: DeleteOptions) -> tuple[Object, bool]:
        """Delete an object, or mark it to be deleted when its finalizers or its grace period hold it.

        Returns:
            The object, and whether it is gone.

        Raises:
            Refused: 403, 404 or 409.
        """
        old = self.get(kind, namespace, name)
        admission.admit_delete(self, kind, old, options)
        deletion.preconditions(kind, old, options)
        draft = clone(old)
        meta = draft["metadata"]
        finalizers = deletion.finalizers(kind, meta, options)
        grace = deletion.grace(kind, old, options)
        held = bool(finalizers) or grace > 0 or bool((draft.get("spec") or {}).get("finalizers"))
        if not held:
            last = deletion.last_form(kind, old, rfc3339(self.clock.now()))
            if options.dry_run:
                return last, True
            removed = self.store.remove(kind, namespace, name)
            return (removed if last is old else last), True
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
        """How the objects of a kind are merged, in its own version."""
        return kind.custom.shape if kind.custom else shape_of(kind.gvk) or ANY

    def complete(self, kind: Kind, obj: Object, subresource: str = "") -> None:
        """Fill in what a kind's objects have by default, in place."""
        if kind.custom:
            kind.custom.fill(obj)
            return
        complete(self.shape(self.kinds.stored(kind)), obj)
        if not subresource or subresource in podupdates.SUBRESOURCES:
            defaults.fill(kind, obj)
        elif kind.qualified == "Pod":
            defaults.fill_conditions(obj)

    def _create_applied(self, kind: Kind, merged: Object, owners: Any, options: WriteOptions) -> Object:
        created = self.create(kind, merged, replace(options, dry_run=True))
        if owners:
            created["metadata"]["managedFields"] = owners
        else:
            created["metadata"].pop("managedFields", None)
        if options.dry_run:
            return created
        self._lay_down(kind, created)
        return self.store.put(kind, created)

    def _lay_down(self, kind: Kind, new: Object) -> None:
        """What the version that is stored has by default, which its other versions do not know."""
        if kind.stored_as:
            defaults.fill(self.kinds.stored(kind), new)

    def _replace(self, kind: Kind, old: Object, obj: Object, options: WriteOptions, *, applied: bool = False) -> Object:
        before = old["metadata"]
        new = clone(obj)
        _same_object(kind, before, new.get("metadata") or {})
        new = {**new, "kind": old.get("kind", kind.name), "apiVersion": old.get("apiVersion", kind.api_version)}
        below = kind.qualified == "Pod" and options.subresource in podupdates.SUBRESOURCES
        owners = self._owners_below(kind, old, new, options, applied=applied) if below else None
        new = self._narrowed(kind, old, new, options.subresource)
        meta = new["metadata"]
        if owners is not None:
            meta["managedFields"] = owners
        self.complete(kind, new, subresource=options.subresource)
        if not options.subresource:
            admission.admit_update(self, kind, new, old, options)
        if options.user is not None:
            escalation.confirm(self, kind, new, old, options.user)
        self._judge(kind, new, old, options)
        if kind.generation and _counts(kind, old, new, options.subresource):
            meta["generation"] = before.get("generation", 0) + 1
        if not applied and not below:
            self.record(kind, old, new, options)
        if not options.subresource:
            # After the record: what is allocated belongs to nobody.
            admission.allocate_more(self, kind, new)
        if not options.dry_run:
            self._lay_down(kind, new)
        if new == old:
            return old
        if options.dry_run:
            return new
        if meta.get("deletionTimestamp") and deletion.released(new):
            self.store.put(kind, new)
            return self.store.remove(kind, meta.get("namespace", ""), meta["name"])
        return self.store.put(kind, new)

    def _narrowed(self, kind: Kind, old: Object, new: Object, subresource: str) -> Object:
        """The old object with what a request may change of it, and the system's own fields as they were."""
        if kind.qualified == certificates.KIND:
            new = certificates.part(old, new, subresource, rfc3339(self.clock.now()))
        else:
            new = _part(kind, old, new, subresource)
        before = old["metadata"]
        meta = new["metadata"] = dict(new["metadata"])
        for system in (*_SYSTEM_FIELDS, "resourceVersion"):
            meta.pop(system, None)
            if system in before:
                meta[system] = before[system]
        meta["name"] = before["name"]
        return new

    def _owners_below(self, kind: Kind, old: Object, sent: Object, options: WriteOptions, *, applied: bool) -> Any:
        """Who owns what after a pod's part was changed: the API server counts also what that part does not take."""
        whole = clone(sent)
        if not applied:
            self.complete(kind, whole, subresource=options.subresource)
            self.record(kind, old, whole, options)
        return whole["metadata"].get("managedFields")

    def _judge(self, kind: Kind, new: Object, old: Object, options: WriteOptions) -> None:
        validation.check(kind, new, old, options.subresource)
        if not options.subresource and new != old:
            options.warnings.extend(advice.warnings_of(kind, new, new, created=False))
            options.warnings.extend(admission.admit_valid(self, kind, new, old, options))
        if options.subresource and options.user is not None:
            admission.admit_below(self, kind, new, old, options)

    def record(self, kind: Kind, old: Object | None, new: Object, options: WriteOptions) -> None:
        """Note in a new object which manager owns what it changed."""
        writer = Writer(options.manager, "Update", kind.api_version, options.subresource)
        if old is not None and "managedFields" not in new["metadata"] and "managedFields" in old["metadata"]:
            new["metadata"]["managedFields"] = old["metadata"]["managedFields"]
        now = rfc3339(self.clock.now())
        if kind.qualified == certificates.KIND and old is None:
            seen = {"metadata": dict(new["metadata"])}  # whose spec nobody owns
            ownership.record_update(self.shape(kind), None, seen, writer, now)
            new["metadata"] |= {key: seen["metadata"][key] for key in ("managedFields",) if key in seen["metadata"]}
            return
        if not kind.stored_as:
            ownership.record_update(self.shape(kind), old, new, writer, now)
            return
        seen = versions.present(kind, new)
        seen["metadata"] = dict(seen["metadata"])
        ownership.record_update(self.shape(kind), versions.present(kind, old) if old else None, seen, writer, now)
        new["metadata"].pop("managedFields", None)
        if "managedFields" in seen["metadata"]:
            new["metadata"]["managedFields"] = seen["metadata"]["managedFields"]


def _counts(kind: Kind, old: Object, new: Object, subresource: str) -> bool:
    """Whether a change is one that the generation counts; with Deployments one of the annotations is, too."""
    if new.get("spec") != old.get("spec"):
        return True
    annotated = (of["metadata"].get("annotations") or {} for of in (old, new))
    return kind.qualified == "Deployment.apps" and not subresource and next(annotated) != next(annotated)


def _part(kind: Kind, old: Object, new: Object, subresource: str) -> Object:
    """The old object with the part of a new one that a request may change."""
    if subresource == "status":
        sent = new.get("metadata") or {}
        # Of the metadata a status update may change the annotations, as the deployment controller does.
        kept = {key: sent[key] for key in ("annotations", "managedFields") if key in sent}
        return {**old, "status": new.get("status") or {}, "metadata": {**old["metadata"], **kept}}
    if kind.qualified == "Pod" and subresource in podupdates.SUBRESOURCES:
        return {**old, "spec": podupdates.narrowed(subresource, new.get("spec") or {}, old["spec"])}
    if "status" in kind.subresources and kind.name != "ServiceCIDR":
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    return new


def _same_object(kind: Kind, before: Object, meta: Object) -> None:
    version = meta.get("resourceVersion")
    if version and version != before["resourceVersion"]:
        if not str(version).isdecimal():
            raise failure(f'strconv.ParseUint: parsing "{str(version)[:60]}": invalid syntax')
        raise conflict(kind, before["name"])
    uid = meta.get("uid")
    if uid and uid != before["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {before['uid']}"
        raise conflict(kind, before["name"], why)


def raise_for_namespace(sent: str, path: str) -> None:
    """Refuse (400) an object whose namespace is not the one of the path."""
    if sent and sent != path:
        raise Refused(
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        )

"""What every control loop is made of: a view of the cluster, keys of work, and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.clock import Clock, rfc3339
from mcp_tools.sandbox.objects.deletion import DeleteOptions
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.registry import Registry, WriteOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcp_tools.sandbox.controllers.recorder import Recorder
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Change, Object

Key = tuple[str, str]
MANAGER = "kube-controller-manager"


class Cluster:
    """What a controller sees and does: reads of the store, writes through the registry.

    Attributes:
        events: Where it reports what it did.
    """

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self.registry = registry
        self.store = registry.store
        self.clock: Clock = registry.clock
        self.events = recorder

    def kind(self, name: str) -> Kind:
        """A built-in kind by name."""
        return self.registry.kinds.named(name)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object, not to be changed."""
        return self.store.get(self.kind(kind), namespace, name)

    def all_of(self, kind: str, namespace: str = "") -> list[Object]:
        """The objects of a kind, not to be changed."""
        return list(self.store.all_of(self.kind(kind), namespace))

    def owned(self, owner: Object, kind: str) -> list[Object]:
        """The objects of a kind that `owner` controls."""
        uid = owner["metadata"]["uid"]
        return [
            obj
            for _, obj in self.store.owned_by(uid, self.kind(kind))
            if any(ref["uid"] == uid and ref.get("controller") for ref in obj["metadata"]["ownerReferences"])
        ]

    def create(self, kind: str, obj: Object, manager: str = MANAGER) -> Object:
        """Create an object.

        Raises:
            Refused: As the API server would.
        """
        return self.registry.create(self.kind(kind), obj, WriteOptions(manager))

    def modify(
        self, obj: Object, change: Callable[[Object], None], *, manager: str = MANAGER, subresource: str = ""
    ) -> Object | None:
        """Change the current form of an object; `None` when it is gone meanwhile."""
        kind = self.kind(obj["kind"])
        meta = obj["metadata"]
        namespace = meta.get("namespace", "")
        current = self.store.get(kind, namespace, meta["name"])
        if current is None or current["metadata"]["uid"] != meta["uid"]:
            return None
        return self.registry.modify(
            kind, namespace, meta["name"], change, WriteOptions(manager, subresource=subresource)
        )

    def set_status(self, obj: Object, status: Object, *, manager: str = MANAGER) -> Object | None:
        """Replace an object's status, where it differs."""
        if obj.get("status") == status:
            return obj

        def change(draft: Object) -> None:
            draft["status"] = status

        return self.modify(obj, change, manager=manager, subresource="status")

    def apply_status(self, obj: Object, status: Object, manager: str) -> None:
        """Server-side apply a status, over whoever owns its fields."""
        kind, meta = self.kind(obj["kind"]), obj["metadata"]
        about = {key: meta[key] for key in ("name", "namespace") if meta.get(key)}
        config: Object = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": about}
        options = WriteOptions(manager, force=True, subresource="status")
        self.registry.apply(kind, meta.get("namespace", ""), meta["name"], {**config, "status": status}, options)

    def delete(self, obj: Object, *, grace_seconds: int | None = None) -> None:
        """Delete an object; harmless when it is gone already."""
        meta = obj["metadata"]
        options = DeleteOptions(grace_seconds=grace_seconds, propagation="Background", uid=meta["uid"])
        try:
            self.registry.delete(self.kind(obj["kind"]), meta.get("namespace", ""), meta["name"], options)
        except Refused as error:
            if error.code not in {404, 409}:
                raise

    def now(self) -> str:
        """The time, RFC 3339."""
        return rfc3339(self.clock.now())


class Controller:
    """A control loop: `keys` says which of its objects a change concerns, `reconcile` brings one to where it should be.

    Attributes:
        watches: The kinds whose changes it wants to see.
    """

    watches: tuple[str, ...] = ()

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def keys(self, change: Change) -> Iterable[Key]:
        """The objects to look at after a change."""
        raise NotImplementedError

    def reconcile(self, key: Key) -> float | None:
        """Look at one object and act.

        Returns:
            Seconds after which to look again without any change; `None` for no need.
        """
        raise NotImplementedError


def key_of(obj: Object) -> Key:
    """Namespace and name."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def own_or_owner(kind: str, change: Change) -> list[Key]:
    """The changed object itself if it is of `kind`, else its controller of that kind, before and after."""
    if change.kind.name == kind:
        return [key_of(change.obj)]
    namespace = change.obj["metadata"].get("namespace", "")
    return [
        (namespace, ref["name"])
        for obj in (change.obj, change.before)
        for ref in (obj or {}).get("metadata", {}).get("ownerReferences") or ()
        if ref.get("controller") and ref.get("kind") == kind
    ]


def reference(owner: Object) -> Object:
    """The owner reference of a controller."""
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod_from(template: Object, owner: Object, *, prefix: str = "", name: str = "") -> Object:
    """A pod as a controller makes it from a template."""
    meta = template.get("metadata") or {}
    found: Object = {key: dict(meta[key]) for key in ("labels", "annotations") if meta.get(key)}
    if name:
        found["name"] = name
    else:
        found["generateName"] = prefix or f"{owner['metadata']['name']}-"
    found["namespace"] = owner["metadata"]["namespace"]
    found["ownerReferences"] = [reference(owner)]
    return {"metadata": found, "spec": template.get("spec") or {}}


def is_active(pod: Object) -> bool:
    """Neither ended nor on its way out."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in {"Succeeded", "Failed"} and not pod["metadata"].get("deletionTimestamp")


def is_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition is true."""
    return condition(pod, "Ready").get("status") == "True"


def ready_since(pod: Object) -> str | None:
    """When the pod became ready; `None` while it is not."""
    found = condition(pod, "Ready")
    return found.get("lastTransitionTime") if found.get("status") == "True" else None


def condition(obj: Object, kind: str) -> Object:
    """A condition by type; empty when there is none."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return {}


def scaled_value(value: Any, total: int, *, up: bool) -> int:
    """An integer or percentage of a total, rounded up or down."""
    if isinstance(value, str):
        if not value.endswith("%"):
            return 0
        part = int(value[:-1]) * total
        return -(-part // 100) if up else part // 100
    return int(value or 0)

"""The end of objects: garbage collection by owner, namespaces that empty themselves, and what each starts with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key
from mcp_tools.sandbox.objects.deletion import DeleteOptions
from mcp_tools.sandbox.objects.registry import WriteOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

GC_MANAGER = "garbage-collector"


class GarbageCollector(Controller):
    """Deletes what lost its last owner; holds an owner that is deleted in the foreground until its dependents are gone.

    Its keys are uids of owners that went away or are going.
    """

    watches = ("*",)

    def keys(self, change: Change) -> Iterable[Key]:
        """The owner that was deleted or marked; the owners of a deleted object that may wait for it."""
        meta = change.obj["metadata"]
        found: list[Key] = []
        if change.type == "DELETED" or meta.get("deletionTimestamp"):
            place = f"{change.kind.api_version}|{change.kind.name}|{meta['name']}"
            found.append((meta["uid"], f"{meta.get('namespace', '')}|{place}"))
        if change.type == "ADDED":
            found += [(ref["uid"], _place(change.obj, ref)) for ref in meta.get("ownerReferences") or ()]
        if change.type == "DELETED":
            found += [(ref["uid"], _place(change.obj, ref)) for ref in meta.get("ownerReferences") or ()]
        return found

    def reconcile(self, key: Key) -> float | None:
        """Look after the dependents of one owner."""
        uid, place = key
        owner = self._owner(uid, place)
        if owner is None:
            self._collect(uid)
            return None
        finalizers = owner["metadata"].get("finalizers") or []
        if not owner["metadata"].get("deletionTimestamp"):
            return None
        if "orphan" in finalizers:
            for _, obj in self.cluster.store.owned_by(uid):
                self._disown(obj, uid)
            self._release(owner, "orphan")
        elif "foregroundDeletion" in finalizers:
            self._foreground(owner, uid)
        return None

    def _owner(self, uid: str, place: str) -> Object | None:
        namespace, api_version, kind_name, name = place.split("|")
        kind = self.cluster.registry.kinds.of(api_version, kind_name)
        if kind is None:
            return None
        for space in {namespace if kind.namespaced else "", ""}:
            found = self.cluster.store.get(kind, space, name)
            if found is not None and found["metadata"]["uid"] == uid:
                return found
        return None

    def _collect(self, uid: str) -> None:
        for kind, obj in self.cluster.store.owned_by(uid):
            references = obj["metadata"]["ownerReferences"]
            if len(references) > 1 and any(self._owner(ref["uid"], _place(obj, ref)) for ref in references):
                self._disown(obj, uid)
            elif not obj["metadata"].get("deletionTimestamp"):
                self._delete(kind.api_version, kind.name, obj, "Background")

    def _foreground(self, owner: Object, uid: str) -> None:
        blocking = False
        for kind, obj in self.cluster.store.owned_by(uid):
            reference = next(ref for ref in obj["metadata"]["ownerReferences"] if ref["uid"] == uid)
            if not obj["metadata"].get("deletionTimestamp"):
                self._delete(kind.api_version, kind.name, obj, "Foreground")
            blocking = blocking or bool(reference.get("blockOwnerDeletion"))
        still = [obj for _, obj in self.cluster.store.owned_by(uid)]
        if not (blocking and still):
            self._release(owner, "foregroundDeletion")

    def _delete(self, api_version: str, kind_name: str, obj: Object, propagation: str) -> None:
        kind = self.cluster.registry.kinds.of(api_version, kind_name)
        meta = obj["metadata"]
        if kind is not None and self.cluster.store.get(kind, meta.get("namespace", ""), meta["name"]) is not None:
            options = DeleteOptions(propagation=propagation)
            self.cluster.registry.delete(kind, meta.get("namespace", ""), meta["name"], options)

    def _disown(self, obj: Object, uid: str) -> None:
        def change(draft: Object) -> None:
            kept = [ref for ref in draft["metadata"]["ownerReferences"] if ref["uid"] != uid]
            draft["metadata"].pop("ownerReferences")
            if kept:
                draft["metadata"]["ownerReferences"] = kept

        self._modify(obj, change)

    def _release(self, owner: Object, finalizer: str) -> None:
        def change(draft: Object) -> None:
            kept = [name for name in draft["metadata"].get("finalizers") or () if name != finalizer]
            draft["metadata"].pop("finalizers", None)
            if kept:
                draft["metadata"]["finalizers"] = kept

        self._modify(owner, change)

    def _modify(self, obj: Object, change: Callable[[Object], None]) -> None:
        kind = self.cluster.registry.kinds.of(obj["apiVersion"], obj["kind"])
        meta = obj["metadata"]
        if kind is not None and self.cluster.store.get(kind, meta.get("namespace", ""), meta["name"]) is not None:
            options = WriteOptions(GC_MANAGER)
            self.cluster.registry.modify(kind, meta.get("namespace", ""), meta["name"], change, options)


def _place(obj: Object, ref: Object) -> str:
    namespace = obj["metadata"].get("namespace", "")
    return f"{namespace}|{ref['apiVersion']}|{ref['kind']}|{ref['name']}"


class NamespaceController(Controller):
    """Gives a new namespace its ServiceAccount and CA; empties one that is deleted, then lets it go."""

    watches = ("*",)

    def keys(self, change: Change) -> Iterable[Key]:
        """The namespace itself, or that of an object that is gone."""
        if change.kind.name == "Namespace":
            return [("", change.obj["metadata"]["name"])]
        namespace = change.obj["metadata"].get("namespace")
        return [("", namespace)] if change.type == "DELETED" and namespace else []

    def reconcile(self, key: Key) -> float | None:
        """Furnish or empty one namespace."""
        space = self.cluster.get("Namespace", "", key[1])
        if space is None:
            return None
        if not space["metadata"].get("deletionTimestamp"):
            furnish(self.cluster, key[1])
            return None
        left = 0
        for kind in self.cluster.registry.kinds.all():
            if not kind.namespaced or kind.virtual or kind.stored_as:
                continue
            for obj in list(self.cluster.store.all_of(kind, key[1])):
                left += 1
                if not obj["metadata"].get("deletionTimestamp"):
                    self.cluster.registry.delete(kind, key[1], obj["metadata"]["name"], DeleteOptions())
        remaining = any(
            True
            for kind in self.cluster.registry.kinds.all()
            if kind.namespaced and not kind.virtual
            for _ in self.cluster.store.all_of(kind, key[1])
        )
        if not remaining:
            options = WriteOptions("kube-controller-manager", subresource="finalize")

            def finalize(draft: Object) -> None:
                draft["spec"] = {}

            self.cluster.registry.modify(self.cluster.kind("Namespace"), "", key[1], finalize, options)
        return None


_CA_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


def furnish(cluster: Cluster, namespace: str) -> None:
    """Make what every namespace has: the ServiceAccount `default` and the CA's ConfigMap."""
    if cluster.get("ServiceAccount", namespace, "default") is None:
        cluster.create("ServiceAccount", {"metadata": {"name": "default", "namespace": namespace}})
    if cluster.get("ConfigMap", namespace, "kube-root-ca.crt") is None:
        meta = {
            "name": "kube-root-ca.crt",
            "namespace": namespace,
            "annotations": {"kubernetes.io/description": _CA_DESCRIPTION},
        }
        cluster.create("ConfigMap", {"metadata": meta, "data": {"ca.crt": cluster.registry.ca}})

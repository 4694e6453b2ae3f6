"""The end of CustomResourceDefinitions: their objects go first (apiextensions-apiserver, controller/finalizer)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Controller, Key, key_of
from mcp_tools.sandbox.objects.deletion import CLEANUP, DeleteOptions

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object


class CustomResourceController(Controller):
    """Empties a definition that is deleted, then lets it go."""

    watches = ("*",)

    def keys(self, change: Change) -> Iterable[Key]:
        """A definition that is going, or that of an object that is gone."""
        if change.kind.name == "CustomResourceDefinition":
            return [key_of(change.obj)] if change.obj["metadata"].get("deletionTimestamp") else []
        return [("", change.kind.resource)] if change.kind.custom and change.type == "DELETED" else []

    def reconcile(self, key: Key) -> float | None:
        """Empty one definition."""
        definition = self.cluster.get("CustomResourceDefinition", *key)
        if definition is None or not definition["metadata"].get("deletionTimestamp"):
            return None
        registry = self.cluster.registry
        kind = next((found for found in registry.kinds.all() if found.resource == key[1]), None)
        if kind is not None:
            for obj in list(registry.store.all_of(kind)):
                meta = obj["metadata"]
                if not meta.get("deletionTimestamp"):
                    registry.delete(kind, meta.get("namespace", ""), meta["name"], DeleteOptions())
            if registry.store.count(kind):
                return None
        self.cluster.modify(definition, _release)
        return None


def _release(draft: Object) -> None:
    kept = [name for name in draft["metadata"].get("finalizers") or () if name != CLEANUP]
    draft["metadata"].pop("finalizers", None)
    if kept:
        draft["metadata"]["finalizers"] = kept

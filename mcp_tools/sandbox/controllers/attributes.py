"""VolumeAttributesClasses are held while a claim or a volume is of them (kubernetes/pkg/controller/volume)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Controller, Key, key_of
from mcp_tools.sandbox.objects.admission import ATTRIBUTES_PROTECTION

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

_FIELD = "volumeAttributesClassName"


class AttributesController(Controller):
    """Lets a class go once nobody uses it."""

    watches = ("VolumeAttributesClass", "PersistentVolumeClaim", "PersistentVolume")

    def keys(self, change: Change) -> Iterable[Key]:
        """The class itself, or the one that a claim or volume names, or named."""
        if change.kind.name == "VolumeAttributesClass":
            return [key_of(change.obj)]
        named = {(obj or {}).get("spec", {}).get(_FIELD) for obj in (change.obj, change.before)}
        return [("", name) for name in sorted(filter(None, named))]

    def reconcile(self, key: Key) -> float | None:
        """Take the protection off a class that is being deleted."""
        found = self.cluster.get("VolumeAttributesClass", *key)
        if found is None or not found["metadata"].get("deletionTimestamp"):
            return None
        users = (*self.cluster.all_of("PersistentVolumeClaim"), *self.cluster.all_of("PersistentVolume"))
        if any(user["spec"].get(_FIELD) == key[1] for user in users):
            return None

        def free(draft: Object) -> None:
            kept = [name for name in draft["metadata"].get("finalizers") or () if name != ATTRIBUTES_PROTECTION]
            draft["metadata"]["finalizers"] = kept

        self.cluster.modify(found, free)
        return None

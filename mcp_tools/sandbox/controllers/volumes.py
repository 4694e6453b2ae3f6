"""PersistentVolumeClaims, each bound to a volume that is made for it.

As by a dynamic provisioner in kubernetes/pkg/controller/volume.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from mcp_tools import quantity
from mcp_tools.sandbox.controllers.base import Controller, Key, key_of
from mcp_tools.sandbox.objects.admission import CLAIM_PROTECTION, default_class

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "persistentvolume-controller"


class VolumeController(Controller):
    """Binds claims of a known class: at once, or when a scheduled pod uses them; takes released volumes away."""

    watches = ("PersistentVolumeClaim", "PersistentVolume", "Pod", "StorageClass")

    def keys(self, change: Change) -> Iterable[Key]:
        """The claim itself, the claims of a pod, or all of them when a class changed."""
        if change.kind.name == "PersistentVolumeClaim":
            return [key_of(change.obj)]
        if change.kind.name in {"StorageClass", "PersistentVolume"}:
            self._settle_phase(change)
            return [key_of(claim) for claim in self.cluster.all_of("PersistentVolumeClaim")]
        namespace = change.obj["metadata"]["namespace"]
        return [(namespace, name) for name in claims_of(change.obj)]

    def _let_go(self, claim: Object) -> None:
        """Take the protection off a claim that is being deleted, once no pod uses it."""
        if self._consumed(key_of(claim)):
            return

        def unprotect(draft: Object) -> None:
            kept = [name for name in draft["metadata"].get("finalizers") or () if name != CLAIM_PROTECTION]
            draft["metadata"]["finalizers"] = kept

        if CLAIM_PROTECTION in (claim["metadata"].get("finalizers") or ()):
            self.cluster.modify(claim, unprotect, manager="kube-controller-manager")

    def _settle_phase(self, change: Change) -> None:
        """A volume that nobody has claimed is available."""
        if change.type == "ADDED" and change.kind.name == "PersistentVolume" and not change.obj["spec"].get("claimRef"):
            self.cluster.set_status(change.obj, {"phase": "Available"})

    def reconcile(self, key: Key) -> float | None:
        """Bind one claim, or say why not."""
        claim = self.cluster.get("PersistentVolumeClaim", *key)
        if claim is None:
            self._release(key)
            return None
        if claim["metadata"].get("deletionTimestamp"):
            self._let_go(claim)
            return None
        if claim["spec"].get("volumeName") and claim["status"].get("phase") == "Bound":
            if self.cluster.get("PersistentVolume", "", claim["spec"]["volumeName"]) is None:
                self._lose(claim)
            elif self._wanted(claim) > self._given(claim):
                message = "waiting for an external controller to expand this PVC"
                self.cluster.events.normal(claim, "ExternalExpanding", message, "volume_expand")
            return None
        if claim["status"].get("phase") == "Lost" or self._bind_existing(claim):
            return None
        if "storageClassName" not in claim["spec"] and (default := default_class(self.cluster.all_of("StorageClass"))):
            # The claim comes by again as one that was changed.
            self.cluster.modify(claim, lambda draft: draft["spec"].update(storageClassName=default))
            return None
        self._provision(key, claim)
        return None

    def _provision(self, key: Key, claim: Object) -> None:
        name = claim["spec"].get("storageClassName")
        storage = self.cluster.get("StorageClass", "", name) if name else None
        events = self.cluster.events
        if storage is None:
            if name:
                message = f'storageclass.storage.k8s.io "{name}" not found'
                events.warning(claim, "ProvisioningFailed", message, SOURCE)
            else:
                message = "no persistent volumes available for this claim and no storage class is set"
                events.normal(claim, "FailedBinding", message, SOURCE)
        elif storage["provisioner"] == "kubernetes.io/no-provisioner":
            message = "no persistent volumes available for this claim and no storage class is set"
            events.normal(claim, "FailedBinding", message, SOURCE)
        elif storage.get("volumeBindingMode") == "WaitForFirstConsumer" and not self._consumed(key):
            message = "waiting for first consumer to be created before binding"
            events.normal(claim, "WaitForFirstConsumer", message, SOURCE)
        else:
            self._bind(claim, storage)

    def _wanted(self, claim: Object) -> Decimal:
        return quantity.parse(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))

    def _given(self, claim: Object) -> Decimal:
        return quantity.parse((claim["status"].get("capacity") or {}).get("storage", "0"))

    def _lose(self, claim: Object) -> None:
        self.cluster.set_status(claim, {"phase": "Lost"})
        message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
        self.cluster.events.warning(claim, "ClaimLost", message, SOURCE)

    def _bind_existing(self, claim: Object) -> bool:
        """Take a volume that somebody made by hand, the smallest that does."""
        meta, spec = claim["metadata"], claim["spec"]
        wanted = self._wanted(claim)
        candidates = []
        for volume in self.cluster.all_of("PersistentVolume"):
            own = volume["spec"]
            reference = own.get("claimRef") or {}
            if reference and (
                (reference.get("namespace"), reference.get("name")) != key_of(claim)
                or reference.get("uid", meta["uid"]) != meta["uid"]
            ):
                continue
            size = quantity.parse((own.get("capacity") or {}).get("storage", "0"))
            if (
                own.get("storageClassName", "") == (spec.get("storageClassName") or "")
                and size >= wanted
                and set(spec.get("accessModes") or ()) <= set(own.get("accessModes") or ())
                and spec.get("volumeName", volume["metadata"]["name"]) == volume["metadata"]["name"]
            ):
                candidates.append((size, volume["metadata"]["name"], volume))
        if not candidates:
            return False
        size, name, volume = min(candidates, key=lambda item: item[:2])
        reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": meta["namespace"]}
        reference |= {"name": meta["name"], "uid": meta["uid"]}
        bound = self.cluster.modify(volume, lambda draft: draft["spec"].update(claimRef=reference)) or volume
        self.cluster.set_status(bound, {"phase": "Bound"})
        mine = self.cluster.modify(claim, lambda draft: draft["spec"].update(volumeName=name)) or claim
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        self.cluster.set_status(mine, status)
        return True

    def _consumed(self, key: Key) -> bool:
        pods = self.cluster.all_of("Pod", key[0])
        return any(pod["spec"].get("nodeName") and key[1] in claims_of(pod) for pod in pods)

    def _bind(self, claim: Object, storage: Object) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        volume = f"pvc-{meta['uid']}"
        size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")
        reference = {
            "kind": "PersistentVolumeClaim",
            "apiVersion": "v1",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
        }
        made = self.cluster.create(
            "PersistentVolume",
            {
                "metadata": {
                    "name": volume,
                    "annotations": {"pv.kubernetes.io/provisioned-by": storage["provisioner"]},
                },
                "spec": {
                    "capacity": {"storage": size},
                    "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
                    "claimRef": reference,
                    "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"),
                    "storageClassName": storage["metadata"]["name"],
                    "volumeMode": spec.get("volumeMode", "Filesystem"),
                    "hostPath": {"path": f"/var/lib/sandbox/{volume}", "type": ""},
                },
            },
        )
        self.cluster.set_status(made, {"phase": "Bound"})
        bound = self.cluster.modify(claim, lambda draft: draft["spec"].update(volumeName=volume)) or claim
        modes = made["spec"]["accessModes"]
        self.cluster.set_status(bound, {"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}})
        message = f"Successfully provisioned volume {volume}"
        self.cluster.events.normal(claim, "ProvisioningSucceeded", message, storage["provisioner"])

    def _release(self, key: Key) -> None:
        for volume in self.cluster.all_of("PersistentVolume"):
            reference = volume["spec"].get("claimRef") or {}
            if (reference.get("namespace"), reference.get("name")) != key:
                continue
            if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
                self.cluster.delete(volume)
            else:
                self.cluster.set_status(volume, {"phase": "Released"})


def claims_of(pod: Object) -> list[str]:
    """The names of the claims that a pod uses."""
    sources = (volume.get("persistentVolumeClaim") or {} for volume in pod["spec"].get("volumes") or ())
    return [source["claimName"] for source in sources if source.get("claimName")]

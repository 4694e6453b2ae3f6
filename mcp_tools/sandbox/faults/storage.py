"""Claims and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_PAUSE = {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]}


def _claim(box: Injector, name: str = "archive", size: str = "1Gi", mode: str = "ReadWriteOnce", **spec: Any) -> None:
    box.create(
        "PersistentVolumeClaim",
        name,
        spec={"accessModes": [mode], "resources": {"requests": {"storage": size}}, **spec},
    )


def _use(box: Injector, name: str = "archive", **more: Any) -> None:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "archive"}}]
    box.deployment(name, {**_PAUSE, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}, volumes=volumes, **more)


def _volume(box: Injector, **spec: Any) -> None:
    base = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fixed",
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": "/mnt/archive"},
    }
    box.create("PersistentVolume", "archive", "", spec={**base, **spec})


@fault(
    "storage-class",
    83,
    Cause("PersistentVolumeClaim", "archive", "spec.storageClassName", "there is no such class"),
    Symptom("PersistentVolumeClaim", "archive", 'storageclass.storage.k8s.io "fast-ssd" not found'),
)
def storage_class(box: Injector) -> None:
    """A claim of a storage class that does not exist."""
    _claim(box, storageClassName="fast-ssd")
    _use(box)


@fault(
    "no-default-class",
    84,
    Cause("StorageClass", "standard", "metadata.annotations", "it is not marked as the default"),
    Symptom("PersistentVolumeClaim", "archive", "no storage class is set"),
)
def no_default_class(box: Injector) -> None:
    """A claim without a class where no class is the default."""
    note = {"storageclass.kubernetes.io/is-default-class": "false"}
    box.patch("StorageClass", "standard", {"metadata": {"annotations": note}}, namespace="")
    _claim(box)
    _use(box)


@fault(
    "first-consumer",
    85,
    Cause("PersistentVolumeClaim", "archive", "", "no pod uses it, so nothing binds it"),
    Symptom("PersistentVolumeClaim", "archive", "waiting for first consumer"),
)
def first_consumer(box: Injector) -> None:
    """A claim that waits for a pod that never comes."""
    _claim(box)


@fault(
    "volume-size",
    86,
    Cause("PersistentVolumeClaim", "archive", "spec.resources.requests.storage", "the only volume is smaller"),
    Symptom("Pod", "archive", "unbound immediate PersistentVolumeClaims"),
)
def volume_size(box: Injector) -> None:
    """A claim that is larger than the volume that it is meant for."""
    box.create("StorageClass", "fixed", "", provisioner="kubernetes.io/no-provisioner")
    _volume(box)
    _claim(box, size="10Gi", storageClassName="fixed")
    _use(box)


@fault(
    "volume-mode",
    86,
    Cause("PersistentVolumeClaim", "archive", "spec.accessModes", "the only volume is for one node at a time"),
    Symptom("Pod", "archive", "unbound immediate PersistentVolumeClaims"),
)
def volume_mode(box: Injector) -> None:
    """A claim for many nodes where the volume is for one."""
    box.create("StorageClass", "fixed", "", provisioner="kubernetes.io/no-provisioner")
    _volume(box)
    _claim(box, mode="ReadWriteMany", storageClassName="fixed")
    _use(box)


@fault(
    "multi-attach",
    87,
    Cause("Deployment", "archive", "spec.replicas", "the volume is for one node, the replicas are on two"),
    Symptom("Pod", "archive", "Multi-Attach error"),
)
def multi_attach(box: Injector) -> None:
    """Replicas on two nodes that share a volume for one."""
    _claim(box)
    labels = {"matchLabels": {"app.kubernetes.io/name": "archive"}}
    term = {"labelSelector": labels, "topologyKey": "kubernetes.io/hostname"}
    spread = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    _use(box, replicas=2, affinity=spread)


@fault(
    "volume-released",
    88,
    Cause("PersistentVolume", "archive", "spec.claimRef", "it still belongs to a claim that is gone"),
    Symptom("PersistentVolume", "archive", '"phase":"Released"'),
)
def volume_released(box: Injector) -> None:
    """A volume that still belongs to an old claim."""
    box.create("StorageClass", "fixed", "", provisioner="kubernetes.io/no-provisioner")
    _volume(box)
    _claim(box, "old", storageClassName="fixed")
    box.settle()
    box.delete("PersistentVolumeClaim", "old")
    box.settle()
    _claim(box, storageClassName="fixed")
    _use(box)


@fault(
    "claim-lost",
    88,
    Cause("PersistentVolume", "archive", "", "it was deleted under its claim"),
    Symptom("PersistentVolumeClaim", "archive", '"phase":"Lost"'),
)
def claim_lost(box: Injector) -> None:
    """A claim whose volume was deleted."""
    box.create("StorageClass", "fixed", "", provisioner="kubernetes.io/no-provisioner")
    _volume(box)
    _claim(box, storageClassName="fixed")
    box.settle()
    box.patch("PersistentVolume", "archive", {"metadata": {"finalizers": None}}, namespace="")
    box.delete("PersistentVolume", "archive", "")


@fault(
    "volume-resize",
    89,
    Cause("StorageClass", "network", "provisioner", "nobody of this name is there to make the volume larger"),
    Symptom("PersistentVolumeClaim", "archive", "waiting for an external controller to expand this PVC"),
)
def volume_resize(box: Injector) -> None:
    """A claim that was made larger, and a volume that stays as it is."""
    box.create("StorageClass", "network", "", provisioner="csi.example.com", allowVolumeExpansion=True)
    _claim(box, storageClassName="network")
    _use(box)
    box.settle()
    box.spec("PersistentVolumeClaim", "archive", resources={"requests": {"storage": "5Gi"}})

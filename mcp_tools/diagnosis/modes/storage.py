"""Claims that are not bound and volumes that cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools import quantity
from mcp_tools.diagnosis.containers import (
    delete,
    fact,
    is_over,
    is_ready,
    patch,
    reported,
    seconds_between,
    target_of,
    troubled,
)
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, Symptom, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

FIELD = "spec.storageClassName"
DEFAULT = "storageclass.kubernetes.io/is-default-class"
WAITING_SECONDS = 60.0
_NEW_VOLUME = "Make a volume that fits, or the claim again as the volume is: neither can be changed."
LIKELY = 0.75


@detector(
    "claims that are not bound, against the classes and volumes that there are",
    Mode("storage-class", (83,), "The storage class does not exist"),
    Mode("no-default-class", (84,), "No class is named and none is the default"),
    Mode("first-consumer", (85,), "The claim waits for a pod that uses it"),
    Mode("volume-mismatch", (86,), "The volumes that there are do not fit the claim"),
    Mode("volume-released", (88,), "The volume still belongs to a claim that is gone"),
    Mode("claim-lost", (88,), "The claim's volume was deleted"),
    Mode("claim-pending", (84,), "A claim is not bound"),
)
def claims(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each claim that has no volume."""
    users = _users(snapshot)
    for claim in snapshot.all("PersistentVolumeClaim"):
        phase = claim.status.get("phase")
        affected = (claim.ref, *(pod.ref for pod in users.get(claim.ref, ())))
        if phase == "Lost":
            name = claim.spec.get("volumeName", "")
            evidence: tuple[Evidence, ...] = (fact(claim, "status.phase", "Lost"),)
            cause = f"The volume {name} of {claim.ref} was deleted under it"
            volume = Ref("PersistentVolume", "", name)
            advice = f"Make the volume {name} again over the same storage, or restore a backup into a new claim."
            yield Finding("claim-lost", cause, volume, "", affected, evidence, advice=advice)
        elif phase == "Pending" and not claim.deleting:
            found = _pending(snapshot, claim, affected, used=claim.ref in users)
            if found is not None:
                yield found


def _users(snapshot: Snapshot) -> dict[Ref, list[Resource]]:
    found: dict[Ref, list[Resource]] = {}
    claims = snapshot.all("PersistentVolumeClaim")
    for pod in snapshot.all("Pod") if claims else ():
        for volume in pod.spec.get("volumes") or ():
            if name := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                found.setdefault(Ref("PersistentVolumeClaim", pod.namespace, name), []).append(pod)
    return found


def _pending(snapshot: Snapshot, claim: Resource, affected: tuple[Ref, ...], *, used: bool) -> Finding | Symptom | None:
    events = snapshot.events(claim)
    evidence = tuple(reported(event) for event in events[:1]) or (fact(claim, "status.phase", "Pending"),)
    name = claim.spec.get("storageClassName")
    if name and snapshot.missing("StorageClass", "", name) and not _volumes(snapshot, name):
        cause = f"The storage class {name} of {claim.ref} does not exist"
        classes = [item.name for item in snapshot.all("StorageClass")]
        evidence = (
            *evidence,
            fact(claim, "spec.storageClassName", f"{name}; there are {', '.join(classes) or 'none'}"),
        )
        return Finding(
            "storage-class",
            cause,
            claim.ref,
            "spec.storageClassName",
            affected,
            evidence,
            _like_default(snapshot, name),
            advice=f"Make the class {name}, or the claim again with a class that is there: it cannot be changed.",
        )
    if name is None and snapshot.sees("StorageClass") and not _default(snapshot):
        return _no_default(snapshot, claim, affected, evidence)
    if name and (found := _unfit(snapshot, claim, affected, evidence)):
        return found
    if not used:
        if seconds_between(claim.created, snapshot.now) < WAITING_SECONDS:
            return None
        cause = f"{claim.ref} waits for a pod that uses it, and there is none"
        fixes = (delete(claim, f"Delete {claim.ref}, which nothing uses and which holds nothing"),)
        advice = "Start what is to use it."
        return Finding(
            "first-consumer", cause, claim.ref, "", affected, evidence, fixes, confidence=LIKELY, advice=advice
        )
    return Symptom(claim.ref, "is not bound", evidence=evidence, mode="claim-pending")


def _default(snapshot: Snapshot) -> list[Resource]:
    found = snapshot.all("StorageClass")
    return [item for item in found if (item.meta.get("annotations") or {}).get(DEFAULT) == "true"]


def _no_default(
    snapshot: Snapshot, claim: Resource, affected: tuple[Ref, ...], evidence: tuple[Evidence, ...]
) -> Finding:
    classes = snapshot.all("StorageClass")
    cause = f"{claim.ref} names no storage class, and no class is the default"
    if len(classes) == 1:
        one = classes[0]
        arguments: dict[str, Any] = {"target": f"storageclass/{one.name}", "annotations": {DEFAULT: "true"}}
        fix = Fix(f"Make {one.name} the default class", "patch_resource", arguments)
        fixes = (*_classed(claim, classes), fix)
        return Finding("no-default-class", cause, one.ref, "metadata.annotations", affected, evidence, fixes)
    field, advice = "spec.storageClassName", "" if classes else "Install a storage driver and make a class of it."
    return Finding(
        "no-default-class", cause, claim.ref, field, affected, evidence, _classed(claim, classes), advice=advice
    )


def _classed(claim: Resource, classes: list[Resource]) -> tuple[Fix, ...]:
    """A claim that names no class may be given one, once."""
    return tuple(patch(claim, f"Give {claim.ref} the class {one.name}", {FIELD: one.name}) for one in classes[:3])


def _like_default(snapshot: Snapshot, name: str) -> tuple[Fix, ...]:
    """A class of this name that makes volumes as the default one does; a claim's class cannot be changed."""
    copied = ("provisioner", "parameters", "mountOptions", "reclaimPolicy", "volumeBindingMode", "allowVolumeExpansion")
    for default in _default(snapshot)[:1]:
        kept = {key: default.body[key] for key in copied if default.body.get(key) is not None}
        made = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, **kept}
        manifest = msgspec.json.encode(made).decode()
        sentence = f"Create the class {name} that makes volumes as {default.name} does"
        return (Fix(sentence, "apply_manifest", {"manifest": manifest}),)
    return ()


def _volumes(snapshot: Snapshot, name: str) -> list[Resource]:
    return [item for item in snapshot.all("PersistentVolume") if item.spec.get("storageClassName") == name]


def _unfit(
    snapshot: Snapshot, claim: Resource, affected: tuple[Ref, ...], evidence: tuple[Evidence, ...]
) -> Finding | None:
    """Why no volume of the class fits, where the class makes none by itself."""
    found = snapshot.get("StorageClass", "", claim.spec["storageClassName"])
    if found is not None and found.body.get("provisioner") != "kubernetes.io/no-provisioner":
        return None
    volumes = _volumes(snapshot, claim.spec["storageClassName"])
    wanted = ((claim.spec.get("resources") or {}).get("requests") or {}).get("storage", "0")
    modes = set(claim.spec.get("accessModes") or ())
    for volume in volumes:
        size = (volume.spec.get("capacity") or {}).get("storage", "0")
        fits_mode = modes <= set(volume.spec.get("accessModes") or ())
        fits_size = quantity.parse(size) >= quantity.parse(wanted)
        more = (*evidence, fact(volume, "status.phase", volume.status.get("phase")))
        if volume.status.get("phase") == "Released" and fits_mode and fits_size:
            old = volume.spec.get("claimRef") or {}
            cause = f"The volume {volume.name} still belongs to the claim {old.get('name')}, which is gone"
            fix = patch(volume, f"Release {volume.name} for a new claim", {"spec.claimRef": None})
            return Finding("volume-released", cause, volume.ref, "spec.claimRef", affected, more, (fix,))
        if volume.status.get("phase") != "Available":
            continue
        if not fits_size:
            cause = f"{claim.ref} asks for {wanted}, and the volume {volume.name} has {size}"
            field = "spec.resources.requests.storage"
            return Finding("volume-mismatch", cause, claim.ref, field, affected, more, advice=_NEW_VOLUME)
        if not fits_mode:
            cause = f"{claim.ref} asks for {', '.join(sorted(modes))}, which the volume {volume.name} does not offer"
            field = "spec.accessModes"
            return Finding("volume-mismatch", cause, claim.ref, field, affected, more, advice=_NEW_VOLUME)
    return None


@detector(
    "the events of pods that wait for their volumes, and the conditions of claims",
    Mode("multi-attach", (87,), "A volume for one node is wanted on several"),
    Mode("volume-resize", (89,), "A claim was made larger and its volume stays as it is"),
    Mode("mount-failed", (90,), "A volume cannot be mounted"),
)
def mounts(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each workload whose volumes cannot be attached or mounted, and each claim that does not grow."""
    seen = set()
    for pod in troubled(snapshot):
        root = snapshot.root(pod)
        if is_ready(pod) or is_over(pod) or root.ref in seen:
            continue
        attach = snapshot.events(pod, "FailedAttachVolume")
        mount = snapshot.events(pod, "FailedMount")
        if not attach and not mount:
            continue
        affected = tuple(item.ref for item in snapshot.pods_of(root) if not is_ready(item))
        if attach and "Multi-Attach" in str(attach[0].body.get("message")):
            seen.add(root.ref)
            cause = f"The pods of {root.ref} are on several nodes and share a volume that is for one"
            one = Fix(f"Scale {root.ref} to 1", "scale", {**target_of(root), "replicas": 1})
            several = root.ref.kind in {"Deployment", "StatefulSet"} and root.spec.get("replicas", 1) > 1
            yield Finding(
                "multi-attach",
                cause,
                root.ref,
                "spec.replicas",
                affected,
                (reported(attach[0]),),
                (one,) if several else (),
                advice="Give several pods a volume of the access mode ReadWriteMany, or each its own."
                if several
                else "Wait until the old pod is gone; with the strategy Recreate it goes first.",
            )
        elif not _about_reference(str((attach or mount)[0].body.get("message"))):
            seen.add(root.ref)
            said = str((attach or mount)[0].body.get("message"))
            cause = f"A volume of {root.ref} cannot be mounted: {said[:200]}"
            evidence = (reported((attach or mount)[0]),)
            advice = "Look at the storage driver's pods on the node, and at the volume itself."
            yield Finding("mount-failed", cause, root.ref, "", affected, evidence, confidence=LIKELY, advice=advice)
    for claim in snapshot.all("PersistentVolumeClaim"):
        yield from _growing(snapshot, claim)


def _about_reference(message: str) -> bool:
    """Told by the detector of references: an object or key that is not there."""
    return "not found" in message or "non-existent" in message


def _growing(snapshot: Snapshot, claim: Resource) -> Found:
    wanted = ((claim.spec.get("resources") or {}).get("requests") or {}).get("storage", "0")
    has = (claim.status.get("capacity") or {}).get("storage", wanted)
    if claim.status.get("phase") != "Bound" or quantity.parse(has) >= quantity.parse(wanted):
        return
    events = snapshot.events(claim, "ExternalExpanding", "VolumeResizeFailed")
    evidence = tuple(reported(event) for event in events[:1]) or (fact(claim, "status.capacity", has),)
    found = snapshot.get("StorageClass", "", claim.spec.get("storageClassName") or "")
    if found is not None and "external controller" in evidence[0].value:
        maker = found.body.get("provisioner")
        cause = f"{claim.ref} was made larger ({has} → {wanted}), and nobody called {maker} is there to do it"
        advice = f"Install or repair the driver {maker} with its resizer: a volume never shrinks again."
        at, reached = "provisioner", (claim.ref,)
        yield Finding("volume-resize", cause, found.ref, at, reached, evidence, confidence=LIKELY, advice=advice)
    elif events:
        cause = f"{claim.ref} was made larger ({has} → {wanted}), and its volume stays as it is"
        advice = "Restart the pods that use it, or look at the resizer of its driver."
        at, reached = "spec.resources", (claim.ref,)
        yield Finding("volume-resize", cause, claim.ref, at, reached, evidence, confidence=LIKELY, advice=advice)

"""How a deletion is meant, what may prevent it, and what is left to wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.sandbox.objects.errors import conflict

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import WriteOptions
    from mcp_tools.sandbox.objects.store import Object

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How a deletion is meant (`metav1.DeleteOptions`); `None` is the kind's own default.

    Attributes:
        write: Who deletes, for admission; `None` for the control plane itself.
    """

    grace_seconds: int | None = None
    propagation: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    write: WriteOptions | None = None


def preconditions(kind: Kind, old: Object, options: DeleteOptions) -> None:
    """Refuse (409) to delete another object than the one that was meant."""
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


def finalizers(kind: Kind, meta: Object, options: DeleteOptions) -> list[str]:
    """The finalizers that an object has from its deletion on."""
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


def grace(kind: Kind, old: Object, options: DeleteOptions) -> int:
    """How many seconds a pod has to end; 0 for everything else."""
    if kind.qualified != "Pod":
        return 0
    spec, status = old.get("spec") or {}, old.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in {"Succeeded", "Failed"}:
        return 0
    if options.grace_seconds is not None:
        return max(0, options.grace_seconds)
    return int(spec.get("terminationGracePeriodSeconds", 30))


def last_form(kind: Kind, old: Object, now: str) -> Object:
    """A pod is marked as deleted even where nothing holds it."""
    meta = old["metadata"]
    if kind.qualified != "Pod" or "deletionTimestamp" in meta:
        return old
    marked = {"deletionTimestamp": now, "deletionGracePeriodSeconds": 0, "generation": meta.get("generation", 0) + 1}
    return {**old, "metadata": {**meta, **marked}}


def released(obj: Object) -> bool:
    """Whether nothing holds a deleted object any more."""
    meta = obj["metadata"]
    return (
        not meta.get("finalizers")
        and not (obj.get("spec") or {}).get("finalizers")
        and not meta.get("deletionGracePeriodSeconds")
    )

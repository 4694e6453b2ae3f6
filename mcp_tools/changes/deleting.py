"""Deleting an object: what goes with it, and what cannot come back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Wanted
from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import Forbidden, NotFound
from mcp_tools.reads.answer import count, listed
from mcp_tools.reads.owned import inside, owned_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

GONE_FOR_GOOD = {
    "secrets": "Its values are kept nowhere: undo cannot bring them back.",
    "persistentvolumeclaims": "The data of its volume goes with it where the reclaim policy is Delete: undo cannot "
    "bring it back.",
    "persistentvolumes": "What it points to may be deleted with it: undo cannot bring that back.",
    "namespaces": "Undo cannot bring back what was in it.",
    "customresourcedefinitions": "Every object of its kind goes with it: undo cannot bring them back.",
    "jobs": "Made again, it would run again: undo does not do that.",
    "nodes": "Its kubelet registers it again by itself; undo has nothing to do.",
}
FINALIZERS = {
    "kubernetes.io/pvc-protection": "no pod uses it any more",
    "kubernetes.io/pv-protection": "no claim is bound to it any more",
    "foregroundDeletion": "what it owns is gone",
    "orphan": "what it owns has been let go",
    "batch.kubernetes.io/job-tracking": "its Job has counted it",
    "service.kubernetes.io/load-balancer-cleanup": "its load balancer is taken down",
    "customresourcecleanup.apiextensions.k8s.io": "all objects of its kind are gone",
}
"""What the finalizers of Kubernetes itself wait for."""


def delete(connection: Connection, found: Found) -> Wanted:
    """Delete an object with what it owns.

    Raises:
        ShipmateError: As `Connection.get`.
    """
    notes = list(_notes(connection, found))
    lost = found.kind.plural in GONE_FOR_GOOD or bool(_claims_that_go(found))
    reversible = not lost and not _controlled(found)
    return Wanted(
        action="delete",
        title=f"Delete {found}",
        found=found,
        verb=Verb.DELETE,
        reversible=reversible,
        notes=tuple(notes),
    )


def _notes(connection: Connection, found: Found) -> Iterator[str]:
    metadata = found.object["metadata"]
    if found.kind.plural == "namespaces":
        counts = inside(connection, found.name)
        if counts:
            parts = [count(number, plural.removesuffix("s")) for plural, number in counts.most_common()]
            yield f"Everything in the namespace goes with it: {listed(parts, 8)}."
    else:
        owned = Counter(item.kind.name for item in owned_by(connection, found, custom=True))
        if owned:
            parts = [count(number, name) for name, number in owned.most_common()]
            yield f"It takes along what it owns: {listed(parts, 8)}."
    if found.kind.plural in GONE_FOR_GOOD:
        yield GONE_FOR_GOOD[found.kind.plural]
    if _controlled(found):
        yield "Its controller makes another one at once; to have fewer, scale the controller."
    yield from _volumes(connection, found)
    for finalizer in metadata.get("finalizers") or []:
        waits = FINALIZERS.get(finalizer, "its controller has done its work and removes it")
        yield f"It goes only when {waits} (finalizer {finalizer})."


def _volumes(connection: Connection, found: Found) -> Iterator[str]:
    """What becomes of the data that is lost or kept with an object."""
    if found.kind.plural == "persistentvolumeclaims":
        name = (found.object.get("spec") or {}).get("volumeName")
        policy = _reclaim_policy(connection, name) if name else None
        if policy == "Delete":
            yield f"Its volume {name} is deleted with all its data (reclaim policy Delete)."
        elif policy:
            yield f"Its volume {name} keeps its data (reclaim policy {policy}); a new claim does not get it by itself."
    elif found.kind.plural == "statefulsets":
        claims = _claims(found)
        if _claims_that_go(found):
            yield f"The data of its claims {', '.join(claims)} goes with it: undo cannot bring it back."
        elif claims:
            yield f"Its claims {', '.join(claims)} stay, with their data."


def _claims(found: Found) -> list[str]:
    templates = (found.object.get("spec") or {}).get("volumeClaimTemplates") or []
    return [template["metadata"]["name"] for template in templates]


def _claims_that_go(found: Found) -> list[str]:
    """The claims of a StatefulSet that are deleted with it."""
    policy = (found.object.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return _claims(found) if policy.get("whenDeleted", "Retain") == "Delete" else []


def _reclaim_policy(connection: Connection, volume: str) -> str | None:
    try:
        found = connection.get_object(built_in("pv").path(None, volume))
    except (Forbidden, NotFound):
        # Who may not see volumes is told of the general rule only.
        return None
    return str((found.get("spec") or {}).get("persistentVolumeReclaimPolicy", "Delete"))


def _controlled(found: Found) -> bool:
    return any(owner.get("controller") for owner in found.object["metadata"].get("ownerReferences") or ())

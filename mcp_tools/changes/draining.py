"""Emptying a node: no new pods, and those that run there evicted one by one, as their budgets allow.

Which pods are left, and which are refused, follows kubectl drain (k8s.io/kubectl, pkg/drain/filters.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.changes.patching import cordon
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.resolve import Found
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import count, listed

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MIRROR = "kubernetes.io/config.mirror"
DONE = frozenset({"Succeeded", "Failed"})


def drain(connection: Connection, found: Found) -> Request:
    """Cordon a node and evict its pods.

    Raises:
        UsageError: It is no node, or a pod there has no controller that would make it again elsewhere.
    """
    first = cordon(found, schedulable=False)
    raw = connection.get_object(f"{built_in('pods').path()}?fieldSelector=spec.nodeName%3D{found.name}")
    pods = [_found(item) for item in raw.get("items") or [] if not _stays(item)]
    alone = [str(pod) for pod in pods if not _controlled(pod.object) and _phase(pod.object) not in DONE]
    if alone:
        raise UsageError(
            f"{listed(alone)} on {found} would be lost: no controller makes it again.", "Delete it first, if it may go."
        )
    evictions = tuple(
        Wanted("evict", f"Evict {pod}", pod, verb=Verb.EVICT, notes=tuple(_notes(pod)), reversible=False)
        for pod in pods
    )
    title = f"Drain {found}: cordon it and evict {count(len(pods), 'pod')}"
    # What undo puts back is the cordon; evicted pods run elsewhere by then.
    return Request("drain", title, (first, *evictions), {"pods": [str(pod) for pod in pods]}, reversible=True)


def _found(item: dict[str, Any]) -> Found:
    metadata = item["metadata"]
    return Found(built_in("pods"), metadata["namespace"], metadata["name"], item)


def _stays(item: dict[str, Any]) -> bool:
    metadata = item["metadata"]
    owners = metadata.get("ownerReferences") or []
    return (
        MIRROR in (metadata.get("annotations") or {})
        or any(owner.get("controller") and owner.get("kind") == "DaemonSet" for owner in owners)
        or "deletionTimestamp" in metadata
    )


def _controlled(item: dict[str, Any]) -> bool:
    return any(owner.get("controller") for owner in item["metadata"].get("ownerReferences") or [])


def _phase(item: dict[str, Any]) -> str:
    return str((item.get("status") or {}).get("phase", ""))


def _notes(pod: Found) -> list[str]:
    volumes = [v["name"] for v in pod.object["spec"].get("volumes") or [] if "emptyDir" in v]
    return [f"{pod} loses what is in its emptyDir {', '.join(volumes)}."] if volumes else []

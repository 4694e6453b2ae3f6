"""Pods that keep a StatefulSet from its rollout for ever, and letting it go on.

With the OrderedReady policy its controller waits until every pod is Running and Ready before it replaces the next, and
a broken pod of an earlier revision is none of these: neither a repair nor a rollback ever reaches it until somebody
deletes it (kubernetes.io, StatefulSets, "Forced rollback"; kubernetes/kubernetes#67250).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.rollout import pod_trouble
from mcp_tools.cluster.pods import is_ready, list_pods, selector_of
from mcp_tools.errors import Conflict, Forbidden, Invalid, NotFound, ShipmateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.pods import Pod
    from mcp_tools.cluster.resolve import Found

REVISION_LABEL = "controller-revision-hash"
PATIENCE = 45.0


class StillBlocked(ShipmateError):
    """What a rollout waits for in vain may not be deleted: it would wait for ever."""

    code = "blocked"


def held_up_by(connection: Connection, found: Found) -> tuple[str, ...]:
    """The names of the pods, as they are, that would keep a new template from being rolled out; errors as `get`."""
    return tuple(pod.metadata.name for pod in _broken(connection, found.object))


def unblock(connection: Connection, found: Found, waited: float) -> tuple[str, ...]:
    """Delete the pods of earlier revisions that the rollout of a StatefulSet waits for in vain.

    Args:
        waited: Seconds for which the rollout was waited for. What is plainly broken goes at once, what is only not
            ready (a readiness gate that nobody opens, a probe that fails) after `PATIENCE`; neither serves anybody.

    Returns:
        Their names; none for any other kind.

    Raises:
        StillBlocked: RBAC or an admission webhook keeps such a pod.
        ShipmateError: As `Connection.get` and `Connection.write`; a pod that went meanwhile is none.
    """
    if found.kind.name != "StatefulSet":
        return ()
    live = connection.get_object(found.kind.path(found.namespace, found.name))
    status = live.get("status") or {}
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return ()
    gone = []
    for pod in _unready(connection, live) if waited >= PATIENCE else _broken(connection, live):
        if pod.metadata.labels.get(REVISION_LABEL) == status.get("updateRevision"):
            continue
        path = f"/api/v1/namespaces/{pod.metadata.namespace}/pods/{pod.metadata.name}"
        try:
            connection.write("DELETE", path, {"preconditions": {"uid": pod.metadata.uid}})
        except (NotFound, Conflict):
            continue
        except (Forbidden, Invalid) as error:
            waits = f"the rollout waits in vain for pod {pod.metadata.name}, which could not be deleted"
            raise StillBlocked(f"{waits}: {error.message}", error.hint) from error
        gone.append(pod.metadata.name)
    return tuple(gone)


def _broken(connection: Connection, workload: dict[str, Any]) -> Iterator[Pod]:
    return (pod for pod in _unready(connection, workload) if any(pod_trouble([pod])) or _has_crashed(pod))


def _unready(connection: Connection, workload: dict[str, Any]) -> Iterator[Pod]:
    spec = workload.get("spec") or {}
    strategy = spec.get("updateStrategy") or {}
    ordered = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
    if not ordered or strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return
    first = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    meta = workload["metadata"]
    for pod in list_pods(connection, meta["namespace"], selector_of(workload)):
        own = any(owner.uid == meta["uid"] for owner in pod.metadata.owner_references)
        number = pod.metadata.name.rpartition("-")[2]
        replaced = own and number.isdecimal() and int(number) >= first and not pod.metadata.deletion_timestamp
        if replaced and not is_ready(pod):
            yield pod


def _has_crashed(pod: Pod) -> bool:
    """Between two tries a crash loop looks as if it came up."""
    return any(status.restart_count for status in pod.status.container_statuses)

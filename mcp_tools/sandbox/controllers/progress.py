"""A Deployment's status: its counts and the conditions Available, Progressing and ReplicaFailure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import parse_time
from mcp_tools.sandbox.controllers.base import Cluster, condition
from mcp_tools.sandbox.controllers.rolling import Scaling

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object

NEVER = 2**31 - 1


def is_complete(deployment: Object) -> bool:
    """Every replica is of the newest template, available, and nothing old is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"]["replicas"]
    return bool(
        status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    )


def status_of(
    cluster: Cluster, deployment: Object, new: Object | None, old: list[Object]
) -> tuple[Object, float | None]:
    """The status as it should be now, and when to look again (for the progress deadline)."""
    sets = [*old, *([new] if new else [])]
    before = deployment.get("status") or {}
    total = _sum(sets, "replicas")
    available = _sum(sets, "availableReplicas")
    status: Object = {"observedGeneration": deployment["metadata"]["generation"]}
    wanted = deployment["spec"]["replicas"]
    counts = {
        "replicas": total,
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total - available) if wanted else 0,
        "terminatingReplicas": _sum(sets, "terminatingReplicas"),
        "collisionCount": before.get("collisionCount", 0),
    }
    status |= {name: count for name, count in counts.items() if count}
    conditions = {found["type"]: found for found in before.get("conditions") or ()}
    scaling = Scaling(cluster, deployment, "")
    if available >= wanted - scaling.unavailable:
        judgement = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        judgement = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    _set(cluster, conditions, "Available", judgement)
    _failure(cluster, conditions, sets)
    again = _progress(cluster, deployment, status, conditions, new)
    status["conditions"] = list(conditions.values())
    return status, again


def _sum(sets: list[Object], field: str) -> int:
    return sum((item.get("status") or {}).get(field, 0) for item in sets)


def _set(cluster: Cluster, conditions: dict[str, Object], kind: str, wanted: tuple[str, str, str]) -> None:
    value, reason, message = wanted
    known = conditions.get(kind)
    if known and (known["status"], known["reason"], known["message"]) == (value, reason, message):
        return
    now = cluster.now()
    changed = known["lastTransitionTime"] if known and known["status"] == value else now
    conditions.pop(kind, None)
    conditions[kind] = {
        "type": kind,
        "status": value,
        "lastUpdateTime": now,
        "lastTransitionTime": changed,
        "reason": reason,
        "message": message,
    }


def _failure(cluster: Cluster, conditions: dict[str, Object], sets: list[Object]) -> None:
    for item in reversed(sets):
        found = condition(item, "ReplicaFailure")
        if found:
            _set(cluster, conditions, "ReplicaFailure", (found["status"], found["reason"], found["message"]))
            return
    conditions.pop("ReplicaFailure", None)


def _progress(
    cluster: Cluster, deployment: Object, status: Object, conditions: dict[str, Object], new: Object | None
) -> float | None:
    spec = deployment["spec"]
    deadline = spec.get("progressDeadlineSeconds", NEVER)
    known = conditions.get("Progressing")
    name = new["metadata"]["name"] if new else ""
    what = f'ReplicaSet "{name}"' if name else f'Deployment "{deployment["metadata"]["name"]}"'
    if deadline == NEVER:
        conditions.pop("Progressing", None)
        return None
    if spec.get("paused"):
        if known is None or known["reason"] != "DeploymentPaused":
            _set(cluster, conditions, "Progressing", ("Unknown", "DeploymentPaused", "Deployment is paused"))
        return None
    if known and known["reason"] == "DeploymentPaused":
        _set(cluster, conditions, "Progressing", ("Unknown", "DeploymentResumed", "Deployment is resumed"))
        known = conditions["Progressing"]
    if is_complete({**deployment, "status": status}):
        message = f"{what} has successfully progressed."
        if known is None or known["reason"] != "NewReplicaSetAvailable" or known["message"] != message:
            _set(cluster, conditions, "Progressing", ("True", "NewReplicaSetAvailable", message))
        return None
    if known and known["reason"] == "NewReplicaSetAvailable" and f'"{name}"' in known["message"]:
        # A finished rollout that is scaled, or loses a pod, does not begin again.
        return None
    if known is None or known["reason"] == "NewReplicaSetAvailable":
        message = f'Created new replica set "{name}"'
        _set(cluster, conditions, "Progressing", ("True", "NewReplicaSetCreated", message))
        return float(deadline) + 0.1
    if _moved(deployment.get("status") or {}, status):
        message = f"{what} is progressing."
        # An empty message makes the update time count anew.
        conditions["Progressing"] = {**known, "message": ""}
        _set(cluster, conditions, "Progressing", ("True", "ReplicaSetUpdated", message))
        return float(deadline) + 0.1
    return _deadline(cluster, conditions, what, float(deadline))


def _moved(before: Object, now: Object) -> bool:
    def count(status: Object, field: str) -> int:
        return int(status.get(field, 0))

    return (
        count(now, "updatedReplicas") > count(before, "updatedReplicas")
        or count(now, "readyReplicas") > count(before, "readyReplicas")
        or count(now, "availableReplicas") > count(before, "availableReplicas")
        or count(now, "replicas") - count(now, "updatedReplicas")
        < count(before, "replicas") - count(before, "updatedReplicas")
    )


def _deadline(cluster: Cluster, conditions: dict[str, Object], what: str, deadline: float) -> float | None:
    known = conditions["Progressing"]
    if known["reason"] in {"ProgressDeadlineExceeded", "NewReplicaSetAvailable"}:
        return None
    left = parse_time(known["lastUpdateTime"]) + deadline - cluster.clock.now()
    if left > 0:
        return left + 0.1
    message = f"{what} has timed out progressing."
    _set(cluster, conditions, "Progressing", ("False", "ProgressDeadlineExceeded", message))
    return None

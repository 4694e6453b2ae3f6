"""Observations of one Deployment with one pod, made by hand for moments that a test chooses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.monitoring.observing import Observation
from mcp_tools.usage.reading import ContainerUsage

START = dt.datetime(2026, 11, 29, 9, 0, tzinfo=dt.UTC)
LIMIT = 64 * 1024 * 1024


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def rfc3339(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def owned(kind: str, name: str, owner: str, **more: Any) -> dict[str, Any]:
    body = {"metadata": {"name": name, "namespace": "shop", "uid": f"{kind}/{name}"}, **more}
    body["metadata"]["creationTimestamp"] = rfc3339(at(-86_400))
    if owner:
        body["metadata"]["ownerReferences"] = [{"controller": True, "uid": owner}]
    return body


def pod(name: str = "api-1", *, restarts: int = 0, phase: str = "Running", born: float = -86_400) -> Resource:
    ready = "True" if phase == "Running" else "False"
    limits = {"limits": {"memory": str(LIMIT), "cpu": "1"}}
    body = owned(
        "Pod",
        name,
        "ReplicaSet/api-7",
        spec={"containers": [{"name": "app", "resources": limits}], "nodeName": "one"},
        status={
            "phase": phase,
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "app", "restartCount": restarts}],
        },
    )
    body["metadata"]["creationTimestamp"] = rfc3339(at(born))
    return Resource("Pod", body)


def observation(
    seconds: float,
    percent: float | None = 50,
    pods: list[Resource] | None = None,
    unseen: dict[str, str] | None = None,
    errors: dict[tuple[str, str], float] | None = None,
) -> Observation:
    """What is seen at a moment.

    Args:
        percent: Of the memory limit, of each pod; None where nothing is measured.
        unseen: Kinds that could not be read: then there are none of them.
    """
    running = [pod()] if pods is None else pods
    items = [
        Resource("Deployment", owned("Deployment", "api", "", spec={"replicas": 1}, status={"availableReplicas": 1})),
        Resource("ReplicaSet", owned("ReplicaSet", "api-7", "Deployment/api")),
        *running,
    ]
    missing = unseen or {}
    kept = [item for item in items if item.ref.kind not in missing]
    usage = (
        None
        if percent is None
        else tuple(
            ContainerUsage("shop", item.name, "app", Decimal(0), Decimal(LIMIT) * Decimal(percent) / 100, "")
            for item in running
        )
    )
    return Observation(
        Snapshot(kept, "", missing, rfc3339(at(seconds))), at(seconds), usage, (), log_errors=errors or {}
    )

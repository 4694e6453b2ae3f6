"""One object in one compact answer: what it is, how it is, who owns it, its pods, and what was reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.pods import PodSummary, age, list_pods, selector_of, summarise, told
from mcp_tools.cluster.resolve import DESCRIBABLE, find_object
from mcp_tools.reads.answer import Answer, clip, count
from mcp_tools.reads.events import events_of
from mcp_tools.reads.tree import tree_of
from mcp_tools.reads.unseen import Unseen

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Defaults that the API server writes into every pod template and nobody asks about.
NOISE = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
    "securityContext": {},
    "progressDeadlineSeconds": 600,
    "revisionHistoryLimit": 10,
    "protocol": "TCP",
    "successThreshold": 1,
    "internalTrafficPolicy": "Cluster",
    "sessionAffinity": "None",
    "enableServiceLinks": True,
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
}
MAX_DEPTH = 12
MAX_ITEMS = 40


def describe(connection: Connection, target: str, namespace: str | None, *, owned: bool = False) -> Answer:
    """Describe one object; errors as `find_object` and `Connection.get`.

    Args:
        owned: Also look for what it owns, which costs a request for each kind that the cluster serves.

    Returns:
        `object` (identity, labels, spec or data without noise), `status`, `conditions`, `owners`, `pods`, `events`, and
        `owns` (nested `object`, `status`, `age`, `owns`) where it was asked for, and `unseen` where rights are missing.
    """
    found = find_object(connection, target, namespace, DESCRIBABLE)
    obj, metadata = found.object, found.object["metadata"]
    status = obj.get("status") or {}
    unseen = Unseen()
    pods = unseen.look("pods", lambda: _pods(connection, found))
    owners = [f"{owner['kind']}/{owner['name']}" for owner in metadata.get("ownerReferences") or []]
    body = {
        key: value
        for key, value in obj.items()
        if key not in {"apiVersion", "kind", "metadata", "status"} and value not in ({}, [], None)
    }
    data = {
        "object": {
            "kind": found.kind.name,
            "name": found.name,
            "namespace": found.namespace,
            "age": age(metadata.get("creationTimestamp", "")),
            "labels": metadata.get("labels") or {},
            "annotations": {k: clip(v) for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED},
            **_compact(body),
        },
        "status": _compact({key: value for key, value in status.items() if key != "conditions"}),
        "conditions": [
            {
                "type": condition.get("type"),
                "status": condition.get("status"),
                "reason": condition.get("reason", ""),
                "message": clip(condition.get("message", "")),
                "since": age(condition.get("lastTransitionTime") or ""),
            }
            for condition in status.get("conditions") or []
        ],
        "owners": owners,
        **told(pods),
        "events": unseen.look("events", lambda: events_of(connection, obj)),
    }
    if owned:
        data["owns"] = tree_of(connection, found, unseen)
    return unseen.told(Answer(_summary(found, pods, data["events"]), data), needs=0)


def _pods(connection: Connection, found: Found) -> list[PodSummary]:
    if not found.namespace:
        return []
    selector = selector_of(found.object)
    if found.kind.name == "Service":
        labels = (found.object.get("spec") or {}).get("selector") or {}
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
    if not selector or found.kind.name in {"NetworkPolicy", "PodDisruptionBudget", "PersistentVolumeClaim"}:
        return []
    return [summarise(pod) for pod in list_pods(connection, found.namespace, selector)]


def _compact(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {
            key: _compact(item, depth + 1)
            for key, item in value.items()
            if not (key in NOISE and NOISE[key] == item) and key != "managedFields" and item is not None
        }
    if isinstance(value, list):
        shown = [_compact(item, depth + 1) for item in value[:MAX_ITEMS]]
        return [*shown, f"… {len(value) - MAX_ITEMS} more"] if len(value) > MAX_ITEMS else shown
    return clip(value) if isinstance(value, str) else value


def _summary(found: Found, pods: list[PodSummary], events: list[dict[str, Any]]) -> str:
    text = f"{str(found)[0].upper()}{str(found)[1:]}"
    if found.kind.name == "Pod":
        phase = (found.object.get("status") or {}).get("phase", "Unknown")
        text += f", {phase}"
    if pods:
        ready = sum(len(set(pod.ready.split("/"))) == 1 for pod in pods)
        text += f": {ready} of {count(len(pods), 'pod')} ready"
    warning = next((event for event in events if event["type"] == "Warning"), None)
    if warning:
        text += f". Last warning: {warning['reason']}: {warning['message']}"
    return f"{text.rstrip('.')}."

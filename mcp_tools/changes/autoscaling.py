"""Letting a HorizontalPodAutoscaler choose the number of replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import MAX_REPLICAS, Wanted
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.resolve import SCALABLE, Found
from mcp_tools.errors import NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

METRICS = "/apis/metrics.k8s.io/v1beta1"
MOST_PERCENT = 1000


def autoscale(connection: Connection, found: Found, low: int, high: int, cpu_percent: int) -> Wanted:
    """Keep a workload between two numbers of replicas, by its use of CPU against what it requests.

    Args:
        low, high: The bounds, `low` from 1.
        cpu_percent: The average utilisation that is aimed at.

    Raises:
        UsageError: The bounds are the wrong way round, or the kind has no replicas.
    """
    if found.kind.plural not in SCALABLE:
        raise UsageError(f"A {found.kind.name} cannot be autoscaled.", f"This works on {', '.join(SCALABLE)}.")
    if not 1 <= low <= high <= MAX_REPLICAS or not 1 <= cpu_percent <= MOST_PERCENT:
        raise UsageError(
            f"From {low} to {high} replicas at {cpu_percent} % is no range.",
            "Give 1 or more, the smaller number first.",
        )
    kind = built_in("horizontalpodautoscalers")
    name = _existing(connection, found) or found.name
    utilization = {"type": "Utilization", "averageUtilization": cpu_percent}
    body = {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": name, "namespace": found.namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": found.kind.api_version, "kind": found.kind.name, "name": found.name},
            "minReplicas": low,
            "maxReplicas": high,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
        },
    }
    try:
        live = connection.get_object(kind.path(found.namespace, name))
    except NotFound:
        live = {}
    return Wanted(
        action="autoscale",
        title=f"Autoscale {found} between {low} and {high} replicas at {cpu_percent} % CPU",
        found=Found(kind, found.namespace, name, live),
        arguments={"min": low, "max": high, "cpu_percent": cpu_percent},
        verb=Verb.APPLY,
        body=body,
        notes=tuple(_notes(connection, found)),
    )


def _existing(connection: Connection, found: Found) -> str | None:
    """The autoscaler that the workload has already: two of them would pull in two directions."""
    listed = connection.get_object(built_in("horizontalpodautoscalers").path(found.namespace))
    for item in listed.get("items") or []:
        target: dict[str, Any] = (item.get("spec") or {}).get("scaleTargetRef") or {}
        if (target.get("kind"), target.get("name")) == (found.kind.name, found.name):
            return str(item["metadata"]["name"])
    return None


def _notes(connection: Connection, found: Found) -> list[str]:
    notes = []
    containers = found.object["spec"]["template"]["spec"]["containers"]
    without = [c["name"] for c in containers if "cpu" not in ((c.get("resources") or {}).get("requests") or {})]
    if without:
        notes.append(f"Without a CPU request of {', '.join(without)} there is nothing to scale by.")
    try:
        connection.get(METRICS)
    except NotFound:
        notes.append("The cluster measures nothing (no metrics-server), so nothing will be scaled.")
    return notes

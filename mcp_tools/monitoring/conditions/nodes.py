"""Nodes that are lost or short of something."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_tools.monitoring.conditions.base import Held, Sight, condition
from mcp_tools.monitoring.conditions.objects import moment
from mcp_tools.monitoring.conditions.pods import Nothing
from mcp_tools.reads.answer import count

PRESSURES = {"MemoryPressure": "memory", "DiskPressure": "disk space", "PIDPressure": "process ids"}


@condition("node-not-ready", Nothing, "Node")
def node_not_ready(sight: Sight, given: Nothing) -> Iterator[Held]:  # noqa: ARG001  it has no figures
    """A node is not ready or has fallen silent."""
    for node in sight.snapshot.all("Node"):
        ready = node.conditions.get("Ready", {})
        if ready.get("status") == "True" or node.deleting:
            continue
        said = str(ready.get("message") or ready.get("reason") or "it never said that it is").rstrip(".")
        pods = sight.snapshot.pods_by_node.get(node.name, [])
        yield Held(
            node.ref,
            f"Node {node.name} with {count(len(pods), 'pod')} is not ready: {said}.",
            (f"status.conditions[Ready]: {ready.get('status') or 'none'}, {said}",),
            pods=tuple(pod.ref for pod in pods),
            since=moment(ready.get("lastTransitionTime")),
        )


@condition("node-pressure", Nothing, "Node")
def node_pressure(sight: Sight, given: Nothing) -> Iterator[Held]:  # noqa: ARG001  it has no figures
    """A node runs out of memory, disk space or process ids."""
    for node in sight.snapshot.all("Node"):
        for name, what in PRESSURES.items():
            pressure = node.conditions.get(name, {})
            if pressure.get("status") != "True":
                continue
            said = str(pressure.get("message") or pressure.get("reason") or "no details")
            pods = sight.snapshot.pods_by_node.get(node.name, [])
            yield Held(
                node.ref,
                f"Node {node.name} runs out of {what}.",
                (f"status.conditions[{name}]: {said}",),
                {"condition": name},
                tuple(pod.ref for pod in pods),
                moment(pressure.get("lastTransitionTime")),
            )

"""Worlds with workloads whose need is known, measured minute by minute of the world's own time."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from diagnosis_worlds import InMemory

from mcp_tools.sandbox.world import World
from mcp_tools.usage.recording import Recorder, cluster_id, look

if TYPE_CHECKING:
    from mcp_tools.usage.store import UsageStore

SPACE = "sized"
BEHAVIOUR = "sandbox.shipmate.dev/behavior"


def world(*objects: dict[str, Any]) -> World:
    made = World(1_800_000_000.0, seed=1)
    made.furnish()
    made.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    for one in objects:
        made.add(one)
    made.clock.advance(30)
    return made


def deployment(name: str, behaviour: str, resources: dict[str, Any], replicas: int = 1) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": "nginx:1.27", "resources": resources}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {BEHAVIOUR: behaviour}},
                "spec": {"containers": [container]},
            },
        },
    }


def autoscaler(name: str, low: int, high: int, percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": low,
            "maxReplicas": high,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def observe(made: World, store: UsageStore, seconds: float, every: float = 60.0) -> InMemory:
    """Let the world go on, and record what is seen of it."""
    connection = InMemory(made)
    recorder = Recorder(store, cluster_id(connection))
    for _ in range(round(seconds / every)):
        made.clock.advance(every)
        seen = look(connection, SPACE)
        recorder.record(dataclasses.replace(seen, at=dt.datetime.fromtimestamp(made.clock.now(), dt.UTC)))
    return connection

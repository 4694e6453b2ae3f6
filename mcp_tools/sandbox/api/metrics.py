"""`metrics.k8s.io`: what pods and nodes would use, derived from what they ask for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import rfc3339

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object
    from mcp_tools.sandbox.world import World

_WINDOW = "15s"
_KUBELET_CPU, _KUBELET_MEMORY = 90, 700 * 2**20


def pod_metrics(world: World, namespace: str = "") -> list[Object]:
    """`PodMetrics` of every running pod."""
    pods = world.cluster.all_of("Pod", namespace)
    return [_pod(world, pod) for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]


def node_metrics(world: World) -> list[Object]:
    """`NodeMetrics` of every node: its pods and itself."""
    now = world.clock.now()
    pods: dict[str, list[Object]] = defaultdict(list)
    for pod in world.cluster.all_of("Pod"):
        pods[pod["spec"].get("nodeName") or ""].append(pod)
    found = []
    for node in world.cluster.all_of("Node"):
        cpu, memory = _KUBELET_CPU, _KUBELET_MEMORY
        for pod in pods[node["metadata"]["name"]]:
            for container in pod["spec"]["containers"]:
                used = world.usage(pod, container)
                cpu, memory = cpu + used[0], memory + used[1]
        meta = {
            "name": node["metadata"]["name"],
            "creationTimestamp": rfc3339(now),
            "labels": node["metadata"]["labels"],
        }
        found.append({**_head("NodeMetrics", meta, now), "usage": _shown(cpu, memory)})
    return found


def summary(world: World, node: Object, pods: list[Object]) -> Object:
    """The part of a kubelet's `/stats/summary` that names CPU and memory, in its units: billionths and bytes."""
    now = world.clock.now()

    def level(cpu: int, memory: int) -> Object:
        return {
            "cpu": {"time": rfc3339(now), "usageNanoCores": cpu * 1_000_000},
            "memory": {"time": rfc3339(now), "workingSetBytes": memory},
        }

    cpu, memory, shown = _KUBELET_CPU, _KUBELET_MEMORY, []
    for pod in pods:
        used = [(container["name"], world.usage(pod, container)) for container in pod["spec"]["containers"]]
        cpu, memory = cpu + sum(each[0] for _, each in used), memory + sum(each[1] for _, each in used)
        reference = {field: pod["metadata"][field] for field in ("name", "namespace", "uid")}
        shown.append({"podRef": reference, "containers": [{"name": name, **level(*each)} for name, each in used]})
    return {"node": {"nodeName": node["metadata"]["name"], **level(cpu, memory)}, "pods": shown}


def _pod(world: World, pod: Object) -> Object:
    now = world.clock.now()
    meta = pod["metadata"]
    shown = {"name": meta["name"], "namespace": meta["namespace"], "creationTimestamp": rfc3339(now)}
    if meta.get("labels"):
        shown["labels"] = meta["labels"]
    containers = [
        {
            "name": container["name"],
            "usage": _shown(*world.usage(pod, container)),
        }
        for container in pod["spec"]["containers"]
    ]
    return {**_head("PodMetrics", shown, now), "containers": containers}


def _head(kind: str, meta: Object, now: float) -> Object:
    return {
        "kind": kind,
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": meta,
        "timestamp": rfc3339(now),
        "window": _WINDOW,
    }


def _shown(cpu: int, memory: int) -> Object:
    return {"cpu": f"{cpu}m", "memory": f"{memory // 1024}Ki"}

"""How a namespace is, at a glance: its workloads, its Services, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import Pod, age, is_ready, status_word, summarise
from mcp_tools.reads.answer import Answer, clip, count, listed
from mcp_tools.reads.unseen import Unseen

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

GOOD = frozenset({"Running", "Completed", "Succeeded", "Terminating", "ContainerCreating", "PodInitializing"})
MAX_SHOWN = 40
MAX_PROBLEMS = 15


class _PodItems(msgspec.Struct):
    items: list[Pod] = []


_pods = msgspec.json.Decoder(_PodItems)


def overview(connection: Connection, namespace: str | None, *, all_namespaces: bool = False) -> Answer:
    """Look over one namespace, or all of them; errors as `Connection.get`.

    Returns:
        `context`, `server_version`, `namespace`, `workloads`, `services`, `problems` (one sentence each), how many
        `more` of each there are, those that are not ready first, and `unseen` where rights are missing.

    Raises:
        Forbidden: Nothing of it may be seen.
    """
    where = None if all_namespaces else namespace or connection.namespace
    unseen = Unseen()

    def items(plural: str) -> list[dict[str, Any]]:
        return unseen.look(plural, lambda: _items(connection, built_in(plural).path(where)))

    workloads = [
        _workload(kind, item)
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
        for item in items(f"{kind.lower()}s")
    ]
    services = [_service(item) for item in items("services")]
    pods = unseen.look("pods", lambda: _pods.decode(connection.get(built_in("pods").path(where))).items)
    problems = [*_pod_problems(pods), *_workload_problems(workloads)]
    workloads.sort(key=lambda workload: workload["ready"] >= workload["desired"])
    data = {
        "context": connection.context,
        "server_version": connection.server_version,
        "namespace": where,
        "workloads": workloads[:MAX_SHOWN],
        "services": services[:MAX_SHOWN],
        "problems": problems[:MAX_PROBLEMS],
        "more": {
            "workloads": max(0, len(workloads) - MAX_SHOWN),
            "services": max(0, len(services) - MAX_SHOWN),
            "problems": max(0, len(problems) - MAX_PROBLEMS),
        },
    }
    return unseen.told(Answer(_summary(where, workloads, pods, problems), data))


def _items(connection: Connection, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = connection.get_object(path).get("items") or []
    return items


def _workload(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    if kind == "DaemonSet":
        desired, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    else:
        desired, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    state = "stopped" if not desired else "ready" if ready >= desired else "degraded" if ready else "down"
    if spec.get("paused"):
        state = f"{state}, paused"
    return {
        "kind": kind,
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "ready": ready,
        "desired": desired,
        "images": [container.get("image", "") for container in spec["template"]["spec"]["containers"]],
        "state": state,
        "age": age(metadata.get("creationTimestamp", "")),
    }


def _service(item: dict[str, Any]) -> dict[str, Any]:
    spec = item.get("spec") or {}
    ports = [
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports") or []
    ]
    return {
        "name": item["metadata"]["name"],
        "namespace": item["metadata"]["namespace"],
        "type": spec.get("type", "ClusterIP"),
        "cluster_ip": spec.get("clusterIP", ""),
        "ports": ports,
    }


def _pod_problems(pods: Iterable[Pod]) -> list[str]:
    problems = []
    for pod in pods:
        word = status_word(pod)
        where = f"pod {pod.metadata.namespace}/{pod.metadata.name}"
        if word in GOOD or word.startswith("Init:0"):
            if word == "Running" and not is_ready(pod):
                restarts = summarise(pod).restarts
                problems.append(
                    f"{where} runs but is not ready" + (f" ({count(restarts, 'restart')})" if restarts else "")
                )
            continue
        problems.append(f"{where}: {word}{_detail(pod)}")
    return problems


def _detail(pod: Pod) -> str:
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if status.state.waiting and status.state.waiting.message:
            return f": {clip(status.state.waiting.message, 200)}"
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f": {clip(condition.message, 200)}"
    return ""


def _workload_problems(workloads: list[dict[str, Any]]) -> list[str]:
    return [
        f"{w['kind'].lower()} {w['namespace']}/{w['name']}: {w['ready']} of {w['desired']} ready"
        for w in workloads
        if w["ready"] < w["desired"]
    ]


def _summary(where: str | None, workloads: list[dict[str, Any]], pods: list[Pod], problems: list[str]) -> str:
    place = f"namespace {where}" if where else "all namespaces"
    if not workloads and not pods:
        return f"There is nothing in {place}."
    ready = sum(is_ready(pod) for pod in pods)
    found = f"{count(len(workloads), 'workload')}, {ready} of {count(len(pods), 'pod')} ready"
    text = f"{place[0].upper()}{place[1:]}: {found}"
    return f"{text}. Problems: {listed(problems, 3)}." if problems else f"{text}; nothing is wrong."

"""The question "can X reach Y on this port, and if not, who stops it", asked of a cluster."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import selector_of
from mcp_tools.cluster.resolve import WORKLOADS, Found, find_object
from mcp_tools.diagnosis.network.paths import SYSTEM, Network, can_reach
from mcp_tools.diagnosis.network.policies import End
from mcp_tools.diagnosis.network.services import is_ready
from mcp_tools.errors import ApiError, Forbidden, NotFound, UsageError
from mcp_tools.reads.answer import Answer

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

TRIED = 20
_LIMITS = "Worked out from the objects: whether the network plugin enforces policies, and the program listens, "


def reach(
    connection: Connection, source: str, target: str, namespace: str | None = None, port: int | str | None = None
) -> Answer:
    """Follow a connection from a pod or workload to a Service, workload or pod.

    Args:
        target: As `source`; `service/name` in another namespace as `name.namespace`.
        port: The Service's (by number or name) or the pod's own; None for the only one there is.

    Returns:
        `reachable`, `hops` (step, ok, text, kind, namespace, name, field), `stopped_by` (the last hop, or nothing),
        `not_looked_at`.

    Raises:
        NotFound, Ambiguous, UsageError: No such object, no pod to ask for, or several ports.
        Forbidden: Pods or policies may not be read.
    """
    start = find_object(connection, source, namespace, (*WORKLOADS, "pods"))
    name, space = _place(connection, target, namespace or start.namespace)
    goal = _goal(connection, name, space)
    callers, unseen = _pods(connection, start), [_LIMITS + "was not tried."]
    if not callers:
        raise NotFound(f"{start} has no pods, so nobody calls.", "Scale it up first.")
    is_service = goal.kind.name == "Service"
    spaces = {str(start.namespace), str(goal.namespace)}
    pods = _listed(connection, "pods", str(goal.namespace)) if is_service else _pods(connection, goal)
    if not is_service and not pods:
        raise NotFound(f"{goal} has no pods to be reached.", "Scale it up first.")
    network = Network(
        pods,
        [goal.object] if is_service else [],
        [policy for each in sorted(spaces) for policy in _listed(connection, "networkpolicies", each)],
        _spaces(connection, spaces, unseen),
        _name_servers(connection, unseen),
    )
    ends = [goal.object] if is_service else sorted(pods, key=is_ready, reverse=True)[:TRIED]
    wanted = port if port is not None else _only_port(goal, ends[0])
    ways = [can_reach(network, caller, end, wanted) for caller in callers[:TRIED] for end in ends]
    way = next((way for way in ways if way.stopped_by), ways[0])
    stopped = way.stopped_by
    able, why = ("cannot", f": {stopped.text}") if stopped else ("can", "")
    data: dict[str, Any] = {
        "from": str(start),
        "to": str(goal),
        "port": wanted,
        "reachable": stopped is None,
        "hops": [asdict(hop) for hop in way.hops],
        "stopped_by": asdict(stopped) if stopped else None,
        "not_looked_at": unseen,
    }
    return Answer(f"{start} {able} reach {goal} on port {wanted}{why}.", data)


def _goal(connection: Connection, name: str, space: str | None) -> Found:
    """Programs call Services: of a Service and a workload of one name, the Service is meant."""
    if "/" not in name:
        try:
            return find_object(connection, name, space, ("services",))
        except (NotFound, Forbidden):
            pass
    return find_object(connection, name, space, ("services", *WORKLOADS, "pods"))


def _place(connection: Connection, target: str, namespace: str | None) -> tuple[str, str | None]:
    """`name.namespace`, as programs write it, where there is such a namespace."""
    name, dot, space = target.removesuffix(".cluster.local").removesuffix(".svc").rpartition(".")
    if not dot:
        return target, namespace
    try:
        connection.get_object(built_in("namespaces").path(None, space))
    except (NotFound, ApiError):
        return target, namespace
    return name, space


def _pods(connection: Connection, found: Found) -> list[dict[str, Any]]:
    if found.kind.name == "Pod":
        return [found.object]
    selector = selector_of(found.object)
    if not selector:
        raise UsageError(f"{found} has no pods of its own.", "Name a pod, a workload or a Service.")
    pods = _listed(connection, "pods", str(found.namespace), selector)
    living = [pod for pod in pods if (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}]
    return [pod for pod in living if not pod["metadata"].get("deletionTimestamp")]


def _listed(connection: Connection, plural: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
    import msgspec

    query = [("labelSelector", selector)] if selector else []
    raw = connection.get(built_in(plural).path(namespace), query)
    found: list[dict[str, Any]] = msgspec.json.decode(raw).get("items") or []
    return found


def _spaces(connection: Connection, names: set[str], unseen: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in sorted(names):
        try:
            space = connection.get_object(built_in("namespaces").path(None, name))
        except Forbidden:
            unseen.append(f"The labels of namespace {name} (not allowed)")
        else:
            found[name] = space["metadata"].get("labels") or {}
    return found


def _name_servers(connection: Connection, unseen: list[str]) -> tuple[End, ...]:
    try:
        pods = _listed(connection, "pods", SYSTEM, "k8s-app=kube-dns")
        labels = connection.get_object(built_in("namespaces").path(None, SYSTEM))["metadata"].get("labels") or {}
    except (Forbidden, NotFound):
        unseen.append("The cluster's name server (not allowed); its usual labels are assumed")
        return ()
    return tuple(
        End(
            pod["metadata"]["name"],
            SYSTEM,
            pod["metadata"].get("labels") or {},
            labels,
            (pod.get("status") or {}).get("podIP") or "",
        )
        for pod in pods
    )


def _only_port(goal: Found, end: dict[str, Any]) -> int | str:
    if goal.kind.name == "Service":
        ports = [int(port["port"]) for port in goal.object["spec"].get("ports") or ()]
    else:
        containers = end["spec"].get("containers") or ()
        ports = [int(port["containerPort"]) for one in containers for port in one.get("ports") or ()]
    if len(ports) != 1:
        raise UsageError(f"{goal} has {len(ports)} ports.", f"Name one of: {', '.join(map(str, ports)) or 'none'}.")
    return ports[0]

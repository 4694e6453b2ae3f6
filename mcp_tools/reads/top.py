"""What pods and nodes use, against what they asked for and may use (metrics.k8s.io)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import built_in
from mcp_tools.reads.answer import Answer, count
from mcp_tools.reads.unseen import Unseen
from mcp_tools.usage.reading import Amounts, container_usage, node_usage

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MIB = 1024 * 1024


class _Meta(msgspec.Struct):
    name: str
    namespace: str = ""


class _Resources(msgspec.Struct):
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}


class _Container(msgspec.Struct):
    resources: _Resources = msgspec.field(default_factory=_Resources)


class _PodSpec(msgspec.Struct):
    containers: list[_Container] = []


class _Pod(msgspec.Struct):
    metadata: _Meta
    spec: _PodSpec = msgspec.field(default_factory=_PodSpec)


class _NodeStatus(msgspec.Struct):
    allocatable: dict[str, str] = {}


class _Node(msgspec.Struct):
    metadata: _Meta
    status: _NodeStatus = msgspec.field(default_factory=_NodeStatus)


class _List(msgspec.Struct):
    items: list[msgspec.Raw] = []


@dataclass(slots=True)
class _Bounds:
    requests: Amounts = field(default_factory=Amounts)
    limits: Amounts = field(default_factory=Amounts)


def top(
    connection: Connection,
    what: str,
    namespace: str | None,
    *,
    all_namespaces: bool = False,
    sort_by: str = "cpu",
    limit: int = 50,
) -> Answer:
    """The biggest users first.

    Args:
        what: `pods` or `nodes`.
        sort_by: `cpu` or `memory`.

    Returns:
        `rows` (name, namespace, cpu_millicores, memory_mib, and the percentages of requests and limits, or of what a
        node can give; None where nothing is set), `total`, `shown`.

    Raises:
        NotFound: The cluster measures nothing: no metrics-server.
        ShipmateError: As `Connection.get`.
    """
    where = None if all_namespaces else namespace or connection.namespace
    unseen = Unseen()
    rows = _nodes(connection, unseen) if what == "nodes" else _pods(connection, where, unseen)
    key = "cpu_millicores" if sort_by == "cpu" else "memory_mib"
    rows.sort(key=lambda row: row[key], reverse=True)
    shown = rows[:limit]
    cpu, memory = sum(row["cpu_millicores"] for row in rows), sum(row["memory_mib"] for row in rows)
    place = "" if what == "nodes" else f" in namespace {where}" if where else " in all namespaces"
    summary = f"{count(len(rows), what.removesuffix('s'))}{place} use {cpu}m CPU and {memory} MiB of memory."
    if not rows:
        summary = f"Nothing is measured{place} yet."
    answer = Answer(summary, {"what": what, "rows": shown, "total": len(rows), "shown": len(shown)})
    return unseen.told(answer, needs=0)


def _pods(connection: Connection, namespace: str | None, unseen: Unseen) -> list[dict[str, Any]]:
    measured: dict[tuple[str, str], Amounts] = defaultdict(Amounts)
    for item in container_usage(connection, namespace):
        measured[item.namespace, item.pod].cpu += item.cpu
        measured[item.namespace, item.pod].memory += item.memory
    bounds: dict[tuple[str, str], _Bounds] = {}
    asked = "what pods ask for"
    for raw in unseen.look(asked, lambda: _items(connection.get(built_in("pods").path(namespace)))):
        pod = msgspec.json.decode(raw, type=_Pod)
        bound = bounds[pod.metadata.namespace, pod.metadata.name] = _Bounds()
        for container in pod.spec.containers:
            bound.requests.add(container.resources.requests)
            bound.limits.add(container.resources.limits)
    rows = []
    for (space, name), used in measured.items():
        bound = bounds.get((space, name), _Bounds())
        rows.append(
            {
                "name": name,
                "namespace": space,
                **_shown(used),
                "cpu_of_request": _share(used.cpu, bound.requests.cpu),
                "cpu_of_limit": _share(used.cpu, bound.limits.cpu),
                "memory_of_request": _share(used.memory, bound.requests.memory),
                "memory_of_limit": _share(used.memory, bound.limits.memory),
            }
        )
    return rows


def _nodes(connection: Connection, unseen: Unseen) -> list[dict[str, Any]]:
    can_give: dict[str, Amounts] = {}
    for raw in unseen.look("what nodes can give", lambda: _items(connection.get(built_in("nodes").path()))):
        node = msgspec.json.decode(raw, type=_Node)
        can_give[node.metadata.name] = Amounts()
        can_give[node.metadata.name].add(node.status.allocatable)
    rows = []
    for item in node_usage(connection):
        most = can_give.get(item.node, Amounts())
        rows.append(
            {
                "name": item.node,
                **_shown(Amounts(item.cpu, item.memory)),
                "cpu_of_allocatable": _share(item.cpu, most.cpu),
                "memory_of_allocatable": _share(item.memory, most.memory),
            }
        )
    return rows


def _shown(used: Amounts) -> dict[str, int]:
    cpu = int((used.cpu * 1000).to_integral_value(ROUND_CEILING))
    return {"cpu_millicores": cpu, "memory_mib": int(used.memory) // MIB}


def _share(used: Decimal, most: Decimal) -> int | None:
    return round(100 * used / most) if most else None


def _items(raw: bytes) -> list[msgspec.Raw]:
    return msgspec.json.decode(raw, type=_List).items

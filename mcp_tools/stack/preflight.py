"""What must hold before the stack is deployed: room, ports, images, secrets. Every obstacle is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from mcp_tools.errors import Forbidden, ShipmateError
from mcp_tools.quantity import parse, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.stack.objects import Object

NODE_PORTS = range(30080, 30100)
MEBI = 2**20
PART_OF = "app.kubernetes.io/part-of"


class NotReady(ShipmateError):
    """Something must be put right before the stack can be deployed; nothing was changed."""

    code: ClassVar[str] = "not_ready"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        detail: What was found, or what to do.
        ok: It holds; None where it could not be looked at.
    """

    name: str
    detail: str
    ok: bool | None


def require(checks: Iterable[Check]) -> None:
    """Raise `NotReady` with everything that does not hold."""
    wrong = [f"{check.name}: {check.detail}" for check in checks if check.ok is False]
    if wrong:
        raise NotReady(f"The todo stack cannot be deployed yet: {'; '.join(wrong)}.", "Put that right and ask again.")


def items(connection: Connection, path: str) -> list[Object] | None:
    """The objects of a list; None where they may not be seen."""
    try:
        return list(connection.get_object(path).get("items") or [])
    except Forbidden:
        return None


def room(
    nodes: Sequence[Object] | None, pods: Sequence[Object] | None, namespace: str, wanted: Iterable[Object]
) -> Check:
    """Whether the CPU and memory that the stack requests are free on the nodes, all of them together."""
    if nodes is None or pods is None:
        return Check("room", "nodes and pods of all namespaces may not be seen", ok=None)
    usable = [node for node in nodes if not (node.get("spec") or {}).get("unschedulable")]
    needed = [_requests(document["spec"]["template"]["spec"], _replicas(document)) for document in _workloads(wanted)]
    taken = [_requests(pod["spec"], 1) for pod in pods if _counts(pod, namespace)]
    free_cpu = sum((parse(_allocatable(node, "cpu")) for node in usable), Decimal(0)) - sum(cpu for cpu, _ in taken)
    free_memory = sum(whole(_allocatable(node, "memory")) for node in usable) - sum(memory for _, memory in taken)
    cpu, memory = sum((cpu for cpu, _ in needed), Decimal(0)), sum(memory for _, memory in needed)
    where = "1 node" if len(usable) == 1 else f"{len(usable)} nodes"
    said = (
        f"{_cores(cpu)} CPU and {memory // MEBI} MiB requested, "
        f"{_cores(free_cpu)} CPU and {free_memory // MEBI} MiB free on {where}"
    )
    return Check("room", said, ok=cpu <= free_cpu and memory <= free_memory)


def _workloads(documents: Iterable[Object]) -> list[Object]:
    return [document for document in documents if document["kind"] in {"Deployment", "StatefulSet"}]


def _replicas(document: Object) -> int:
    return int(document["spec"].get("replicas", 1))


def _counts(pod: Object, namespace: str) -> bool:
    """Whether a pod takes room that stays taken: it runs, and is none that this deployment replaces."""
    ended = (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
    metadata = pod["metadata"]
    ours = metadata["namespace"] == namespace and (metadata.get("labels") or {}).get(PART_OF) == "todo"
    return not ended and not ours and bool(pod["spec"].get("nodeName"))


def _requests(spec: dict[str, Any], replicas: int) -> tuple[Decimal, int]:
    asked = [(container.get("resources") or {}).get("requests") or {} for container in spec["containers"]]
    cpu = sum((parse(given.get("cpu", "0")) for given in asked), Decimal(0))
    return cpu * replicas, sum(whole(given.get("memory", "0")) for given in asked) * replicas


def _allocatable(node: Object, name: str) -> str:
    return str(((node.get("status") or {}).get("allocatable") or {}).get(name, "0"))


def _cores(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01')).normalize():f}"


def free_node_port(services: Sequence[Object] | None, own: int | None) -> tuple[int | None, Check]:
    """A port of the nodes for the frontend: the one it has, or else a free one."""
    if own:
        return own, Check("ports", f"the frontend keeps port {own} of the nodes", ok=True)
    if services is None:
        return None, Check("ports", "Services of all namespaces may not be seen: the cluster chooses the port", ok=None)
    taken = {port.get("nodePort") for service in services for port in service["spec"].get("ports") or []}
    port = next((port for port in NODE_PORTS if port not in taken), None)
    if port is None:
        return None, Check(
            "ports", f"all node ports from {NODE_PORTS.start} to {NODE_PORTS.stop - 1} are taken", ok=False
        )
    return port, Check("ports", f"port {port} of the nodes is free", ok=True)

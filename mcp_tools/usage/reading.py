"""What containers and nodes use at this moment, as metrics.k8s.io says (metrics-server, or whatever serves it)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.errors import ApiError, NotFound
from mcp_tools.quantity import parse

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

METRICS = "/apis/metrics.k8s.io/v1beta1"
SERVICE_UNAVAILABLE = 503


@dataclass(slots=True)
class Amounts:
    """CPU in cores, memory in bytes; exact, since what is rounded for each container adds up to too much."""

    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)

    def add(self, quantities: dict[str, str]) -> None:
        """Add what a list of resources names, such as `{"cpu": "250m", "memory": "64Mi"}`."""
        self.cpu += parse(quantities.get("cpu", "0"))
        self.memory += parse(quantities.get("memory", "0"))


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """One measurement of one container.

    Attributes:
        cpu: Cores, on average over the window.
        memory: Bytes of its working set at the end of the window, which is what the kernel's limit is held against.
        at: The end of the window, RFC 3339.
    """

    namespace: str
    pod: str
    container: str
    cpu: Decimal
    memory: Decimal
    at: str


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """One measurement of one node, as `ContainerUsage`."""

    node: str
    cpu: Decimal
    memory: Decimal
    at: str


class _Meta(msgspec.Struct):
    name: str
    namespace: str = ""


class _Container(msgspec.Struct):
    name: str = ""
    usage: dict[str, str] = {}


class _Pod(msgspec.Struct):
    metadata: _Meta
    timestamp: str = ""
    containers: list[_Container] = []


class _Node(msgspec.Struct):
    metadata: _Meta
    timestamp: str = ""
    usage: dict[str, str] = {}


class _Pods(msgspec.Struct):
    items: list[_Pod] = []


class _Nodes(msgspec.Struct):
    items: list[_Node] = []


_pods = msgspec.json.Decoder(_Pods)
_nodes = msgspec.json.Decoder(_Nodes)


def container_usage(connection: Connection, namespace: str | None) -> list[ContainerUsage]:
    """The containers of one namespace, or of all (None). A pod that has just begun is not measured yet.

    Raises:
        NotFound: The cluster measures nothing: no metrics-server.
        ShipmateError: As `Connection.get`.
    """
    place = f"/namespaces/{namespace}" if namespace else ""
    return [
        ContainerUsage(pod.metadata.namespace, pod.metadata.name, part.name, used.cpu, used.memory, pod.timestamp)
        for pod in _pods.decode(_measured(connection, f"{place}/pods")).items
        for part in pod.containers
        for used in [_amounts(part.usage)]
    ]


def node_usage(connection: Connection) -> list[NodeUsage]:
    """The nodes; errors as `container_usage`."""
    return [
        NodeUsage(node.metadata.name, used.cpu, used.memory, node.timestamp)
        for node in _nodes.decode(_measured(connection, "/nodes")).items
        for used in [_amounts(node.usage)]
    ]


def _amounts(quantities: dict[str, str]) -> Amounts:
    amounts = Amounts()
    amounts.add(quantities)
    return amounts


def _measured(connection: Connection, path: str) -> bytes:
    missing = "The cluster measures nothing: metrics.k8s.io is not served."
    try:
        return connection.get(f"{METRICS}{path}")
    except NotFound as error:
        raise NotFound(missing, "Install metrics-server.") from error
    except ApiError as error:
        if error.status == SERVICE_UNAVAILABLE:
            raise NotFound(missing, "metrics-server is registered and does not answer; look at its pods.") from error
        raise

"""The cluster as it is before the stack is deployed on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from mcp_tools.errors import Forbidden, NotFound
from mcp_tools.stack.images import PROGRAMS
from mcp_tools.stack.objects import CONFIG_MARK, ENVIRONMENT, SECRET_MARK
from mcp_tools.stack.preflight import items
from mcp_tools.stack.settings import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.stack.objects import Object

INGRESS_CLASS = "nginx"
INGRESS_URL = "http://todo.local"
FORWARDED_URL = "http://localhost:3000"
"""Where nothing outside of the cluster leads to the stack; `open the todo stack` does."""
MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there.

    Attributes:
        simulated: It is the sandbox: no image is pulled and no address leads anywhere.
        nodes, pods, services: Of all namespaces; None where they may not be seen.
        config: The stack's settings.
        frontend: Its Service; empty where there is none.
        ingress: There is a controller for the stack's Ingress.
        running: The image of each program that is deployed.
        marked: Their pods bear a checksum of the settings and secrets; a release's settings are the chart's to mark.
        by_helm: They are a Helm release's.
        environment: What the stack was deployed for, as far as its namespace says so.
    """

    simulated: bool
    nodes: list[Object] | None
    pods: list[Object] | None
    services: list[Object] | None
    config: Mapping[str, str]
    frontend: Mapping[str, Any]
    ingress: bool
    running: Mapping[str, str]
    marked: bool
    by_helm: bool
    environment: Environment


def look(connection: Connection, namespace: str) -> Seen:
    """Look at a cluster and the stack's namespace on it; errors as `Connection.get`."""
    services = items(connection, "/api/v1/services")
    classes = items(connection, "/apis/networking.k8s.io/v1/ingressclasses") or []
    deployments = items(connection, f"/apis/apps/v1/namespaces/{namespace}/deployments") or []
    running = {
        document["metadata"]["name"]: document["spec"]["template"]["spec"]["containers"][0]["image"]
        for document in deployments
        if document["metadata"]["name"] in PROGRAMS
    }
    by_helm = any(is_helms(document) for document in deployments)
    mark = SECRET_MARK if by_helm else CONFIG_MARK
    return Seen(
        simulated=is_simulated(connection),
        nodes=items(connection, "/api/v1/nodes"),
        pods=items(connection, "/api/v1/pods"),
        services=services,
        config=_get(connection, f"/api/v1/namespaces/{namespace}/configmaps/backend-config").get("data") or {},
        frontend=_get(connection, f"/api/v1/namespaces/{namespace}/services/frontend"),
        ingress=any(document["metadata"]["name"] == INGRESS_CLASS for document in classes),
        running=running,
        by_helm=by_helm,
        environment=_environment(connection, namespace),
        marked=any(mark in _annotations(document) for document in deployments),
    )


def is_simulated(connection: Connection) -> bool:
    """Whether a cluster is the sandbox, however it is reached."""
    return "shipmate" in connection.check().git_version


def _environment(connection: Connection, namespace: str) -> Environment:
    try:
        found = _get(connection, f"/api/v1/namespaces/{namespace}")
    except Forbidden:
        # Who may not look at it may deploy in it all the same, and says what for.
        return "dev"
    labels = (found.get("metadata") or {}).get("labels") or {}
    return next((one for one in get_args(Environment) if labels.get(ENVIRONMENT) == one), "dev")


def is_helms(document: Object) -> bool:
    """Whether an object is a Helm release's."""
    return (document["metadata"].get("labels") or {}).get(MANAGED_BY) == "Helm"


def _annotations(workload: Object) -> Mapping[str, str]:
    return workload["spec"]["template"]["metadata"].get("annotations") or {}


def _get(connection: Connection, path: str) -> dict[str, Any]:
    try:
        return connection.get_object(path)
    except NotFound:
        return {}


def node_port_of(service: Mapping[str, Any]) -> int | None:
    """The port of the nodes that a Service has; None where it has none."""
    ports = (service.get("spec") or {}).get("ports") or []
    return next((int(port["nodePort"]) for port in ports if port.get("nodePort")), None)


def url_of(seen: Seen, node_port: int | None, *, on_nodes: bool) -> str:
    """The address in the browser's address bar: the Ingress's where it is served, else a node's.

    Args:
        on_nodes: The frontend gets a port of the nodes.
    """
    if not (seen.ingress or on_nodes):
        return FORWARDED_URL
    addresses = [
        address["address"]
        for kind in ("ExternalIP", "InternalIP")
        for node in seen.nodes or []
        for address in (node.get("status") or {}).get("addresses") or []
        if address["type"] == kind
    ]
    if seen.ingress or not (addresses and node_port):
        return INGRESS_URL
    return f"http://{addresses[0]}:{node_port}"

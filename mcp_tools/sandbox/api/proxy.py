"""`pods/proxy`, `services/proxy` and `nodes/proxy`: requests that the API server passes on (apimachinery/util/proxy).

Simulated containers answer as they answer their probes; a node answers what its kubelet would, of the little that is
asked of one in practice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_tools.sandbox.api import metrics
from mcp_tools.sandbox.api.response import Response, json_response
from mcp_tools.sandbox.objects.errors import Refused, bad_request, no_such_path

if TYPE_CHECKING:
    from mcp_tools.sandbox.api.request import Address, Request
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object
    from mcp_tools.sandbox.world import World

# As apimachinery's SplitSchemeNamePort: name, name:port, scheme:name:port.
_TARGET = re.compile(r"(?:(?P<scheme>https?|):)?(?P<name>[^:]+)(?::(?P<port>[^:]*))?")
_PATH = re.compile(r"/api/v1(?:/namespaces/[^/]+)?/(?:pods|services|nodes)/[^/]+/proxy(?P<rest>/.*)?")
_MAX_DIGITS = 5
_OTHER_PROTOCOLS = {3306, 5432, 5672, 6379, 27017}
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"


def serve(world: World, request: Request, kind: Kind, address: Address) -> Response:
    """What answers at the other end.

    Raises:
        Refused: 400, 404, or 503 where nobody answers.
    """
    if kind.namespaced and not address.namespace:
        raise no_such_path()
    found = _PATH.fullmatch(request.path)
    rest = found["rest"] if found else None
    target = _TARGET.fullmatch(address.name)
    if target is None:
        raise bad_request(f'invalid {kind.name.lower()} request "{address.name}"')
    if kind.name == "Node":
        return _node(world, world.registry.get(kind, "", target["name"]), rest or "/")
    find = _service_backend if kind.name == "Service" else _pod_backend
    pod, port = find(world, address.namespace, target["name"], target["port"] or "")
    if not rest and request.method in {"GET", "HEAD"}:
        query = "&".join(f"{key}={value}" for key, values in request.query.items() for value in values)
        return Response(301, headers={"Location": f"{request.path}/{f'?{query}' if query else ''}"})
    return _forwarded(world, pod, port, target["scheme"] or "http", rest or "/")


def _pod_backend(world: World, namespace: str, name: str, port: str) -> tuple[Object, int]:
    pod = world.registry.get(world.kinds.named("Pod"), namespace, name)
    if not port:
        declared = (item for container in pod["spec"]["containers"] for item in container.get("ports") or ())
        port = str(next((item["containerPort"] for item in declared), ""))
    if not (pod.get("status") or {}).get("podIP"):
        raise bad_request("address not allowed")
    return pod, _number(port, 80)


def _service_backend(world: World, namespace: str, name: str, port: str) -> tuple[Object, int]:
    service = world.registry.get(world.kinds.named("Service"), namespace, name)
    if port.isdecimal():
        ports = service["spec"].get("ports") or ()
        known = next((item for item in ports if str(item["port"]) == port), None)
        if known is None:
            raise _unavailable(f'no service port {port} found for service "{name}"')
        port = known.get("name", "")
    endpoints = world.registry.store.get(world.kinds.named("Endpoints"), namespace, name) or {}
    for subset in endpoints.get("subsets") or ():
        for entry in subset.get("ports") or ():
            for backend in subset.get("addresses") or ():
                pod_name = (backend.get("targetRef") or {}).get("name", "")
                pod = world.registry.store.get(world.kinds.named("Pod"), namespace, pod_name)
                if pod is not None and entry.get("name", "") == port:
                    return pod, entry["port"]
    raise _unavailable(f'no endpoints available for service "{name}"')


def _number(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else default


def _forwarded(world: World, pod: Object, port: int, scheme: str, path: str) -> Response:
    where = f"{pod['status']['podIP']}:{port}"
    container = world.kubelet.listener(pod, port)
    if container is None:
        raise _unreachable(f"dial tcp {where}: connect: connection refused")
    if scheme == "https":
        raise _unreachable("http: server gave HTTP response to HTTPS client")
    if not container.behaviour.status or port in _OTHER_PROTOCOLS:
        raise _unreachable("EOF")
    status, body = world.kubelet.http_answer(container, port, path)
    return Response(status, body.encode(), "application/json" if body.startswith("{") else _HTML)


def _unavailable(message: str) -> Refused:
    return Refused(503, "ServiceUnavailable", message)


def _unreachable(why: str) -> Refused:
    return _unavailable(f"error trying to reach service: {why}")


def _node(world: World, node: Object, path: str) -> Response:
    name = node["metadata"]["name"]
    pods = [pod for pod in world.cluster.all_of("Pod") if pod["spec"].get("nodeName") == name]
    match path.rstrip("/"):
        case "/healthz":
            return Response(200, b"ok", _TEXT)
        case "/pods" | "/runningpods":
            items = [{key: value for key, value in pod.items() if key not in {"kind", "apiVersion"}} for pod in pods]
            return json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
        case "/stats/summary":
            return json_response(metrics.summary(world, node, pods))
    return Response(404, b"404 page not found\n", _TEXT)

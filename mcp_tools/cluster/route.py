"""From what a port is to lead to, to one pod that is ready and the port of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import is_ready, list_pods, selector_of
from mcp_tools.errors import NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found


class Route:
    """From what was named to a pod that is ready and its port."""

    def __init__(self, connection: Connection, found: Found, port: int | None) -> None:
        self.connection = connection
        self.found = found
        self._port = port

    def pick(self, before: str = "") -> tuple[str, int]:
        """A pod and its port; the pod that it was before, while that is ready.

        Raises:
            NotFound: There is no pod that is ready.
            UsageError: The port is unknown.
        """
        found = self.found
        if found.kind.plural == "pods":
            obj = self.connection.get_object(found.kind.path(found.namespace, found.name))
            if obj["status"].get("phase") != "Running":
                raise NotFound(f"{found} does not run.", "describe shows why.")
            return found.name, self._port or self._only(_container_ports(obj))
        if found.kind.plural == "services":
            selector = ",".join(f"{key}={value}" for key, value in (found.object["spec"].get("selector") or {}).items())
        else:
            selector = selector_of(found.object)
        if not selector:
            raise UsageError(f"{found} selects no pods.", "Name a pod or a workload.")
        pods = [pod for pod in list_pods(self.connection, found.namespace or "", selector) if is_ready(pod)]
        if not pods:
            raise NotFound(f"No pod of {found} is ready.", "describe shows why.")
        names = [pod.metadata.name for pod in pods]
        name = before if before in names else names[0]
        return name, self._port_in(name)

    def _port_in(self, pod: str) -> int:
        if self.found.kind.plural != "services":
            template = self.found.object["spec"]["template"]
            return self._port or self._only(_container_ports(template))
        ports = self.found.object["spec"].get("ports") or []
        wanted = self._port or self._only([item["port"] for item in ports])
        entry = next((item for item in ports if item["port"] == wanted), None)
        if entry is None:
            offered = ", ".join(str(item["port"]) for item in ports) or "none"
            raise UsageError(f"{self.found} has no port {wanted}.", f"It has: {offered}.")
        if entry.get("protocol", "TCP") != "TCP":
            raise UsageError(f"Port {wanted} of {self.found} is {entry['protocol']}; only TCP is forwarded.", "")
        target = entry.get("targetPort", wanted)
        if isinstance(target, int):
            return target
        obj = self.connection.get_object(built_in("pods").path(self.found.namespace, pod))
        named = {
            port.get("name"): port["containerPort"]
            for container in obj["spec"]["containers"]
            for port in container.get("ports") or []
        }
        if target not in named:
            raise UsageError(f"Pod {pod} has no port named {target!r}, which {self.found} leads to.", "")
        return int(named[target])

    def _only(self, ports: list[int]) -> int:
        if len(ports) != 1:
            known = f"It has: {', '.join(map(str, ports))}." if ports else "It declares none."
            raise UsageError(f"Which port of {self.found}?", known)
        return int(ports[0])


def _container_ports(obj: dict[str, Any]) -> list[int]:
    return [
        port["containerPort"]
        for container in obj["spec"]["containers"]
        for port in container.get("ports") or []
        if port.get("protocol", "TCP") == "TCP"
    ]

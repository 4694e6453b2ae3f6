"""APIServices: whether what stands behind an aggregated API is there (kube-aggregator, controllers/status)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key, condition, key_of

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

METRICS = "v1beta1.metrics.k8s.io"


class APIServiceController(Controller):
    """Writes the condition `Available`."""

    watches = ("APIService", "Service", "Endpoints")

    def keys(self, change: Change) -> Iterable[Key]:
        """The APIService itself, or those behind a Service."""
        if change.kind.name == "APIService":
            return [key_of(change.obj)]
        place = key_of(change.obj)
        return [key_of(found) for found in self.cluster.all_of("APIService") if _service_of(found) == place]

    def reconcile(self, key: Key) -> float | None:
        """Judge one APIService."""
        found = self.cluster.get("APIService", *key)
        if found is None:
            return None
        status, reason, message = self._judge(found)
        known = condition(found, "Available")
        if (known.get("status"), known.get("reason")) != (status, reason):
            moment = known["lastTransitionTime"] if known.get("status") == status else self.cluster.now()
            entry = {"type": "Available", "status": status, "lastTransitionTime": moment, "reason": reason}
            self.cluster.set_status(found, {"conditions": [{**entry, "message": message}]})
        return None

    def _judge(self, found: Object) -> tuple[str, str, str]:
        place = _service_of(found)
        if place is None:
            return "True", "Local", "Local APIServices are always available"
        namespace, name = place
        if self.cluster.get("Service", namespace, name) is None:
            return "False", "ServiceNotFound", f'service/{name} in "{namespace}" is not present'
        endpoints = self.cluster.get("Endpoints", namespace, name)
        if not any(subset.get("addresses") for subset in (endpoints or {}).get("subsets") or ()):
            words = f'endpoints for service/{name} in "{namespace}" have no addresses with port name "https"'
            return "False", "MissingEndpoints", words
        return "True", "Passed", "all checks passed"


def _service_of(found: Object) -> Key | None:
    service = found["spec"].get("service")
    return (service.get("namespace", ""), service.get("name", "")) if service else None


def why_unserved(cluster: Cluster, name: str) -> str:
    """What a client of an aggregated API is told; empty while it is served."""
    found = cluster.get("APIService", "", name)
    if found is None:
        return "the server could not find the requested resource"
    if condition(found, "Available").get("status") == "False":
        return "the server is currently unable to handle the request"
    return ""

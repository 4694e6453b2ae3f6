"""EndpointSlices and Endpoints: which pods stand behind a Service (kubernetes/pkg/controller/endpointslice)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.controllers.base import Controller, Key, is_ready, key_of, reference
from mcp_tools.sandbox.objects.names import generate
from mcp_tools.sandbox.objects.selectors import match_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

_SERVICE = "kubernetes.io/service-name"
_BY = "endpointslice.kubernetes.io/managed-by"
_CONTROLLER = "endpointslice-controller.k8s.io"


class EndpointsController(Controller):
    """Follows Services and the pods that their selectors pick."""

    watches = ("Service", "Pod")

    def keys(self, change: Change) -> Iterable[Key]:
        """The Service, or the Services that pick the pod or picked it."""
        if change.kind.name == "Service":
            return [key_of(change.obj)]
        labels = [obj["metadata"].get("labels") or {} for obj in (change.obj, change.before) if obj is not None]
        return [
            key_of(service)
            for service in self.cluster.all_of("Service", change.obj["metadata"]["namespace"])
            if any(match_labels(service["spec"].get("selector") or {})(each) for each in labels)
        ]

    def reconcile(self, key: Key) -> float | None:
        """Write the endpoints of one Service."""
        service = self.cluster.get("Service", *key)
        if service is None:
            for kind in ("Endpoints",):
                stale = self.cluster.get(kind, *key)
                if stale is not None and not stale["metadata"].get("ownerReferences"):
                    self.cluster.delete(stale)
            return None
        selector = service["spec"].get("selector")
        if not selector or service["spec"].get("type") == "ExternalName":
            return None
        picks = match_labels(selector)
        pods = [
            pod
            for pod in self.cluster.all_of("Pod", key[0])
            if picks(pod["metadata"].get("labels") or {})
            and (pod.get("status") or {}).get("podIP")
            and pod["status"].get("phase") not in {"Succeeded", "Failed"}
        ]
        groups = self._by_ports(service, pods)
        self._write_slices(service, groups)
        self._write_endpoints(service, groups)
        return None

    def _by_ports(self, service: Object, pods: list[Object]) -> list[tuple[list[Object], list[Object]]]:
        groups: dict[str, tuple[list[Object], list[Object]]] = {}
        for pod in pods:
            ports = [
                {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
                for port in service["spec"].get("ports") or ()
                if (number := target_port(port, pod)) is not None
            ]
            groups.setdefault(repr(ports), (ports, []))[1].append(pod)
        return list(groups.values())

    def _write_slices(self, service: Object, groups: list[tuple[list[Object], list[Object]]]) -> None:
        existing = self.cluster.owned(service, "EndpointSlice")
        meta = service["metadata"]
        wanted = groups or [([], [])]
        for index, (ports, pods) in enumerate(wanted):
            body: Object = {
                "addressType": "IPv4",
                "endpoints": [_endpoint(pod) for pod in pods],
                "ports": ports,
            }
            if index < len(existing):
                current = existing[index]
                if any(current.get(field) != value for field, value in body.items()):
                    self.cluster.modify(current, lambda draft, body=body: draft.update(body))  # type: ignore[misc]
                continue
            labels = {**(meta.get("labels") or {}), _SERVICE: meta["name"], _BY: _CONTROLLER}
            made = {
                "name": generate(f"{meta['name']}-", self.cluster.registry.random),
                "generateName": f"{meta['name']}-",
                "namespace": meta["namespace"],
                "labels": labels,
                "ownerReferences": [reference(service)],
            }
            self.cluster.create("EndpointSlice", {"metadata": made, **body})
        for surplus in existing[len(wanted) :]:
            self.cluster.delete(surplus)

    def _write_endpoints(self, service: Object, groups: list[tuple[list[Object], list[Object]]]) -> None:
        subsets = []
        for ports, pods in groups:
            live = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
            subset: Object = {"ports": ports}
            for field, wanted in (("addresses", True), ("notReadyAddresses", False)):
                found = [_address(pod) for pod in live if is_ready(pod) is wanted]
                if found:
                    subset[field] = found
            if len(subset) > 1:
                subsets.append(subset)
        meta = service["metadata"]
        current = self.cluster.get("Endpoints", meta["namespace"], meta["name"])
        if current is None:
            labels = {**(meta.get("labels") or {}), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
            made = {"name": meta["name"], "namespace": meta["namespace"], "labels": labels}
            self.cluster.create("Endpoints", {"metadata": made, **({"subsets": subsets} if subsets else {})})
        elif (current.get("subsets") or []) != subsets:
            self.cluster.modify(current, lambda draft: draft.update(subsets=subsets))


def target_port(port: Object, pod: Object) -> int | None:
    """The number of a Service port's target in a pod; `None` where a named port is missing there."""
    target: Any = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for container in pod["spec"].get("containers") or ():
        for offered in container.get("ports") or ():
            if offered.get("name") == target and offered.get("protocol", "TCP") == port["protocol"]:
                return int(offered["containerPort"])
    return int(target) if target.isdecimal() else None


def _endpoint(pod: Object) -> Object:
    going = bool(pod["metadata"].get("deletionTimestamp"))
    ready = is_ready(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready and not going, "serving": ready, "terminating": going},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": _target(pod),
    }


def _address(pod: Object) -> Object:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName", ""), "targetRef": _target(pod)}


def _target(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}

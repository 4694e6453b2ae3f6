"""ServiceCIDRs and IPAddresses: which addresses Services hold (kubernetes/pkg/controller/servicecidrs, ipallocator)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Controller, Key, condition, key_of

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

_FINALIZER = "networking.k8s.io/service-cidr-finalizer"
_BUSY = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
_DEFAULT = "kubernetes"
_MANAGER, _API_SERVER = "service-cidr-controller", "kubernetes-service-cidr-controller"


class AddressController(Controller):
    """Keeps an IPAddress for every address of a Service."""

    watches = ("Service",)

    def keys(self, change: Change) -> Iterable[Key]:
        """The addresses that a Service has, and had, each with the Service."""
        found = {
            address
            for service in (change.obj, change.before)
            for address in (service or {}).get("spec", {}).get("clusterIPs") or ()
        }
        return [("/".join(key_of(change.obj)), address) for address in sorted(found) if address != "None"]

    def reconcile(self, key: Key) -> float | None:
        """Make or remove one address."""
        holder, name = key
        namespace, _, service_name = holder.partition("/")
        known = self.cluster.get("IPAddress", "", name)
        service = self.cluster.get("Service", namespace, service_name)
        holds = service is not None and name in (service["spec"].get("clusterIPs") or ())
        if service is not None and holds and known is None:
            self.cluster.create("IPAddress", _address(name, service), "kube-apiserver")
        if not holds and known is not None and _owner(known) == (namespace, service_name):
            self.cluster.delete(known)
        return None


def _owner(address: Object) -> Key:
    parent = address["spec"]["parentRef"]
    return parent.get("namespace", ""), parent.get("name", "")


def _address(name: str, service: Object) -> Object:
    family = f"IPv{ipaddress.ip_address(name).version}"
    labels = {"ipaddress.kubernetes.io/ip-family": family, "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}
    meta = service["metadata"]
    parent = {"group": "", "resource": "services", "namespace": meta["namespace"], "name": meta["name"]}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"parentRef": parent}}


class ServiceCIDRController(Controller):
    """Says of each range that it is ready, and holds it while Services have addresses of it."""

    watches = ("ServiceCIDR", "IPAddress")

    def keys(self, change: Change) -> Iterable[Key]:
        """The range itself, or all."""
        if change.kind.name == "ServiceCIDR":
            return [key_of(change.obj)]
        return [key_of(found) for found in self.cluster.all_of("ServiceCIDR")]

    def reconcile(self, key: Key) -> float | None:
        """Look at one range."""
        found = self.cluster.get("ServiceCIDR", *key)
        if found is None:
            return None
        finalizers = found["metadata"].get("finalizers") or []
        if found["metadata"].get("deletionTimestamp"):
            if self._is_used(found):
                self._say(found, "False", "Terminating", _BUSY)
            else:
                self._hold(found, [each for each in finalizers if each != _FINALIZER])
            return None
        if _FINALIZER not in finalizers:
            self._hold(found, [*finalizers, _FINALIZER])
        words = "Kubernetes default Service CIDR is ready" if key[1] == _DEFAULT else "Kubernetes Service CIDR is ready"
        if condition(found, "Ready").get("status") != "True":
            self._say(found, "True", "", words)
        return None

    def _is_used(self, found: Object) -> bool:
        """Whether an address lies in this range and in no other that stays."""
        others = [
            text
            for each in self.cluster.all_of("ServiceCIDR")
            if each is not found and not each["metadata"].get("deletionTimestamp")
            for text in each["spec"]["cidrs"]
        ]
        names = [address["metadata"]["name"] for address in self.cluster.all_of("IPAddress")]
        return any(_within(name, found["spec"]["cidrs"]) and not _within(name, others) for name in names)

    def _hold(self, found: Object, finalizers: list[str]) -> None:
        def change(draft: Object) -> None:
            draft["metadata"]["finalizers"] = finalizers

        self.cluster.modify(found, change)

    def _say(self, found: Object, status: str, reason: str, message: str) -> None:
        entry = {"type": "Ready", "status": status, "lastTransitionTime": self.cluster.now(), "reason": reason}
        known = condition(found, "Ready")
        if (known.get("status"), known.get("reason")) != (status, reason):
            manager = _API_SERVER if found["metadata"]["name"] == _DEFAULT else _MANAGER
            self.cluster.apply_status(found, {"conditions": [{**entry, "message": message}]}, manager)


def _within(name: str, ranges: Iterable[str]) -> bool:
    address = ipaddress.ip_address(name)
    return any(address in ipaddress.ip_network(text) for text in ranges)

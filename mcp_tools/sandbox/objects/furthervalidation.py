"""Which check belongs to the kinds that a cluster has beside its workloads: certificates, flow control, devices, …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import addressvalidation as addresses
from mcp_tools.sandbox.objects import certificates
from mcp_tools.sandbox.objects import devicevalidation as devices
from mcp_tools.sandbox.objects import flowvalidation as flow
from mcp_tools.sandbox.objects import storagevalidation as storage
from mcp_tools.sandbox.objects.errors import Cause, invalid_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.kinds import Kind

Object = dict[str, Any]
_IMMUTABLE = "field is immutable"


def check(kind: Kind, obj: Object, old: Object | None, subresource: str) -> list[Cause]:
    """Everything wrong with an object of one of these kinds; nothing for any other.

    Args:
        kind: Of the object.
        obj: With its defaults.
        old: What it would replace; `None` for a creation.
        subresource: By which it is replaced; empty for the object itself.
    """
    if kind.qualified == certificates.KIND:
        return certificates.check_request(obj, old, subresource)
    checker, changing = _CHECKS.get(kind.qualified, (None, None))
    causes: list[Cause] = []
    # What an update of ranges must keep is all that is looked at.
    if checker and (old is None or kind.name != "ServiceCIDR"):
        times = 2 if old is not None and not subresource and kind.name in _TWICE else 1
        causes = checker(obj) * times
    if changing and old is not None and not subresource:
        causes += changing(obj, old)
    return causes


def _frozen_spec(obj: Object, old: Object) -> list[Cause]:
    spec = obj.get("spec")
    return [invalid_value("spec", spec, _IMMUTABLE)] if spec != old.get("spec") else []


def _slice_update(obj: Object, old: Object) -> list[Cause]:
    new, before = obj.get("spec") or {}, old.get("spec") or {}
    pairs = (
        ("spec.pool.name", (new.get("pool") or {}).get("name"), (before.get("pool") or {}).get("name")),
        ("spec.driver", new.get("driver"), before.get("driver")),
        ("spec.nodeName", new.get("nodeName"), before.get("nodeName")),
    )
    return [invalid_value(field, value, _IMMUTABLE) for field, value, known in pairs if value != known]


def _node_update(obj: Object, old: Object) -> list[Cause]:
    return storage.check_csi_node_update(obj.get("spec") or {}, old.get("spec") or {})


# Of these the API server looks at an updated object twice, and says everything twice.
_TWICE = {"CSINode", "ResourceClaim", "ResourceClaimTemplate", "DeviceClass", "ResourceSlice"}
_CHECKS: dict[str, tuple[Callable[[Object], list[Cause]], Callable[[Object, Object], list[Cause]] | None]] = {
    "CSINode.storage.k8s.io": (storage.check_csi_node, _node_update),
    "CSIStorageCapacity.storage.k8s.io": (storage.check_capacity, storage.check_capacity_update),
    "VolumeAttributesClass.storage.k8s.io": (storage.check_attributes_class, storage.check_attributes_class_update),
    "FlowSchema.flowcontrol.apiserver.k8s.io": (flow.check_flow_schema, None),
    "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io": (flow.check_priority_level, None),
    "IPAddress.networking.k8s.io": (addresses.check_address, addresses.check_address_update),
    "ServiceCIDR.networking.k8s.io": (addresses.check_ranges, addresses.check_ranges_update),
    "DeviceClass.resource.k8s.io": (devices.check_device_class, None),
    "ResourceClaim.resource.k8s.io": (devices.check_claim, _frozen_spec),
    "ResourceClaimTemplate.resource.k8s.io": (devices.check_claim_template, _frozen_spec),
    "ResourceSlice.resource.k8s.io": (devices.check_slice, _slice_update),
}

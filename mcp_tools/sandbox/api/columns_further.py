"""The columns of certificates, flow control, devices, addresses and storage drivers (printers/internalversion)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.api.columns import AGE, CREATED, NAME, NONE, Column, at, column, field, human_duration

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object


def _request_condition(request: Object) -> str:
    said = {item["type"] for item in at(request, "status", "conditions", default=[])}
    words = ["Denied" if "Denied" in said else "Approved" if "Approved" in said else "Pending"]
    words += ["Failed"] if "Failed" in said else []
    return ",".join([*words, "Issued"] if at(request, "status", "certificate") else words)


def _requested_duration(request: Object) -> str:
    seconds = at(request, "spec", "expirationSeconds")
    return NONE if seconds is None else human_duration(seconds)


def _dangling(schema: Object) -> str:
    conditions = at(schema, "status", "conditions", default=[])
    return next((str(item.get("status", "")) for item in conditions if item.get("type") == "Dangling"), "?")


def _queuing(name: str, key: str) -> Column:
    return column(name, lambda level: at(level, "spec", "limited", "limitResponse", "queuing", key, default=NONE))


def _address_owner(address: Object) -> str:
    parent = at(address, "spec", "parentRef")
    if parent is None:
        return NONE
    group = f".{parent['group']}" if parent.get("group") else ""
    place = f"/{parent['namespace']}" if parent.get("namespace") else ""
    return f"{parent.get('resource', '')}{group}".lower() + f"{place}/{parent.get('name', '')}"


def _claim_state(claim: Object) -> str:
    words = []
    if at(claim, "metadata", "deletionTimestamp"):
        words.append("deleted")
    status: Any = claim.get("status") or {}
    if status.get("allocation") is None:
        return ",".join([*words, "pending"]) if not words else ",".join(words)
    words.append("allocated")
    return ",".join([*words, "reserved"] if status.get("reservedFor") else words)


FURTHER: dict[str, tuple[Column, ...]] = {
    "CertificateSigningRequest.certificates.k8s.io": (
        NAME,
        AGE,
        field("SignerName", "spec", "signerName"),
        field("Requestor", "spec", "username", default=""),
        column("RequestedDuration", _requested_duration),
        column("Condition", _request_condition),
    ),
    "FlowSchema.flowcontrol.apiserver.k8s.io": (
        NAME,
        field("PriorityLevel", "spec", "priorityLevelConfiguration", "name", default=""),
        field("MatchingPrecedence", "spec", "matchingPrecedence", default=0),
        field("DistinguisherMethod", "spec", "distinguisherMethod", "type"),
        AGE,
        column("MissingPL", _dangling),
    ),
    "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io": (
        NAME,
        field("Type", "spec", "type", default=""),
        field("NominalConcurrencyShares", "spec", "limited", "nominalConcurrencyShares"),
        _queuing("Queues", "queues"),
        _queuing("HandSize", "handSize"),
        _queuing("QueueLengthLimit", "queueLengthLimit"),
        AGE,
    ),
    # Three cells for two columns: so it is there.
    "IPAddress.networking.k8s.io": (NAME, column("ParentRef", _address_owner), AGE),
    "ServiceCIDR.networking.k8s.io": (
        NAME,
        column("CIDRs", lambda ranges: ",".join(at(ranges, "spec", "cidrs", default=[]))),
        AGE,
    ),
    "DeviceClass.resource.k8s.io": (NAME, AGE),
    "ResourceClaim.resource.k8s.io": (NAME, column("State", _claim_state), AGE),
    "ResourceClaimTemplate.resource.k8s.io": (NAME, AGE),
    "ResourceSlice.resource.k8s.io": (
        NAME,
        field("Node", "spec", "nodeName", default=""),
        field("Driver", "spec", "driver", default=""),
        field("Pool", "spec", "pool", "name", default=""),
        AGE,
    ),
    "CSINode.storage.k8s.io": (NAME, column("Drivers", lambda node: len(at(node, "spec", "drivers", default=[]))), AGE),
    "CSIStorageCapacity.storage.k8s.io": (NAME, CREATED),
    "VolumeAttributesClass.storage.k8s.io": (NAME, field("DriverName", "driverName", default=""), AGE),
}

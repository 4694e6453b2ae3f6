"""The columns of everything that is no workload (kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.api.columns import AGE, NAME, NONE, UNKNOWN, Column, at, column, field, since, timed
from mcp_tools.sandbox.objects import selectors

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object

_SHOWN_ENDPOINTS = 3


def _service_ports(service: Object) -> str:
    return (
        ",".join(
            f"{port['port']}:{port['nodePort']}/{port.get('protocol', 'TCP')}"
            if port.get("nodePort")
            else f"{port['port']}/{port.get('protocol', 'TCP')}"
            for port in at(service, "spec", "ports", default=[])
        )
        or NONE
    )


def _external_address(service: Object) -> str:
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", NONE))
    if spec.get("type") == "LoadBalancer":
        points = at(service, "status", "loadBalancer", "ingress", default=[])
        return ",".join(point.get("ip") or point.get("hostname", "") for point in points) or "<pending>"
    return ",".join(spec.get("externalIPs") or ()) or NONE


def _endpoints(endpoints: Object) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in endpoints.get("subsets") or ()
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    return _some(found)


def _some(found: list[str]) -> str:
    if not found:
        return NONE
    more = f" + {len(found) - _SHOWN_ENDPOINTS} more..." if len(found) > _SHOWN_ENDPOINTS else ""
    return ",".join(found[:_SHOWN_ENDPOINTS]) + more


def _slice_ports(obj: Object) -> str:
    return ",".join(str(port.get("port")) for port in obj.get("ports") or ()) or "<unset>"


def _slice_addresses(obj: Object) -> str:
    return (
        _some([address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()])
        if obj.get("endpoints")
        else "<unset>"
    )


def _node_status(node: Object) -> str:
    ready = next((c for c in at(node, "status", "conditions", default=[]) if c["type"] == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if at(node, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    return (
        ",".join(
            sorted(
                key.removeprefix(prefix) for key in at(node, "metadata", "labels", default={}) if key.startswith(prefix)
            )
        )
        or NONE
    )


def _node_address(kind: str) -> Any:
    return lambda node: next(
        (a["address"] for a in at(node, "status", "addresses", default=[]) if a["type"] == kind), NONE
    )


def _ingress_hosts(ingress: Object) -> str:
    hosts = [rule["host"] for rule in at(ingress, "spec", "rules", default=[]) if rule.get("host")]
    return _some(hosts) if hosts else "*"


def _ingress_address(ingress: Object) -> str:
    points = at(ingress, "status", "loadBalancer", "ingress", default=[])
    return ",".join(point.get("ip") or point.get("hostname", "") for point in points)


def _event_seen(event: Object, now: float) -> str:
    series = at(event, "series", "lastObservedTime")
    return since(series or event.get("lastTimestamp") or event.get("eventTime"), now)


def _event_first(event: Object, now: float) -> str:
    return since(event.get("firstTimestamp") or event.get("eventTime"), now)


def _event_object(event: Object) -> str:
    target = event.get("involvedObject") or {}
    return f"{str(target.get('kind', '')).lower()}/{target.get('name', '')}"


def _event_source(event: Object) -> str:
    source = event.get("source") or {}
    names = [source.get("component") or event.get("reportingComponent", ""), source.get("host", "")]
    return ", ".join(name for name in names if name)


def _claim_capacity(claim: Object) -> str:
    return str(at(claim, "status", "capacity", "storage", default=""))


def _access_modes(obj: Object) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    return ",".join(short.get(mode, mode) for mode in at(obj, "spec", "accessModes", default=[]))


def _volume_claim(volume: Object) -> str:
    claim = at(volume, "spec", "claimRef", default={})
    return f"{claim.get('namespace')}/{claim.get('name')}" if claim else ""


def _scale_targets(scaler: Object) -> str:
    current = at(scaler, "status", "currentMetrics", default=[])
    shown = []
    for index, metric in enumerate(at(scaler, "spec", "metrics", default=[])):
        resource = metric.get("resource") or {}
        target = at(resource, "target", "averageUtilization")
        known = at(current[index], "resource", "current", "averageUtilization") if index < len(current) else None
        shown.append(
            f"{resource.get('name', metric.get('type'))}: {UNKNOWN if known is None else f'{known}%'}/{target}%"
        )
    return ", ".join(shown) or NONE


def _scale_reference(scaler: Object) -> str:
    target = scaler["spec"].get("scaleTargetRef") or {}
    return f"{target.get('kind')}/{target.get('name')}"


def _quota(field_name: str) -> Any:
    def cell(quota: Object) -> str:
        hard = at(quota, "status", "hard", default=at(quota, "spec", "hard", default={}))
        used = at(quota, "status", "used", default={})
        names = [name for name in sorted(hard) if name.startswith("limits.") is (field_name == "limit")]
        return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)

    return cell


def _pairs(*path: str) -> Any:
    return lambda obj: ",".join(f"{k}={v}" for k, v in sorted(at(obj, *path, default={}).items())) or NONE


OTHERS: dict[str, tuple[Column, ...]] = {
    "Namespace": (NAME, field("Status", "status", "phase", default=""), AGE),
    "Node": (
        NAME,
        column("Status", _node_status),
        column("Roles", _node_roles),
        AGE,
        field("Version", "status", "nodeInfo", "kubeletVersion", default=""),
        column("Internal-IP", _node_address("InternalIP"), wide=True),
        column("External-IP", _node_address("ExternalIP"), wide=True),
        field("OS-Image", "status", "nodeInfo", "osImage", default=UNKNOWN, wide=True),
        field("Kernel-Version", "status", "nodeInfo", "kernelVersion", default=UNKNOWN, wide=True),
        field("Container-Runtime", "status", "nodeInfo", "containerRuntimeVersion", default=UNKNOWN, wide=True),
    ),
    "Service": (
        NAME,
        field("Type", "spec", "type", default=""),
        field("Cluster-IP", "spec", "clusterIP"),
        column("External-IP", _external_address),
        column("Port(s)", _service_ports),
        AGE,
        column("Selector", _pairs("spec", "selector"), wide=True),
    ),
    "Endpoints": (NAME, column("Endpoints", _endpoints), AGE),
    "EndpointSlice.discovery.k8s.io": (
        NAME,
        field("AddressType", "addressType", default=""),
        column("Ports", _slice_ports),
        column("Endpoints", _slice_addresses),
        AGE,
    ),
    "ConfigMap": (
        NAME,
        column("Data", lambda c: len(c.get("data") or ()) + len(c.get("binaryData") or ()), type="string"),
        AGE,
    ),
    "Secret": (
        NAME,
        field("Type", "type", default=""),
        column("Data", lambda s: len(s.get("data") or ()), type="string"),
        AGE,
    ),
    "ServiceAccount": (NAME, column("Secrets", lambda a: len(a.get("secrets") or ()), type="string"), AGE),
    "Event": (
        timed("Last Seen", _event_seen),
        field("Type", "type", default=""),
        field("Reason", "reason", default=""),
        column("Object", _event_object),
        field("Subobject", "involvedObject", "fieldPath", default="", wide=True),
        column("Source", _event_source, wide=True),
        column("Message", lambda e: str(e.get("message", "")).strip()),
        timed("First Seen", _event_first, wide=True),
        column("Count", lambda e: at(e, "series", "count", default=e.get("count", 1)), wide=True),
        Column("Name", NAME.cell, priority=1, format="name"),
    ),
    "PersistentVolume": (
        NAME,
        field("Capacity", "spec", "capacity", "storage", default=""),
        column("Access Modes", _access_modes),
        field("Reclaim Policy", "spec", "persistentVolumeReclaimPolicy", default=""),
        field("Status", "status", "phase", default=""),
        column("Claim", _volume_claim),
        field("StorageClass", "spec", "storageClassName", default=""),
        field("VolumeAttributesClass", "spec", "volumeAttributesClassName", default="<unset>"),
        field("Reason", "status", "reason", default=""),
        AGE,
        field("VolumeMode", "spec", "volumeMode", default="<unset>", wide=True),
    ),
    "PersistentVolumeClaim": (
        NAME,
        field("Status", "status", "phase", default=""),
        field("Volume", "spec", "volumeName", default=""),
        column("Capacity", _claim_capacity),
        column("Access Modes", _access_modes),
        field("StorageClass", "spec", "storageClassName", default=""),
        field("VolumeAttributesClass", "spec", "volumeAttributesClassName", default="<unset>"),
        AGE,
        field("VolumeMode", "spec", "volumeMode", default="<unset>", wide=True),
    ),
    "ResourceQuota": (NAME, column("Request", _quota("request")), column("Limit", _quota("limit")), AGE),
    "LimitRange": (NAME, field("Created At", "metadata", "creationTimestamp")),
    "Ingress.networking.k8s.io": (
        NAME,
        field("Class", "spec", "ingressClassName"),
        column("Hosts", _ingress_hosts),
        column("Address", _ingress_address),
        column("Ports", lambda i: "80, 443" if at(i, "spec", "tls") else "80"),
        AGE,
    ),
    "IngressClass.networking.k8s.io": (
        NAME,
        field("Controller", "spec", "controller", default=""),
        column("Parameters", lambda c: at(c, "spec", "parameters", "name", default=NONE)),
        AGE,
    ),
    "NetworkPolicy.networking.k8s.io": (
        NAME,
        column("Pod-Selector", lambda p: selectors.render(at(p, "spec", "podSelector", default={}))),
        AGE,
    ),
    "HorizontalPodAutoscaler.autoscaling": (
        NAME,
        column("Reference", _scale_reference),
        column("Targets", _scale_targets),
        field("MinPods", "spec", "minReplicas", default="<unset>"),
        field("MaxPods", "spec", "maxReplicas", default=0, type="integer"),
        field("Replicas", "status", "currentReplicas", default=0, type="integer"),
        AGE,
    ),
    "PodDisruptionBudget.policy": (
        NAME,
        column("Min Available", lambda p: str(at(p, "spec", "minAvailable", default="N/A"))),
        column("Max Unavailable", lambda p: str(at(p, "spec", "maxUnavailable", default="N/A"))),
        field("Allowed Disruptions", "status", "disruptionsAllowed", default=0, type="integer"),
        AGE,
    ),
    "StorageClass.storage.k8s.io": (
        NAME,
        field("Provisioner", "provisioner", default=""),
        field("ReclaimPolicy", "reclaimPolicy", default="Delete"),
        field("VolumeBindingMode", "volumeBindingMode", default="Immediate"),
        column("AllowVolumeExpansion", lambda s: bool(s.get("allowVolumeExpansion")), type="boolean"),
        AGE,
    ),
    "RoleBinding.rbac.authorization.k8s.io": (
        NAME,
        column("Role", lambda b: f"{at(b, 'roleRef', 'kind')}/{at(b, 'roleRef', 'name')}"),
        AGE,
    ),
    "ClusterRoleBinding.rbac.authorization.k8s.io": (
        NAME,
        column("Role", lambda b: f"{at(b, 'roleRef', 'kind')}/{at(b, 'roleRef', 'name')}"),
        AGE,
    ),
    "Role.rbac.authorization.k8s.io": (NAME, field("Created At", "metadata", "creationTimestamp")),
    "ClusterRole.rbac.authorization.k8s.io": (NAME, field("Created At", "metadata", "creationTimestamp")),
    "CustomResourceDefinition.apiextensions.k8s.io": (NAME, field("Created At", "metadata", "creationTimestamp")),
    "Lease.coordination.k8s.io": (NAME, field("Holder", "spec", "holderIdentity", default=""), AGE),
    "ControllerRevision.apps": (
        NAME,
        column(
            "Controller",
            lambda r: next(
                (f"{o['kind'].lower()}.apps/{o['name']}" for o in at(r, "metadata", "ownerReferences", default=[])),
                NONE,
            ),
        ),
        field("Revision", "revision", default=0, type="integer"),
        AGE,
    ),
}

"""The columns of everything that is no workload (kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mcp_tools.quantity import parse
from mcp_tools.sandbox.api.columns import AGE, CREATED, NAME, NONE, UNKNOWN, Column, at, column, field, pairs, since
from mcp_tools.sandbox.objects import selectors

if TYPE_CHECKING:
    from collections.abc import Callable

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
    names = [source.get("component", ""), source.get("host", "")]
    if not names[0]:
        names = [event.get("reportingComponent", ""), event.get("reportingInstance", "")]
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
    """Two metrics at most (kubernetes/pkg/printers/internalversion, formatHPAMetrics)."""
    current = at(scaler, "status", "currentMetrics", default=[])
    metrics = at(scaler, "spec", "metrics", default=[])
    shown = [
        _scale_target(metric, current[index] if index < len(current) else {}) for index, metric in enumerate(metrics)
    ]
    rest = len(shown) - _SHOWN_METRICS
    return (", ".join(shown[:_SHOWN_METRICS]) + (f" + {rest} more..." if rest > 0 else "")) or NONE


_SHOWN_METRICS = 2


def _scale_target(metric: Object, status: Object) -> str:
    source = metric["type"][:1].lower() + metric["type"][1:]
    target, now = at(metric, source, "target", default={}), at(status, source, "current", default={})
    average = target.get("averageValue")
    if source in {"resource", "containerResource"}:
        name, share, used = at(metric, source, "name"), target.get("averageUtilization"), now.get("averageUtilization")
        if average is not None:
            return f"{name}: {now.get('averageValue', UNKNOWN)}/{average}"
        return f"{name}: {UNKNOWN if used is None else f'{used}%'}/{'<auto>' if share is None else f'{share}%'}"
    if average is not None:
        return f"{now.get('averageValue', UNKNOWN)}/{average}" + (" (avg)" if source != "pods" else "")
    return f"{now.get('value', UNKNOWN)}/{target.get('value')}"


def _param_kind(policy: Object) -> str:
    kind = at(policy, "spec", "paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"


def _param_reference(binding: Object) -> str:
    reference = at(binding, "spec", "paramRef")
    if not reference:
        return "<unset>"
    return f"{reference.get('namespace') or '*'}/{reference.get('name', '')}"


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


def _subjects(kind: str) -> Any:
    def cell(binding: Object) -> str:
        found = [subject for subject in binding.get("subjects") or () if subject.get("kind") == kind]
        spaces = [f"{subject['namespace']}/" if subject.get("namespace") else "" for subject in found]
        return ", ".join(space + subject["name"] for space, subject in zip(spaces, found, strict=True))

    return cell


def _backing_service(registration: Object) -> str:
    service = at(registration, "spec", "service")
    return f"{service['namespace']}/{service['name']}" if service else "Local"


def _available(registration: Object) -> str:
    for entry in at(registration, "status", "conditions", default=[]):
        if entry["type"] == "Available":
            return "True" if entry["status"] == "True" else f"{entry['status']} ({entry.get('reason', '')})"
    return "Unknown"


def _class_name(storage: Object) -> str:
    chosen = at(storage, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true"
    return f"{storage['metadata']['name']}{' (default)' if chosen else ''}"


def _token_audiences(driver: Object) -> str:
    requests = at(driver, "spec", "tokenRequests", default=[])
    return ",".join(request["audience"] for request in requests) or "<unset>"


def _used(name: str, show: Callable[[Decimal], str]) -> Column:
    """What a pod's containers use together."""

    def cell(metrics: Object) -> str:
        return show(sum((parse(container["usage"][name]) for container in metrics["containers"]), Decimal()))

    return column(name, cell)


_WINDOW = field("Window", "window", default="")
_BINDING = (
    NAME,
    column("Role", lambda b: f"{at(b, 'roleRef', 'kind')}/{at(b, 'roleRef', 'name')}"),
    AGE,
    column("Users", _subjects("User")),
    column("Groups", _subjects("Group")),
    column("ServiceAccounts", _subjects("ServiceAccount")),
)
_WEBHOOKS = (NAME, column("Webhooks", lambda c: len(c.get("webhooks") or ())), AGE)

OTHERS: dict[str, tuple[Column, ...]] = {
    "Namespace": (NAME, field("Status", "status", "phase", default=""), AGE),
    "Node": (
        NAME,
        column("Status", _node_status),
        column("Roles", _node_roles),
        AGE,
        field("Version", "status", "nodeInfo", "kubeletVersion", default=""),
        column("Internal-IP", _node_address("InternalIP")),
        column("External-IP", _node_address("ExternalIP")),
        field("OS-Image", "status", "nodeInfo", "osImage", default=UNKNOWN),
        field("Kernel-Version", "status", "nodeInfo", "kernelVersion", default=UNKNOWN),
        field("Container-Runtime", "status", "nodeInfo", "containerRuntimeVersion", default=UNKNOWN),
    ),
    "Service": (
        NAME,
        field("Type", "spec", "type", default=""),
        field("Cluster-IP", "spec", "clusterIP"),
        column("External-IP", _external_address),
        column("Port(s)", _service_ports),
        AGE,
        column("Selector", pairs("spec", "selector")),
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
        column("Data", lambda c: len(c.get("data") or ()) + len(c.get("binaryData") or ())),
        AGE,
    ),
    "Secret": (
        NAME,
        field("Type", "type", default=""),
        column("Data", lambda s: len(s.get("data") or ())),
        AGE,
    ),
    "ServiceAccount": (NAME, column("Secrets", lambda a: len(a.get("secrets") or ())), AGE),
    "Event": (
        Column("Last Seen", _event_seen),
        field("Type", "type", default=""),
        field("Reason", "reason", default=""),
        column("Object", _event_object),
        field("Subobject", "involvedObject", "fieldPath", default=""),
        column("Source", _event_source),
        column("Message", lambda e: str(e.get("message", "")).strip()),
        Column("First Seen", _event_first),
        column("Count", lambda e: at(e, "series", "count", default=e.get("count", 1))),
        NAME,
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
        field("VolumeMode", "spec", "volumeMode", default="<unset>"),
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
        field("VolumeMode", "spec", "volumeMode", default="<unset>"),
    ),
    "ResourceQuota": (NAME, column("Request", _quota("request")), column("Limit", _quota("limit")), AGE),
    "LimitRange": (NAME, CREATED),
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
        field("MaxPods", "spec", "maxReplicas", default=0),
        field("Replicas", "status", "currentReplicas", default=0),
        AGE,
    ),
    "PodDisruptionBudget.policy": (
        NAME,
        column("Min Available", lambda p: str(at(p, "spec", "minAvailable", default="N/A"))),
        column("Max Unavailable", lambda p: str(at(p, "spec", "maxUnavailable", default="N/A"))),
        field("Allowed Disruptions", "status", "disruptionsAllowed", default=0),
        AGE,
    ),
    "ValidatingAdmissionPolicy.admissionregistration.k8s.io": (
        NAME,
        column("Validations", lambda p: len(at(p, "spec", "validations", default=[]))),
        column("ParamKind", _param_kind),
        AGE,
    ),
    "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": (
        NAME,
        field("PolicyName", "spec", "policyName", default=""),
        column("ParamRef", _param_reference),
        AGE,
    ),
    "StorageClass.storage.k8s.io": (
        column("Name", _class_name),
        field("Provisioner", "provisioner", default=""),
        field("ReclaimPolicy", "reclaimPolicy", default="Delete"),
        field("VolumeBindingMode", "volumeBindingMode", default="Immediate"),
        column("AllowVolumeExpansion", lambda s: bool(s.get("allowVolumeExpansion"))),
        AGE,
    ),
    "RoleBinding.rbac.authorization.k8s.io": _BINDING,
    "ClusterRoleBinding.rbac.authorization.k8s.io": _BINDING,
    "Role.rbac.authorization.k8s.io": (NAME, CREATED),
    "ClusterRole.rbac.authorization.k8s.io": (NAME, CREATED),
    "CustomResourceDefinition.apiextensions.k8s.io": (NAME, CREATED),
    "VolumeAttachment.storage.k8s.io": (
        NAME,
        field("Attacher", "spec", "attacher", default=""),
        field("PV", "spec", "source", "persistentVolumeName", default=""),
        field("Node", "spec", "nodeName", default=""),
        field("Attached", "status", "attached", default=False),
        AGE,
    ),
    "CSIDriver.storage.k8s.io": (
        NAME,
        field("AttachRequired", "spec", "attachRequired", default=True),
        field("PodInfoOnMount", "spec", "podInfoOnMount", default=False),
        field("StorageCapacity", "spec", "storageCapacity", default=False),
        column("TokenRequests", _token_audiences),
        field("RequiresRepublish", "spec", "requiresRepublish", default=False),
        column("Modes", lambda d: ",".join(at(d, "spec", "volumeLifecycleModes", default=["Persistent"]))),
        AGE,
    ),
    "PriorityClass.scheduling.k8s.io": (
        NAME,
        field("Value", "value", default=0),
        field("Global-Default", "globalDefault", default=False),
        AGE,
        field("PreemptionPolicy", "preemptionPolicy", default=""),
    ),
    "RuntimeClass.node.k8s.io": (NAME, field("Handler", "handler", default=""), AGE),
    "MutatingWebhookConfiguration.admissionregistration.k8s.io": _WEBHOOKS,
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io": _WEBHOOKS,
    "APIService.apiregistration.k8s.io": (
        NAME,
        column("Service", _backing_service),
        column("Available", _available),
        AGE,
    ),
    "PodMetrics.metrics.k8s.io": (
        NAME,
        _used("cpu", lambda cores: f"{int(cores * 1000)}m"),
        _used("memory", lambda size: f"{int(size / 1024)}Ki"),
        _WINDOW,
    ),
    "NodeMetrics.metrics.k8s.io": (
        NAME,
        field("cpu", "usage", "cpu", default=""),
        field("memory", "usage", "memory", default=""),
        _WINDOW,
    ),
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
        field("Revision", "revision", default=0),
        AGE,
    ),
}

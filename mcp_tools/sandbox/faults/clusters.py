"""Nodes, access, and what belongs to the whole cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.injector import MERGE
from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_NODE = "sandbox-2"
_PAUSE = {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]}


def _condition(box: Injector, kind: str, status: str, reason: str, message: str) -> None:
    entry = {"type": kind, "status": status, "reason": reason, "message": message}
    box.status("Node", _NODE, {"conditions": [entry]}, "")


@fault(
    "node-lost",
    101,
    Cause("Node", _NODE, "status.conditions[Ready]", "its kubelet is silent"),
    Symptom("Node", _NODE, "node.kubernetes.io/unreachable"),
)
def node_lost(box: Injector) -> None:
    """A node of which nothing is heard."""
    for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
        _condition(box, kind, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")


@fault(
    "node-not-ready",
    101,
    Cause("Node", _NODE, "status.conditions[Ready]", "the network plugin is not ready"),
    Symptom("Node", _NODE, "node.kubernetes.io/not-ready"),
)
def node_not_ready(box: Injector) -> None:
    """A node whose network plugin does not work."""
    words = (
        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin "
        "returns error: cni plugin not initialized"
    )
    _condition(box, "Ready", "False", "KubeletNotReady", words)


@fault(
    "disk-pressure",
    102,
    Cause("Node", _NODE, "status.conditions[DiskPressure]", "its disk is nearly full"),
    Symptom("Node", _NODE, "node.kubernetes.io/disk-pressure"),
)
def disk_pressure(box: Injector) -> None:
    """A node whose disk is nearly full."""
    _condition(box, "DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")


@fault(
    "memory-pressure",
    102,
    Cause("Node", _NODE, "status.conditions[MemoryPressure]", "its memory is nearly used up"),
    Symptom("Node", _NODE, "node.kubernetes.io/memory-pressure"),
)
def memory_pressure(box: Injector) -> None:
    """A node whose memory is nearly used up."""
    _condition(
        box, "MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
    )


@fault(
    "nodes-cordoned",
    103,
    Cause("Node", _NODE, "spec.unschedulable", "both nodes are cordoned"),
    Symptom("Pod", "reports", "node(s) were unschedulable"),
)
def nodes_cordoned(box: Injector) -> None:
    """Nodes that were cordoned and forgotten."""
    for name in box.names("Node"):
        box.spec("Node", name, unschedulable=True)
    box.deployment("reports", _PAUSE)


@fault(
    "pod-evicted",
    104,
    Cause(
        "Deployment", "backend", "spec.template.spec.containers[0].image", "release 1.2.7 fills /tmp beyond its limit"
    ),
    Symptom("Pod", "backend", '"reason":"Evicted"'),
)
def pod_evicted(box: Injector) -> None:
    """A release whose pods are evicted for the disk that they use."""
    box.container("backend", image="todo-backend:1.2.7")


@fault(
    "node-shutdown",
    105,
    Cause("Node", _NODE, "status.conditions[Ready]", "it is shutting down"),
    Symptom("Node", _NODE, "node is shutting down"),
)
def node_shutdown(box: Injector) -> None:
    """A node that shuts down."""
    _condition(box, "Ready", "False", "KubeletNotReady", "node is shutting down")


@fault(
    "pod-sandbox",
    106,
    Cause("RuntimeClass", "gvisor", "handler", "the nodes have no such runtime"),
    Symptom("Pod", "backend", "FailedCreatePodSandBox"),
)
def pod_sandbox(box: Injector) -> None:
    """Pods for a container runtime that the nodes do not have."""
    box.create("RuntimeClass", "gvisor", "", handler="runsc")
    box.pod("backend", runtimeClassName="gvisor")


@fault(
    "version-skew",
    107,
    Cause("Node", _NODE, "status.nodeInfo.kubeletVersion", "it is four minor versions behind"),
    Symptom("Node", _NODE, "v1.29.3"),
)
def version_skew(box: Injector) -> None:
    """A node that was forgotten at the last upgrades."""
    box.status("Node", _NODE, {"nodeInfo": {"kubeletVersion": "v1.29.3"}}, "")


@fault(
    "rbac",
    108,
    Cause("Role", "task-reader", "rules", "it allows get, and not list"),
    Symptom("Pod", "watcher", "is forbidden"),
)
def rbac(box: Injector) -> None:
    """A program that may not do what it has to."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    box.create("ServiceAccount", "watcher")
    box.create("Role", "task-reader", rules=rules)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "task-reader"}
    subject = {"kind": "ServiceAccount", "name": "watcher", "namespace": box.namespace}
    box.create("RoleBinding", "watcher", roleRef=reference, subjects=[subject])
    user = f"system:serviceaccount:{box.namespace}:watcher"
    said = (
        f'configmaps is forbidden: User \\"{user}\\" cannot list resource \\"configmaps\\" in API group \\"\\" in the '
        f'namespace \\"{box.namespace}\\"'
    )
    box.deployment(
        "watcher",
        {"image": "busybox:1.36", "command": ["sh", "-c", f'echo "{said}"; exit 1']},
        serviceAccountName="watcher",
    )


@fault(
    "finalizer",
    109,
    Cause("ConfigMap", "legacy-settings", "metadata.finalizers", "nobody removes the finalizer"),
    Symptom("ConfigMap", "legacy-settings", "deletionTimestamp"),
)
def finalizer(box: Injector) -> None:
    """An object that cannot go."""
    box.create("ConfigMap", "legacy-settings", data={"a": "b"})
    box.patch("ConfigMap", "legacy-settings", {"metadata": {"finalizers": ["ops.example.com/backup"]}}, MERGE)
    box.delete("ConfigMap", "legacy-settings")


@fault(
    "api-service",
    110,
    Cause("APIService", "v1beta1.custom.metrics.k8s.io", "spec.service", "the Service behind it does not exist"),
    Symptom("APIService", "v1beta1.custom.metrics.k8s.io", "ServiceNotFound"),
)
def api_service(box: Injector) -> None:
    """An API whose server is gone."""
    spec = {
        "group": "custom.metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "prometheus-adapter", "namespace": "monitoring", "port": 443},
    }
    box.create("APIService", "v1beta1.custom.metrics.k8s.io", "", spec=spec)


@fault(
    "certificate-expired",
    111,
    Cause("Secret", "shop-tls", "data[tls.crt]", "the certificate has expired"),
    Symptom("Secret", "shop-tls", "kubernetes.io/tls"),
)
def certificate_expired(box: Injector) -> None:
    """An Ingress with a certificate that has expired."""
    import base64

    from mcp_tools.sandbox.credentials import expired_certificate

    certificate, key = (base64.b64encode(text.encode()).decode() for text in expired_certificate("shop.example.com"))
    box.create("Secret", "shop-tls", type="kubernetes.io/tls", data={"tls.crt": certificate, "tls.key": key})
    backend = {"service": {"name": "frontend", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule = {"host": "shop.example.com", "http": {"paths": [path]}}
    tls = [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}]
    box.create("Ingress", "shop", spec={"ingressClassName": "nginx", "tls": tls, "rules": [rule]})


@fault(
    "crd-terminating",
    112,
    Cause(
        "CustomResourceDefinition",
        "backups.ops.example.com",
        "metadata.deletionTimestamp",
        "one of its objects holds it with a finalizer",
    ),
    Symptom("CustomResourceDefinition", "backups.ops.example.com", "deletionTimestamp"),
)
def crd_terminating(box: Injector) -> None:
    """A custom resource definition that cannot go."""
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    body = {
        "group": "ops.example.com",
        "scope": "Namespaced",
        "names": {"kind": "Backup", "plural": "backups"},
        "versions": [version],
    }
    box.create("CustomResourceDefinition", "backups.ops.example.com", "", spec=body)
    meta = {"name": "weekly", "finalizers": ["ops.example.com/archive"]}
    made = {"apiVersion": "ops.example.com/v1", "kind": "Backup", "metadata": meta, "spec": {}}
    box.create_at("/apis/ops.example.com/v1/namespaces/{namespace}/backups", made)
    box.delete("CustomResourceDefinition", "backups.ops.example.com", "")


@fault(
    "cpu-throttled",
    113,
    Cause("Deployment", "backend", "spec.template.spec.containers[0].image", "release 1.2.8 uses all CPU that it may"),
    Symptom("PodMetrics", "backend", '"cpu":"495m"'),
)
def cpu_throttled(box: Injector) -> None:
    """A release that is always at its CPU limit."""
    box.container("backend", image="todo-backend:1.2.8")


@fault(
    "namespace-terminating",
    109,
    Cause("Namespace", "old-team", "spec.finalizers", "an object in it holds it"),
    Symptom("Namespace", "old-team", "Terminating"),
)
def namespace_terminating(box: Injector) -> None:
    """A namespace that cannot go."""
    box.create("Namespace", "old-team", "")
    box.create("ConfigMap", "ledger", "old-team", data={"a": "b"})
    box.patch("ConfigMap", "ledger", {"metadata": {"finalizers": ["ops.example.com/backup"]}}, MERGE, "old-team")
    box.delete("Namespace", "old-team", "")

"""Pods that no node takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_POD = "spec.template.spec"
_PAUSE = {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]}


def _cause(field: str, failure: str, name: str = "backend") -> Cause:
    return Cause("Deployment", name, f"{_POD}.{field}", failure)


@fault(
    "cpu-full",
    43,
    Cause("Deployment", "batch-load", "spec.replicas", "its pods take all CPU that can be requested"),
    Symptom("Pod", "batch-load", "Insufficient cpu"),
)
def cpu_full(box: Injector) -> None:
    """A workload that takes all CPU of the cluster."""
    box.deployment("batch-load", {**_PAUSE, "resources": {"requests": {"cpu": "1500m"}}}, replicas=8)


@fault(
    "request-too-large",
    44,
    _cause("containers[0].resources.requests.memory", "no node has 64Gi"),
    Symptom("Pod", "backend", "Insufficient memory"),
)
def request_too_large(box: Injector) -> None:
    """A request that is larger than any node."""
    box.container("backend", resources={"requests": {"memory": "64Gi"}, "limits": {"memory": "64Gi"}})


@fault(
    "gpu",
    45,
    _cause("containers[0].resources.limits", "no node has a GPU"),
    Symptom("Pod", "backend", "Insufficient nvidia.com/gpu"),
)
def gpu(box: Injector) -> None:
    """A request for a GPU where there is none."""
    box.container("backend", resources={"limits": {"nvidia.com/gpu": "1"}})


@fault(
    "node-selector",
    46,
    _cause("nodeSelector", "no node has the label disktype=ssd"),
    Symptom("Pod", "backend", "didn't match Pod's node affinity/selector"),
)
def node_selector(box: Injector) -> None:
    """A node selector that no node fits."""
    box.pod("backend", nodeSelector={"disktype": "ssd"})


@fault(
    "node-taint",
    47,
    Cause("Node", "sandbox-1", "spec.taints", "both nodes are tainted for another team"),
    Symptom("Pod", "reports", "untolerated taint"),
)
def node_taint(box: Injector) -> None:
    """Nodes that are tainted for somebody else."""
    for name in box.names("Node"):
        box.spec("Node", name, taints=[{"key": "team", "value": "data", "effect": "NoSchedule"}])
    box.deployment("reports", _PAUSE)


@fault(
    "anti-affinity",
    48,
    _cause("affinity.podAntiAffinity", "three replicas want a node each, and there are two"),
    Symptom("Pod", "backend", "didn't match pod anti-affinity rules"),
)
def anti_affinity(box: Injector) -> None:
    """More replicas than nodes, each wanting a node of its own."""
    term = {
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "backend"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    box.pod("backend", affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})


@fault(
    "topology-spread",
    48,
    _cause("topologySpreadConstraints", "no node has the topology key"),
    Symptom("Pod", "backend", "didn't match pod topology spread constraints"),
)
def topology_spread(box: Injector) -> None:
    """Pods to be spread over a topology that no node names."""
    rule = {
        "maxSkew": 1,
        "topologyKey": "example.com/rack",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "backend"}},
    }
    box.pod("backend", topologySpreadConstraints=[rule])


@fault(
    "host-port",
    49,
    Cause("Deployment", "edge-two", f"{_POD}.containers[0].ports[0].hostPort", "port 9100 of every node is taken"),
    Symptom("Pod", "edge-two", "didn't have free ports"),
)
def host_port(box: Injector) -> None:
    """A port of the nodes that two workloads want."""
    from mcp_tools.sandbox.faults.injector import restricted

    box.create("Namespace", "monitoring", "")
    for name in ("edge-one", "edge-two"):
        labels = {"app": name}
        pod = restricted(name, {**_PAUSE, "ports": [{"containerPort": 9100, "hostPort": 9100}]})
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
        box.create("Deployment", name, "monitoring", spec=spec)


@fault(
    "volume-zone",
    50,
    Cause("PersistentVolume", "archive", "spec.nodeAffinity", "the volume is in a zone without nodes"),
    Symptom("Pod", "archive", "didn't match PersistentVolume's node affinity"),
)
def volume_zone(box: Injector) -> None:
    """A volume in a zone where no node is."""
    term = {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-9"]}]}
    volume = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fixed",
        "hostPath": {"path": "/mnt/archive"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
    }
    box.create("PersistentVolume", "archive", "", spec=volume)
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fixed",
        "volumeName": "archive",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    box.create("PersistentVolumeClaim", "archive", spec=claim)
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "archive"}}]
    box.deployment("archive", _PAUSE, volumes=volumes)


@fault(
    "node-pods",
    51,
    Cause("Node", "sandbox-1", "status.allocatable.pods", "the nodes take no more pods"),
    Symptom("Pod", "reports", "Too many pods"),
)
def node_pods(box: Injector) -> None:
    """Nodes that have all the pods they may have."""
    for name in box.names("Node"):
        box.status("Node", name, {"allocatable": {"pods": "2"}})
    box.deployment("reports", _PAUSE)


@fault(
    "scheduler-name",
    52,
    _cause("schedulerName", "there is no such scheduler"),
    Symptom("Pod", "backend", '"schedulerName":"volcano"'),
)
def scheduler_name(box: Injector) -> None:
    """Pods that wait for a scheduler that is not installed."""
    box.pod("backend", schedulerName="volcano")


@fault(
    "scheduling-gate",
    53,
    _cause("schedulingGates", "nobody removes the gate"),
    Symptom("Pod", "backend", "SchedulingGated"),
)
def scheduling_gate(box: Injector) -> None:
    """Pods behind a scheduling gate that nobody opens."""
    box.pod("backend", schedulingGates=[{"name": "example.com/quota"}])


@fault(
    "preempted",
    54,
    Cause("Deployment", "urgent", f"{_POD}.priorityClassName", "more important pods take the room"),
    Symptom("Event", "", "Preempted by pod"),
)
def preempted(box: Injector) -> None:
    """More important pods that take the stack's room."""
    box.create("PriorityClass", "urgent", "", value=1000000)
    asks = {"resources": {"requests": {"cpu": "3850m"}}}
    box.deployment("urgent", {**_PAUSE, **asks}, replicas=2, priorityClassName="urgent")

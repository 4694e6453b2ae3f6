"""Workloads whose controllers cannot do what they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_PAUSE = {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]}


@fault(
    "quota-exceeded",
    55,
    Cause("ResourceQuota", "budget", "spec.hard.pods", "the namespace may have 5 pods"),
    Symptom("ReplicaSet", "backend", "exceeded quota: budget"),
)
def quota_exceeded(box: Injector) -> None:
    """A quota that leaves no room for more pods."""
    box.create("ResourceQuota", "budget", spec={"hard": {"pods": "5"}})
    box.spec("Deployment", "backend", replicas=4)


@fault(
    "quota-unstated",
    55,
    Cause("Deployment", "reports", "spec.template.spec.containers[0].resources", "the quota wants limits"),
    Symptom("ReplicaSet", "reports", "failed quota: budget: must specify limits.memory"),
)
def quota_unstated(box: Injector) -> None:
    """A quota that wants limits to be stated."""
    box.create("ResourceQuota", "budget", spec={"hard": {"limits.memory": "8Gi"}})
    box.deployment("reports", _PAUSE)


@fault(
    "limit-range",
    56,
    Cause("LimitRange", "sizes", "spec.limits[0].max.memory", "containers may have 256Mi"),
    Symptom("ReplicaSet", "backend", "maximum memory usage per Container is 256Mi"),
)
def limit_range(box: Injector) -> None:
    """A limit range that the pods are too large for."""
    box.create("LimitRange", "sizes", spec={"limits": [{"type": "Container", "max": {"memory": "256Mi"}}]})
    box.spec("Deployment", "backend", replicas=3)


@fault(
    "service-account",
    57,
    Cause("ServiceAccount", "backend-runner", "", "it does not exist"),
    Symptom("ReplicaSet", "backend", 'serviceaccount \\"backend-runner\\" not found'),
)
def service_account(box: Injector) -> None:
    """A ServiceAccount that nobody made."""
    box.pod("backend", serviceAccountName="backend-runner")


@fault(
    "webhook",
    58,
    Cause(
        "ValidatingWebhookConfiguration",
        "policy",
        "webhooks[0].clientConfig.service",
        "the webhook's Service does not exist",
    ),
    Symptom("ReplicaSet", "backend", "failed calling webhook"),
)
def webhook(box: Injector) -> None:
    """An admission webhook that nobody answers for."""
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    hook = {
        "name": "pods.policy.example.com",
        "rules": [rule],
        "clientConfig": {"service": {"name": "policy", "namespace": "policy-system", "path": "/validate"}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
    }
    box.create("ValidatingWebhookConfiguration", "policy", "", webhooks=[hook])
    box.spec("Deployment", "backend", replicas=3)


@fault(
    "progress-deadline",
    59,
    Cause(
        "Deployment",
        "backend",
        "spec.template.spec.containers[0].image",
        "the tag does not exist, and the rollout gave up",
    ),
    Symptom("Deployment", "backend", "ProgressDeadlineExceeded"),
)
def progress_deadline(box: Injector) -> None:
    """A rollout that has given up."""
    box.spec("Deployment", "backend", progressDeadlineSeconds=10)
    box.container("backend", image="todo-backend:1.1.1")


@fault(
    "rollout-paused",
    60,
    Cause("Deployment", "backend", "spec.paused", "the rollout is paused"),
    Symptom("Deployment", "backend", "DeploymentPaused"),
)
def rollout_paused(box: Injector) -> None:
    """A new release that a paused rollout holds back."""
    box.spec("Deployment", "backend", paused=True)
    box.container("backend", image="todo-backend:1.1.0")


@fault(
    "replicas-zero",
    61,
    Cause("Deployment", "backend", "spec.replicas", "it is 0"),
    Symptom("EndpointSlice", "backend", '"endpoints":[]'),
)
def replicas_zero(box: Injector) -> None:
    """A workload that was scaled to nothing."""
    box.spec("Deployment", "backend", replicas=0)


@fault(
    "statefulset-stuck",
    62,
    Cause(
        "StatefulSet",
        "todo-db",
        "spec.template.spec.containers[0].image",
        "the first ordinal never becomes ready, and the others wait for it",
    ),
    Symptom("Pod", "todo-db-0", "ErrImagePull"),
)
def statefulset_stuck(box: Injector) -> None:
    """A StatefulSet that waits for its first pod."""
    box.deployment("todo-db", {"image": "postgres:17.99"}, kind="StatefulSet", replicas=3)


@fault(
    "daemonset-misscheduled",
    63,
    Cause("Node", "sandbox-2", "spec.taints", "the node was tainted under the DaemonSet's pod"),
    Symptom("DaemonSet", "agent", '"numberMisscheduled":1'),
)
def daemonset_misscheduled(box: Injector) -> None:
    """A DaemonSet's pod on a node where it does not belong any more."""
    from mcp_tools.sandbox.faults.injector import restricted

    labels = {"app": "agent"}
    template = {"metadata": {"labels": labels}, "spec": restricted("agent", _PAUSE)}
    box.create("DaemonSet", "agent", spec={"selector": {"matchLabels": labels}, "template": template})
    box.settle()
    box.spec("Node", "sandbox-2", "", taints=[{"key": "team", "value": "data", "effect": "NoSchedule"}])


@fault(
    "old-still-serving",
    64,
    Cause(
        "Deployment",
        "backend",
        "spec.template.spec.containers[0].image",
        "the new release does not start, the old one serves",
    ),
    Symptom("Deployment", "backend", '"unavailableReplicas":1'),
)
def old_still_serving(box: Injector) -> None:
    """A new release that does not start behind an old one that serves."""
    box.container("backend", image="todo-backend:1.2.0")

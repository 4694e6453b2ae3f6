"""Autoscalers and disruption budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector


def _autoscaler(box: Injector, target: str = "backend", **spec: Any) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    box.create(
        "HorizontalPodAutoscaler",
        target,
        spec={"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 4, **spec},
    )


@fault(
    "hpa-requests",
    91,
    Cause(
        "Deployment",
        "reports",
        "spec.template.spec.containers[0].resources.requests.cpu",
        "there is no request to compare with",
    ),
    Symptom("HorizontalPodAutoscaler", "reports", "missing request for cpu"),
)
def hpa_requests(box: Injector) -> None:
    """An autoscaler of pods that request no CPU."""
    box.deployment("reports", {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]}, replicas=2)
    _autoscaler(box, "reports")


@fault(
    "hpa-metrics-api",
    92,
    Cause("APIService", "v1beta1.metrics.k8s.io", "", "the metrics API is not installed"),
    Symptom("HorizontalPodAutoscaler", "backend", "unable to fetch metrics from resource metrics API"),
)
def hpa_metrics_api(box: Injector) -> None:
    """An autoscaler in a cluster without metrics."""
    box.delete("APIService", "v1beta1.metrics.k8s.io")
    _autoscaler(box)


@fault(
    "hpa-target",
    93,
    Cause("HorizontalPodAutoscaler", "backend-api", "spec.scaleTargetRef.name", "there is no such Deployment"),
    Symptom("HorizontalPodAutoscaler", "backend-api", "FailedGetScale"),
)
def hpa_target(box: Injector) -> None:
    """An autoscaler of a Deployment that does not exist."""
    _autoscaler(box, "backend-api")


@fault(
    "hpa-at-maximum",
    94,
    Cause("HorizontalPodAutoscaler", "backend", "spec.maxReplicas", "the load needs more replicas than it allows"),
    Symptom("HorizontalPodAutoscaler", "backend", "TooManyReplicas"),
)
def hpa_at_maximum(box: Injector) -> None:
    """An autoscaler that may not scale further."""
    box.container("backend", image="todo-backend:1.2.8")
    _autoscaler(box, maxReplicas=3)


@fault(
    "pdb-exhausted",
    95,
    Cause("PodDisruptionBudget", "mcp-server-all", "spec.minAvailable", "it allows no disruption at all"),
    Symptom("PodDisruptionBudget", "mcp-server-all", "InsufficientPods"),
)
def pdb_exhausted(box: Injector) -> None:
    """A budget that never lets a pod go."""
    picks = {"matchLabels": {"app.kubernetes.io/name": "mcp-server"}}
    box.create("PodDisruptionBudget", "mcp-server-all", spec={"minAvailable": 1, "selector": picks})


@fault(
    "pdb-matches-none",
    96,
    Cause("PodDisruptionBudget", "backend-guard", "spec.selector", "no pod has the label"),
    Symptom("PodDisruptionBudget", "backend-guard", '"expectedPods":0'),
)
def pdb_matches_none(box: Injector) -> None:
    """A budget that protects nobody."""
    picks = {"matchLabels": {"app": "backend"}}
    box.create("PodDisruptionBudget", "backend-guard", spec={"minAvailable": 1, "selector": picks})

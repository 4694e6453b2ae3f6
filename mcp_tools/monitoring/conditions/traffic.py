"""Services that lead nowhere, and autoscalers that can do no more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.model import Ref
from mcp_tools.monitoring.conditions.base import Held, Sight, condition
from mcp_tools.monitoring.conditions.objects import moment, named
from mcp_tools.monitoring.conditions.pods import Nothing

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

SERVICE_OF = "kubernetes.io/service-name"
AT_MAXIMUM = "TooManyReplicas"


@condition("no-endpoints", Nothing, "Service", "EndpointSlice", "Pod")
def no_endpoints(sight: Sight, given: Nothing) -> Iterator[Held]:  # noqa: ARG001  it has no figures
    """A Service has no pod that is ready."""
    ready = _ready_endpoints(sight.snapshot)
    for service in sight.snapshot.all("Service"):
        selector = service.spec.get("selector") or {}
        if not selector or service.spec.get("type") == "ExternalName" or service.deleting or ready[service.ref]:
            continue
        pods = sight.snapshot.selected(service.namespace, selector)
        labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        why = f"none of its {len(pods)} pods is ready" if pods else f"no pod has {labels}"
        yield Held(
            service.ref,
            f"{named(service.ref)} leads nowhere: {why}.",
            (f"spec.selector: {labels}", f"pods: {len(pods)}, ready endpoints: 0"),
            pods=tuple(pod.ref for pod in pods),
        )


@condition("autoscaler-at-maximum", Nothing, "HorizontalPodAutoscaler")
def autoscaler_at_maximum(sight: Sight, given: Nothing) -> Iterator[Held]:  # noqa: ARG001  it has no figures
    """An autoscaler would scale further and may not."""
    for scaler in sight.snapshot.all("HorizontalPodAutoscaler"):
        limited = scaler.conditions.get("ScalingLimited", {})
        most = int(scaler.spec.get("maxReplicas") or 0)
        if limited.get("status") != "True" or limited.get("reason") != AT_MAXIMUM or not _at(scaler, most):
            continue
        target = scaler.spec.get("scaleTargetRef") or {}
        about = Ref(target.get("kind", ""), scaler.namespace, target.get("name", ""))
        yield Held(
            scaler.ref,
            f"Autoscaler {scaler.name} holds {about} at its maximum of {most} replicas and would scale further.",
            (f"status.conditions[ScalingLimited]: {limited.get('message') or AT_MAXIMUM}",),
            since=moment(limited.get("lastTransitionTime")),
        )


def _at(scaler: Resource, most: int) -> bool:
    return int(scaler.status.get("desiredReplicas") or 0) >= most


def _ready_endpoints(snapshot: Snapshot) -> dict[Ref, int]:
    found: dict[Ref, int] = defaultdict(int)
    for item in snapshot.all("EndpointSlice"):
        service = Ref("Service", item.namespace, item.labels.get(SERVICE_OF, ""))
        # An endpoint that does not say otherwise is ready (discovery.k8s.io/v1, EndpointConditions).
        found[service] += sum(
            (one.get("conditions") or {}).get("ready") is not False for one in item.body.get("endpoints") or ()
        )
    return found

"""Autoscalers that cannot scale, and disruption budgets that protect nothing or block everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import configure, delete, fact, patch, target_of, template_path
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.names import near

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

METRICS_API = "v1beta1.metrics.k8s.io"
USUAL_REQUESTS = {"cpu": "100m", "memory": "128Mi"}
"""For a container of which nothing is known: what it really uses is measured once it may be compared."""
SCALED = frozenset({"Deployment", "StatefulSet"})
BALANCED = ("Deployment", "StatefulSet", "ReplicaSet")


@detector(
    "the conditions of autoscalers, their targets, and the metrics API",
    Mode("hpa-requests", (91,), "The pods request nothing that use could be compared with"),
    Mode("metrics-api", (92,), "The metrics API is not there"),
    Mode("hpa-target", (93,), "The autoscaler's target does not exist"),
    Mode("hpa-at-maximum", (94,), "The autoscaler may not scale further"),
    Mode("hpa-metrics", (91,), "The autoscaler gets no metrics"),
)
def autoscalers(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each autoscaler that does not do what it is there for."""
    for item in snapshot.all("HorizontalPodAutoscaler"):
        target = item.spec.get("scaleTargetRef") or {}
        ref = Ref(target.get("kind", ""), item.namespace, target.get("name", ""))
        able, active, limited = (
            item.conditions.get(kind, {}) for kind in ("AbleToScale", "ScalingActive", "ScalingLimited")
        )
        if able.get("reason") == "FailedGetScale" and snapshot.missing(*(ref.kind, ref.namespace, ref.name)):
            cause = f"{item.ref} scales {ref}, which does not exist"
            evidence = (fact(item, "status.conditions[AbleToScale].message", able.get("message")),)
            field = "spec.scaleTargetRef.name"
            meant = near(ref.name, [found.name for found in snapshot.all(ref.kind, item.namespace)])
            fixes = (patch(item, f"Let {item.ref} scale {meant}", {field: meant}),) if meant else ()
            advice = f"Name the workload that is to be scaled, or delete {item.ref}."
            yield Finding("hpa-target", cause, item.ref, field, (), evidence, fixes, advice=advice)
        elif active.get("status") == "False" and active.get("reason") != "ScalingDisabled":
            yield _blind(snapshot, item, ref, str(active.get("message")))
        elif limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas" and _full(item):
            most = int(item.spec.get("maxReplicas") or 1)
            cause = f"{ref} needs more than the {most} replicas that {item.ref} allows"
            evidence = (fact(item, "status.conditions[ScalingLimited].message", limited.get("message")),)
            fix = patch(item, f"Allow {most * 2} replicas", {"spec.maxReplicas": most * 2})
            field, advice = "spec.maxReplicas", "Where more replicas do not help, find out what each of them does."
            yield Finding("hpa-at-maximum", cause, item.ref, field, (ref,), evidence, (fix,), advice=advice)


def _full(item: Resource) -> bool:
    return bool(int(item.status.get("currentReplicas") or 0) >= int(item.spec.get("maxReplicas") or 1))


def _blind(snapshot: Snapshot, item: Resource, ref: Ref, message: str) -> Finding:
    evidence: tuple[Evidence, ...] = (fact(item, "status.conditions[ScalingActive].message", message),)
    if "missing request for" in message and (target := snapshot.at(ref)) is not None:
        resource = message.split("missing request for ")[1].split(maxsplit=1)[0].strip(".,")
        index = next(
            (
                place
                for place, one in enumerate(target.template.get("containers") or ())
                if resource not in ((one.get("resources") or {}).get("requests") or {})
            ),
            0,
        )
        cause = f"{item.ref} compares use with requests, and {ref} requests no {resource}"
        field = f"{template_path(target)}.containers[{index}].resources.requests.{resource}"
        name = target.template["containers"][index]["name"] if target.template.get("containers") else ""
        asked = {resource: USUAL_REQUESTS.get(resource, "")}
        sentence = f"Let container {name} request {asked[resource]} of {resource}"
        fixes = (configure(target, name, sentence, requests=asked),) if name and asked[resource] else ()
        return Finding("hpa-requests", cause, ref, field, (item.ref,), evidence, fixes)
    service = snapshot.get("APIService", "", METRICS_API)
    available = service.conditions.get("Available", {}).get("status") if service else None
    if "metrics API" in message and snapshot.sees("APIService") and available != "True":
        what = "is not installed" if service is None else "does not answer"
        cause = f"The metrics API {what}, so {item.ref} cannot scale"
        advice = "Install metrics-server." if service is None else "Look at metrics-server: why does it not answer?"
        ref = Ref("APIService", "", METRICS_API)
        return Finding("metrics-api", cause, ref, "", (item.ref,), evidence, advice=advice)
    cause = f"{item.ref} gets no metrics: {message[:200]}"
    return Finding("hpa-metrics", cause, item.ref, "spec.metrics", (), evidence, confidence=0.7)


@detector(
    "disruption budgets against the pods that they select",
    Mode("pdb-blocks", (95,), "A budget allows no disruption at all"),
    Mode("pdb-matches-none", (96,), "A budget protects no pods"),
)
def budgets(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each budget that selects no pods, or lets none go while all of them are well."""
    for item in snapshot.all("PodDisruptionBudget"):
        status = item.status
        expected, healthy = int(status.get("expectedPods") or 0), int(status.get("currentHealthy") or 0)
        labels = (item.spec.get("selector") or {}).get("matchLabels") or {}
        if not expected and "observedGeneration" in status and not _stopped(snapshot, item.namespace, labels):
            shown = ", ".join(f"{key}={value}" for key, value in labels.items())
            cause = f"{item.ref} protects no pods: none has the labels {shown}"
            evidence = (fact(item, "status.expectedPods", 0), fact(item, "spec.selector", shown))
            fixes = _meant(snapshot, item, labels)
            advice = "" if fixes else f"Give {item.ref} the labels of the pods that it is for, or delete it."
            yield Finding("pdb-matches-none", cause, item.ref, "spec.selector", (), evidence, fixes, advice=advice)
        elif expected and not status.get("disruptionsAllowed") and healthy >= expected:
            field = "spec.minAvailable" if "minAvailable" in item.spec else "spec.maxUnavailable"
            cause = f"{item.ref} lets no pod go although all {expected} are well: nodes cannot be drained"
            evidence = (fact(item, "status.disruptionsAllowed", 0), fact(item, field, item.spec.get(field[5:])))
            # It breaks nothing yet: what it reaches does not count.
            fixes = _loosened(snapshot, item, field, expected)
            yield Finding("pdb-blocks", cause, item.ref, field, (), evidence, fixes)


def _loosened(snapshot: Snapshot, item: Resource, field: str, expected: int) -> tuple[Fix, ...]:
    """One more replica, so that one may go; else one less that must stay."""
    least = item.spec.get(field[5:])
    labels = (item.spec.get("selector") or {}).get("matchLabels") or {}
    roots = {root.ref: root for pod in snapshot.selected(item.namespace, labels) if (root := snapshot.root(pod))}
    fixes = []
    for root in roots.values():
        if len(roots) == 1 and field == "spec.minAvailable" and isinstance(least, int) and root.ref.kind in SCALED:
            sentence = f"Scale {root.ref} to {least + 1}, so that one may go"
            fixes.append(Fix(sentence, "scale", {**target_of(root), "replicas": least + 1}))
    room: dict[str, object] = {"spec.minAvailable": None, "spec.maxUnavailable": 1}
    return (*fixes, patch(item, f"Let {item.ref} allow one of {expected} to go", room))


def _meant(snapshot: Snapshot, item: Resource, labels: dict[str, str]) -> tuple[Fix, ...]:
    """The workload whose pods bear these values under other keys; one that is protected already needs no second."""
    for root in snapshot.workloads:
        own = ((root.spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        if root.namespace != item.namespace or not labels or not set(labels.values()) <= set(own.values()):
            continue
        for other in snapshot.all("PodDisruptionBudget", item.namespace):
            picks = (other.spec.get("selector") or {}).get("matchLabels") or {}
            if other is not item and picks and picks.items() <= own.items():
                return (delete(item, f"Delete {item.ref}: {other.ref} protects the pods of {root.ref} already"),)
        chosen = {key: value for key, value in own.items() if value in labels.values()}
        field = "spec.selector.matchLabels"
        return (patch(item, f"Let {item.ref} protect the pods of {root.ref}", {field: chosen}),)
    return ()


def _stopped(snapshot: Snapshot, namespace: str, labels: dict[str, str]) -> bool:
    """Whether a workload of these labels is there and has no pods at the moment."""
    for kind in BALANCED:
        for item in snapshot.all(kind, namespace):
            own = (((item.spec.get("template") or {}).get("metadata")) or {}).get("labels") or {}
            if labels and labels.items() <= own.items():
                return True
    return False

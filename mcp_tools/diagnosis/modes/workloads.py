"""Workloads that are stopped, held back or stuck."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_tools.changes.diff import compare
from mcp_tools.diagnosis.containers import (
    BATCH,
    fact,
    go_back,
    is_over,
    is_ready,
    seconds_between,
    target_of,
    template_path,
    troubled,
)
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Symptom, detector
from mcp_tools.diagnosis.taints import tolerating, untainting
from mcp_tools.reads.answer import listed
from mcp_tools.reads.revisions import HASH

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

LIKELY = 0.8
STARTING_SECONDS = 60.0
_SCALED = re.compile(r"from (\d+) to 0$|to 0 from (\d+)$")
IDLE_KINDS = ("Deployment", "StatefulSet")


@detector(
    "Deployments that are paused, and whether their newest revision is the one that is asked for",
    Mode("rollout-paused", (60,), "A paused rollout holds back a change"),
)
def paused(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each paused Deployment with a change that is held back."""
    for item in snapshot.all("Deployment"):
        if not item.spec.get("paused") or not _held_back(snapshot, item):
            continue
        cause = f"The rollout of {item.ref} is paused, and its last change is held back"
        fix = Fix(f"Resume the rollout of {item.ref}", "rollout", {**target_of(item), "action": "resume"})
        evidence = (fact(item, "spec.paused", "true"),)
        yield Finding("rollout-paused", cause, item.ref, "spec.paused", (), evidence, (fix,))


def _held_back(snapshot: Snapshot, item: Resource) -> bool:
    kept = snapshot.revisions(item)
    if not kept:
        return True
    template = dict(kept[0].spec.get("template") or {})
    meta = dict(template.get("metadata") or {})
    meta["labels"] = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH}
    return bool(compare({**template, "metadata": meta}, item.spec.get("template") or {}))


@detector(
    "workloads of no replicas that a Service leads to",
    Mode("replicas-zero", (61,), "A workload that is asked for is scaled to nothing"),
)
def stopped(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each workload of no replicas that is the only one behind a Service."""
    for item in (found for kind in IDLE_KINDS for found in snapshot.all(kind)):
        if item.spec.get("replicas", 1) != 0:
            continue
        labels = (((item.spec.get("template") or {}).get("metadata")) or {}).get("labels") or {}
        services = [
            service
            for service in snapshot.all("Service", item.namespace)
            if (picks := service.spec.get("selector"))
            and picks.items() <= labels.items()
            and not snapshot.selected(item.namespace, picks)
        ]
        if not services:
            continue
        cause = f"{item.ref} is scaled to 0, and nothing else stands behind the Service {services[0].name}"
        affected = tuple(service.ref for service in services)
        before = _before(snapshot, item)
        fix = Fix(f"Scale {item.ref} to {before}", "scale", {**target_of(item), "replicas": before})
        evidence = (fact(item, "spec.replicas", 0),)
        yield Finding("replicas-zero", cause, item.ref, "spec.replicas", affected, evidence, (fix,), confidence=LIKELY)


def _before(snapshot: Snapshot, item: Resource) -> int:
    """How many replicas there were: the event of the scaling says so while it lasts."""
    for event in snapshot.events(item, "ScalingReplicaSet"):
        if found := _SCALED.search(str(event.body.get("message"))):
            return int(found[1] or found[2])
    return 1


@detector(
    "the status and conditions of workloads, and of the pods that they have",
    Mode("rollout-stuck", (59, 64), "A rollout does not go on"),
    Mode("statefulset-stuck", (62,), "A StatefulSet waits for one of its pods"),
    Mode("pod-not-ready", (25, 66), "A pod is not ready"),
)
def stuck(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """Symptoms: pods that are not ready, and the workloads that wait for them."""
    for pod in troubled(snapshot):
        young = seconds_between(pod.created, snapshot.now) < STARTING_SECONDS
        if is_ready(pod) or young or snapshot.root(pod).ref.kind in BATCH:
            continue
        yield Symptom(pod.ref, "is not ready", evidence=_why(pod), mode="pod-not-ready")
    for item in snapshot.all("Deployment"):
        progress = item.conditions.get("Progressing", {})
        if item.spec.get("paused"):
            continue
        if progress.get("reason") == "ProgressDeadlineExceeded":
            evidence = (fact(item, "status.conditions[Progressing].message", progress.get("message")),)
            yield Symptom(item.ref, "has given up its rollout", evidence=evidence, mode="rollout-stuck")
        elif _waits(snapshot, item):
            text = f"has {item.status.get('unavailableReplicas')} of its pods not available"
            yield Symptom(item.ref, text, mode="rollout-stuck")
    for item in snapshot.all("StatefulSet"):
        ready, wanted = int(item.status.get("readyReplicas") or 0), int(item.spec.get("replicas", 1))
        if ready < wanted and seconds_between(item.created, snapshot.now) > STARTING_SECONDS:
            yield Symptom(item.ref, f"has {ready} of {wanted} pods ready", mode="statefulset-stuck")


def _waits(snapshot: Snapshot, item: Resource) -> bool:
    if not item.status.get("unavailableReplicas"):
        return False
    alive = [pod for pod in snapshot.pods_of(item) if not is_over(pod)]
    if pods := [pod for pod in alive if not is_ready(pod)]:
        return any(seconds_between(pod.created, snapshot.now) >= STARTING_SECONDS for pod in pods)
    if len(alive) >= int(item.spec.get("replicas", 1)):
        return False  # the controller has not counted yet what the pods say already
    moved = (
        item.conditions.get("Available", {}).get("lastTransitionTime"),
        item.conditions.get("Progressing", {}).get("lastUpdateTime"),
    )
    since = max((str(time) for time in moved if time), default=item.created)
    return seconds_between(since, snapshot.now) > STARTING_SECONDS


def _why(pod: Resource) -> tuple[Evidence, ...]:
    condition = pod.conditions.get("Ready", {})
    said = condition.get("message") or condition.get("reason") or pod.status.get("phase") or ""
    return (fact(pod, "status.conditions[Ready]", said, str(condition.get("lastTransitionTime") or "")),)


@detector(
    "the numbers of a DaemonSet, against the taints of the nodes of its pods",
    Mode("daemonset-misscheduled", (63,), "A DaemonSet's pods run where they should not"),
)
def misscheduled(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each taint that came under the pods of a DaemonSet."""
    for item in snapshot.all("DaemonSet"):
        under: dict[str, list[tuple[Resource, Resource]]] = {}
        for pod in snapshot.pods_of(item) if item.status.get("numberMisscheduled") else ():
            node = snapshot.get("Node", "", pod.spec.get("nodeName") or "")
            tolerated = {one.get("key") for one in pod.spec.get("tolerations") or () if one.get("key")}
            taints = [one for one in (node.spec.get("taints") or () if node else ()) if one.get("key") not in tolerated]
            if node is not None and taints:
                under.setdefault(taints[0]["key"], []).append((node, pod))
        for key, places in under.items():
            nodes = tuple(dict.fromkeys(node.ref for node, _ in places))
            names = listed([ref.name for ref in nodes], 3)
            cause = f"Node {names} was tainted with {key} under the pod of {item.ref}, which does not tolerate it"
            evidence = (
                fact(item, "status.numberMisscheduled", item.status["numberMisscheduled"]),
                *(fact(node, "spec.taints", key) for node, _ in places[:2]),
            )
            affected = (*(pod.ref for _, pod in places), item.ref, *nodes[1:])
            # The same taint may keep other pods away: then it is one cause.
            fixes = (*tolerating(item, key), *untainting([node for node, _ in places], key))
            field = "spec.taints"
            yield Finding("daemonset-misscheduled", cause, nodes[0], field, affected, evidence, fixes, blames=nodes)


@detector(
    "the node selectors of a DaemonSet and of its revision before, against the labels of the nodes",
    Mode("daemonset-unplaced", (46,), "No node has the labels that a DaemonSet asks for"),
)
def unplaced(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each DaemonSet that left all of its nodes; one that never had any may wait for nodes to come."""
    nodes = snapshot.all("Node")
    for item in snapshot.all("DaemonSet") if nodes else ():
        revisions = snapshot.revisions(item)
        wanted = item.template.get("nodeSelector") or {}
        if item.status.get("desiredNumberScheduled") or not wanted or len(revisions) < 2:  # noqa: PLR2004  and one before
            continue
        before = revisions[1].template.get("nodeSelector") or {}
        if any(_has_labels(node, wanted) for node in nodes) or not any(_has_labels(node, before) for node in nodes):
            continue
        labels = ", ".join(f"{key}={value}" for key, value in wanted.items())
        field = f"{template_path(item)}.nodeSelector"
        evidence = (fact(item, field, labels), fact(item, "status.desiredNumberScheduled", 0))
        cause = f"No node has the labels {labels} that {item.ref} asks for since its last change, so it runs nowhere"
        yield Finding("daemonset-unplaced", cause, item.ref, field, (), evidence, go_back(snapshot, item))


def _has_labels(node: Resource, wanted: dict[str, str]) -> bool:
    return wanted.items() <= node.labels.items()

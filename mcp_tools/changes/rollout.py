"""Where a rollout stands: done, still moving, or failed, and why, by the controller's word and the pods' own states.

The rules follow `kubectl rollout status` (polymorphichelpers/rollout_status.go) and go further where it only waits: an
image that cannot be pulled or a container that keeps crashing fails the rollout long before the progress deadline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.pods import (
    Condition,
    Owner,
    Pod,
    PodSummary,
    is_ready,
    list_pods,
    selector_of,
    status_word,
    summarise,
)
from mcp_tools.reads.answer import clip

if TYPE_CHECKING:
    from mcp_tools.changes.model import FieldChange
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.kinds import Kind

ROLLOUTS = frozenset({"deployments", "statefulsets", "daemonsets", "replicasets"})
"""The kinds, by plural name, whose pods a controller brings to a wanted state."""
# A first failed pull or start may be a registry that hiccups or a ConfigMap that comes a moment later: the kubelet
# says BackOff when it has tried again and failed again.
FATAL_WAITS = {
    "ImagePullBackOff": "its image cannot be pulled",
    "InvalidImageName": "its image's name is not valid",
    "ErrImageNeverPull": "its image is not on the node and must not be pulled",
}
GRACE_WAITS = {
    "ErrImagePull": "its image cannot be pulled",
    "CreateContainerConfigError": "its configuration cannot be put together",
    "CreateContainerError": "its container cannot be created",
    "RunContainerError": "its container cannot be started",
    "CrashLoopBackOff": "its container keeps crashing",
}
DETAIL_WIDTH = 500
GRACE_SECONDS = 15.0
CRASHES = 2
"""Restarts after which a crash loop counts as the failure it is, whatever the grace."""
UNSCHEDULABLE_SECONDS = 30.0
"""An autoscaler may add a node; one that will does so within its scan interval and the node's start."""


class WorkloadStatus(msgspec.Struct, rename="camel"):
    """Counts that the three workload controllers publish; a missing one is 0."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    desired_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    conditions: list[Condition] = []


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout at one moment.

    Attributes:
        complete: Everything that was asked for is there and available, nothing of the old is counted any more.
        failure: Why it cannot succeed; None while it may.
        suspicion: What will be a failure if it lasts, such as a first failed pull; None where all is well.
        message: One line for a person.
        pods: Of this workload, those on the way out included.
    """

    complete: bool
    failure: str | None
    suspicion: str | None
    message: str
    desired: int
    updated: int
    ready: int
    available: int
    pods: tuple[PodSummary, ...]


def moves_pods(workload: dict[str, Any], changes: Iterable[FieldChange]) -> bool:
    """Whether changes of a workload make its controller replace, add or take away pods.

    Only then is there an end to wait for, and a failure to blame on the change.
    """
    heads = {change.path[:2]: change.new for change in changes}
    if ("spec", "paused") in heads:
        return heads["spec", "paused"] is not True
    if ("spec", "replicas") in heads:
        return True
    return ("spec", "template") in heads and not workload["spec"].get("paused")


def observe(connection: Connection, kind: Kind, namespace: str, name: str) -> Rollout:
    """Look at a Deployment, StatefulSet, DaemonSet or ReplicaSet and its pods, now.

    Raises:
        NotFound: The workload is gone.
        ShipmateError: As `Connection.get`.
    """
    return judge(connection, kind, connection.get_object(kind.path(namespace, name)))


def judge(connection: Connection, kind: Kind, workload: dict[str, Any]) -> Rollout:
    """As `observe`, for a workload that was read already."""
    spec = workload.get("spec") or {}
    meta = workload["metadata"]
    status = msgspec.convert(workload.get("status") or {}, WorkloadStatus)
    selector = selector_of(workload)
    pods = list_pods(connection, meta["namespace"], selector) if selector else []
    newest = _newest_set(connection, workload, selector) if kind.name == "Deployment" else None
    current = newest.metadata.uid if newest else "" if kind.name == "Deployment" else meta["uid"]
    new = [pod for pod in pods if _belongs(pod, current, status) and not pod.metadata.deletion_timestamp]
    desired, updated, ready, available = _counts(kind.name, spec, status)
    seen = status.observed_generation >= meta.get("generation", 0)
    settled = seen and updated == desired == available and _nothing_old(kind.name, status, desired)
    # The counts may run ahead of the pods for a moment; the pods have the last word.
    complete = settled and sum(is_ready(pod) for pod in new) >= desired
    failure = suspicion = None
    # Until the controller has seen the spec, its word and its newest pods are about the one before.
    if seen and not complete:
        # A Deployment repeats what its old ReplicaSets are refused, which says nothing of the new one.
        failure = _deadline(status) or _refusal(newest.status if newest else status)
        if failure is None:
            failure, suspicion = pod_trouble(new)
    return Rollout(
        complete=complete,
        failure=failure,
        suspicion=suspicion,
        message=_message(desired, updated, ready, seen=seen),
        desired=desired,
        updated=updated,
        ready=ready,
        available=available,
        pods=tuple(summarise(pod) for pod in pods),
    )


def _counts(kind: str, spec: dict[str, Any], status: WorkloadStatus) -> tuple[int, int, int, int]:
    if kind == "DaemonSet":
        return (
            status.desired_number_scheduled,
            status.updated_number_scheduled,
            status.number_ready,
            status.number_available,
        )
    desired = int(spec.get("replicas", 1))
    updated = status.updated_replicas
    if kind == "ReplicaSet" or (kind == "StatefulSet" and status.current_revision == status.update_revision):
        # Neither counts "updated" apart once there is one revision only.
        updated = status.replicas
    return desired, updated, status.ready_replicas, status.available_replicas


def _nothing_old(kind: str, status: WorkloadStatus, desired: int) -> bool:
    if kind == "DaemonSet":
        return True
    if kind == "StatefulSet" and status.update_revision and status.current_revision:
        return status.replicas == desired and status.current_revision == status.update_revision
    return status.replicas == desired


class _Named(msgspec.Struct, rename="camel"):
    uid: str = ""
    annotations: dict[str, str] = {}
    owner_references: list[Owner] = []


class _ReplicaSet(msgspec.Struct):
    metadata: _Named
    status: WorkloadStatus = msgspec.field(default_factory=WorkloadStatus)


class _ReplicaSets(msgspec.Struct):
    items: list[_ReplicaSet] = []


_replica_sets = msgspec.json.Decoder(_ReplicaSets)


def _newest_set(connection: Connection, workload: dict[str, Any], selector: str) -> _ReplicaSet | None:
    """A Deployment's newest ReplicaSet, the owner of its newest pods; None where it has made none yet."""
    uid: str = workload["metadata"]["uid"]
    path = f"/apis/apps/v1/namespaces/{workload['metadata']['namespace']}/replicasets"
    owned = [
        replica_set
        for replica_set in _replica_sets.decode(connection.get(path, [("labelSelector", selector)])).items
        if any(owner.uid == uid for owner in replica_set.metadata.owner_references)
    ]
    revision = "deployment.kubernetes.io/revision"
    return max(owned, key=lambda item: int(item.metadata.annotations.get(revision, 0)), default=None)


def _belongs(pod: Pod, owner: str, status: WorkloadStatus) -> bool:
    if not any(reference.uid == owner for reference in pod.metadata.owner_references):
        return False
    revision = pod.metadata.labels.get("controller-revision-hash")
    return not (revision and status.update_revision) or revision == status.update_revision


def _deadline(status: WorkloadStatus) -> str | None:
    for condition in status.conditions:
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            return f"the progress deadline is exceeded: {condition.message}"
    return None


def _refusal(status: WorkloadStatus) -> str | None:
    for condition in status.conditions:
        if condition.type == "ReplicaFailure" and condition.status == "True":
            return f"pods cannot be created: {condition.message}"
    return None


def pod_trouble(pods: list[Pod]) -> tuple[str | None, str | None]:
    """Why one of the pods cannot come up, and what will be a reason if it lasts; None where all is well."""
    suspicion = None
    for pod in pods:
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
            waiting = status.state.waiting
            if waiting is None:
                continue
            text = f"pod {pod.metadata.name}: {waiting.reason}"
            detail = f": {clip(waiting.message, DETAIL_WIDTH)}" if waiting.message else ""
            if waiting.reason in FATAL_WAITS:
                return f"{text}, {FATAL_WAITS[waiting.reason]}{detail}", None
            if waiting.reason in GRACE_WAITS:
                ended = status.last_state.terminated
                if waiting.reason == "CrashLoopBackOff" and ended:
                    detail = (
                        f" (exit code {ended.exit_code}, {ended.reason or 'Error'}, {status.restart_count} restarts)"
                    )
                sentence = f"{text}, {GRACE_WAITS[waiting.reason]}{detail}"
                if waiting.reason == "CrashLoopBackOff" and status.restart_count >= CRASHES:
                    return sentence, None
                suspicion = suspicion or sentence
        for condition in pod.status.conditions:
            if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
                suspicion = suspicion or f"pod {pod.metadata.name}: Unschedulable: {condition.message}"
        if status_word(pod) in {"Failed", "Evicted"}:
            suspicion = suspicion or f"pod {pod.metadata.name}: {status_word(pod)}"
    return None, suspicion


def _message(desired: int, updated: int, ready: int, *, seen: bool) -> str:
    if not seen:
        return "waiting for the controller to see the change"
    if updated < desired:
        return f"{updated} of {desired} replicas updated, {ready} ready"
    return f"{ready} of {desired} replicas ready"

"""Workloads that have fewer pods than they should, cannot get on, or failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from mcp_tools.diagnosis.containers import is_over, is_ready
from mcp_tools.monitoring.conditions.base import Held, Parameters, Sight, condition
from mcp_tools.monitoring.conditions.objects import MOST_SHOWN, moment, named, oldest
from mcp_tools.monitoring.conditions.pods import Nothing
from mcp_tools.monitoring.durations import Duration, roughly
from mcp_tools.reads.answer import count

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

KINDS = ("Deployment", "StatefulSet", "DaemonSet")
GAVE_UP = "ProgressDeadlineExceeded"


class Available(Parameters):
    """How many are too few."""

    below_percent: int = Field(
        default=100, ge=1, le=100, description="of the replicas that are wanted are available; 1 is none of them"
    )


class Deadline(Parameters):
    """How long a rollout without a deadline of its own may make no progress."""

    deadline: Duration = Field(
        default=dt.timedelta(minutes=10),
        gt=dt.timedelta(),
        description="for a new pod of a StatefulSet or DaemonSet to be ready; Deployments have one of their own",
    )


@condition("replicas-available", Available, "Deployment", "StatefulSet", "DaemonSet", "Pod")
def replicas_available(sight: Sight, given: Available) -> Iterator[Held]:
    """A workload has fewer available replicas than it should."""
    for kind in KINDS:
        for item in sight.snapshot.all(kind):
            wanted, available = _replicas(item)
            if item.deleting or not wanted or available * 100 >= given.below_percent * wanted:
                continue
            pods = _not_ready(sight.snapshot, item)
            down = item.conditions.get("Available", {})
            since = moment(down.get("lastTransitionTime")) if down.get("status") == "False" else None
            yield Held(
                item.ref,
                f"{named(item.ref)} has {available} of {count(wanted, 'replica')} available.",
                tuple(_state(pod) for pod in pods[:MOST_SHOWN]) or _failure(item),
                pods=tuple(pod.ref for pod in pods),
                since=since,
            )


@condition("rollout-stuck", Deadline, "Deployment", "StatefulSet", "DaemonSet", "Pod")
def rollout_stuck(sight: Sight, given: Deadline) -> Iterator[Held]:
    """A rollout makes no progress."""
    for item in sight.snapshot.all("Deployment"):
        progress = item.conditions.get("Progressing", {})
        if progress.get("reason") == GAVE_UP and not item.spec.get("paused") and not item.deleting:
            pods = _not_ready(sight.snapshot, item)
            yield Held(
                item.ref,
                f"The rollout of {item.ref} makes no progress: {progress.get('message') or GAVE_UP}",
                tuple(_state(pod) for pod in pods[:MOST_SHOWN]) or _failure(item),
                pods=tuple(pod.ref for pod in pods),
                since=moment(progress.get("lastUpdateTime")),
            )
    for kind in ("StatefulSet", "DaemonSet"):
        for item in sight.snapshot.all(kind):
            updated, wanted = _updated(item)
            pods = _not_ready(sight.snapshot, item) if updated < wanted and not item.deleting else []
            since = oldest(moment(pod.created) for pod in pods)
            if since and sight.at - since >= given.deadline:
                state = f"{updated} of {wanted} pods are new, one not ready for {roughly(sight.at - since)}"
                yield Held(
                    item.ref,
                    f"The rollout of {item.ref} makes no progress: {state}.",
                    tuple(_state(pod) for pod in pods[:MOST_SHOWN]),
                    pods=tuple(pod.ref for pod in pods),
                    since=since + given.deadline,
                )


@condition("job-failed", Nothing, "Job", "CronJob")
def job_failed(sight: Sight, given: Nothing) -> Iterator[Held]:  # noqa: ARG001  it has no figures
    """A Job failed; of a CronJob, the last run that ended."""
    for item in sight.snapshot.all("Job"):
        if sight.snapshot.owner(item) is None and (failed := _failed(item)):
            yield Held(item.ref, f"{named(item.ref)} failed: {failed[0]}.", (failed[0],), since=failed[1])
    for item in sight.snapshot.all("CronJob"):
        ended = [job for job in sight.snapshot.owned(item) if job.ref.kind == "Job" and _end(job)]
        last = max(ended, key=lambda job: str(_end(job)), default=None)
        if last and (failed := _failed(last)):
            yield Held(
                item.ref,
                f"The last run of {item.ref} failed ({last.ref}): {failed[0]}.",
                (f"{last.ref}: {failed[0]}",),
                pods=tuple(pod.ref for pod in sight.snapshot.owned(last)),
                since=failed[1],
            )


def _replicas(item: Resource) -> tuple[int, int]:
    """How many are wanted, and how many are available."""
    status = item.status
    if item.ref.kind == "DaemonSet":
        return int(status.get("desiredNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    return int(item.spec.get("replicas", 1)), int(status.get("availableReplicas") or 0)


def _updated(item: Resource) -> tuple[int, int]:
    """How many pods are of the newest revision, and how many are to be."""
    status = item.status
    if item.ref.kind == "DaemonSet":
        return int(status.get("updatedNumberScheduled") or 0), int(status.get("desiredNumberScheduled") or 0)
    strategy = item.spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return 0, 0
    held_back = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if status.get("updateRevision") == status.get("currentRevision"):
        return 0, 0
    return int(status.get("updatedReplicas") or 0), max(0, int(item.spec.get("replicas", 1)) - held_back)


def _not_ready(snapshot: Snapshot, item: Resource) -> list[Resource]:
    pods = [pod for pod in snapshot.pods_of(item) if not is_over(pod) and not is_ready(pod)]
    return sorted(pods, key=lambda pod: pod.name)


def _state(pod: Resource) -> str:
    condition = pod.conditions.get("Ready", {})
    said = condition.get("message") or condition.get("reason") or pod.status.get("phase") or "not ready"
    return f"{pod.ref}: {said}"


def _failure(item: Resource) -> tuple[str, ...]:
    """Why no pods are made at all."""
    failure = item.conditions.get("ReplicaFailure", {})
    return (str(failure.get("message") or failure.get("reason")),) if failure.get("status") == "True" else ()


def _failed(job: Resource) -> tuple[str, dt.datetime | None] | None:
    failed = job.conditions.get("Failed", {})
    if failed.get("status") != "True":
        return None
    said = str(failed.get("message") or failed.get("reason") or "it failed").rstrip(".")
    return said, moment(failed.get("lastTransitionTime"))


def _end(job: Resource) -> str:
    ends = (job.conditions.get(name, {}) for name in ("Failed", "Complete"))
    return max((str(end.get("lastTransitionTime")) for end in ends if end.get("status") == "True"), default="")

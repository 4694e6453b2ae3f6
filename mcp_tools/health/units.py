"""What is scored: workloads with their pods, pods that nobody keeps, and nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import is_over, is_ready

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

REPLICATED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that has a score.

    Attributes:
        pods: Those that are meant to run: none that ended, none that is being deleted.
        desired: How many are wanted.
        ready: How many are ready.
    """

    item: Resource
    pods: tuple[Resource, ...] = field(default=(), repr=False)
    desired: int = 0
    ready: int = 0

    @property
    def ref(self) -> Ref:
        """Which object."""
        return self.item.ref


def units_of(snapshot: Snapshot) -> Iterator[Unit]:
    """The workloads and lone pods of a snapshot; what has done its work, or is told to do none, is none."""
    for item in snapshot.workloads:
        unit = _batch(snapshot, item) if item.ref.kind in {"Job", "CronJob"} else _running(snapshot, item)
        if unit is not None:
            yield unit
    known = {item.ref for item in snapshot.workloads}
    for pod in snapshot.all("Pod"):
        if snapshot.root(pod).ref not in known and not pod.deleting and pod.status.get("phase") != "Succeeded":
            yield Unit(pod, () if is_over(pod) else (pod,), 1, int(is_ready(pod)))


def _running(snapshot: Snapshot, item: Resource) -> Unit | None:
    status = item.status
    if item.ref.kind in REPLICATED:
        wanted = item.spec.get("replicas")
        desired, ready = 1 if wanted is None else int(wanted), int(status.get("readyReplicas") or 0)
    else:
        desired, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
    return Unit(item, _living(snapshot, item), desired, ready) if desired else None


def _batch(snapshot: Snapshot, item: Resource) -> Unit | None:
    """A Job that runs or failed; a CronJob by its last run that ended."""
    if item.ref.kind == "Job":
        job: Resource | None = item
    else:
        runs = sorted((run for run in snapshot.owned(item) if _ended(run)), key=lambda run: run.created)
        job = runs[-1] if runs else None
    if job is None or item.spec.get("suspend") or (item is job and _ended(job) == "Complete"):
        return None
    return Unit(item, _living(snapshot, item), 1, int(_ended(job) != "Failed"))


def _ended(job: Resource) -> str:
    """`Complete` or `Failed`; empty while it runs."""
    found = job.conditions
    return next((type_ for type_ in ("Complete", "Failed") if found.get(type_, {}).get("status") == "True"), "")


def _living(snapshot: Snapshot, item: Resource) -> tuple[Resource, ...]:
    return tuple(pod for pod in snapshot.pods_of(item) if not is_over(pod))

"""The workloads of a namespace, each with what it asks for, what was measured of it, and what it should be given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import NotFound
from mcp_tools.sizing.amounts import GIB
from mcp_tools.sizing.recommending import Advice, Resources, advise, changed
from mcp_tools.sizing.replicas import Scaling, replica_advice
from mcp_tools.usage.aggregate import Aggregate
from mcp_tools.usage.recording import Recorder, amount, cluster_id, look
from mcp_tools.usage.store import Owner

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot
    from mcp_tools.sizing.settings import Measuring, SizingSettings
    from mcp_tools.usage.store import UsageStore

SIZED = ("Deployment", "StatefulSet", "DaemonSet")
BESIDE = ("horizontalpodautoscalers", "poddisruptionbudgets")


@dataclass(frozen=True, slots=True)
class ContainerSizing:
    """One container of a workload.

    Attributes:
        now: What it asks for.
        held: What was measured of it; empty where nothing was.
        advice: What it should be given; None where too little was measured.
        change: What of the advice is to be set: what is near enough stays as it is.
    """

    name: str
    now: Resources
    held: Aggregate
    advice: Advice | None
    change: Resources

    @property
    def saved_cores(self) -> float:
        """Of each replica; less than 0 where it asks for too little."""
        return _less(self.now.cpu_request, self.change.cpu_request)

    @property
    def saved_bytes(self) -> float:
        """As `saved_cores`."""
        return _less(self.now.memory_request, self.change.memory_request)

    @property
    def verdict(self) -> str:
        """`unknown`, `fits`, `too much`, `too little`, or `unset` where it asks for nothing."""
        if self.advice is None:
            return "unknown"
        if self.change == Resources():
            return "fits"
        raised = (
            (self.now.cpu_request, self.change.cpu_request),
            (self.now.memory_request, self.change.memory_request),
            (self.now.cpu_limit, self.change.cpu_limit),
            (self.now.memory_limit, self.change.memory_limit),
        )
        if any(old is not None and new is not None and new > old for old, new in raised):
            return "too little"
        return "unset" if any(old is None and new is not None for old, new in raised) else "too much"


@dataclass(frozen=True, slots=True)
class WorkloadSizing:
    """One workload.

    Attributes:
        advice: On its replicas and its autoscaler, a sentence each.
        scaling: Its replicas, autoscaler and disruption budget.
    """

    workload: Resource
    replicas: int
    containers: tuple[ContainerSizing, ...]
    advice: tuple[str, ...]
    scaling: Scaling

    @property
    def saved_cores(self) -> float:
        """Of all replicas."""
        return self.replicas * sum(one.saved_cores for one in self.containers)

    @property
    def saved_gib(self) -> float:
        """Of all replicas."""
        return self.replicas * sum(one.saved_bytes for one in self.containers) / GIB


def size(
    connection: Connection, store: UsageStore, measuring: Measuring, namespace: str | None, name: str = ""
) -> list[WorkloadSizing]:
    """Look at workloads, keep what they use at this moment, and hold what was measured against what they ask for.

    Args:
        namespace: None for all.
        name: Of one workload, perhaps `Kind/name`; empty for all.

    Raises:
        NotFound: The cluster measures nothing and no Prometheus is configured.
        ShipmateError: As `look` and `history`.
    """
    address = measuring.usage.prometheus
    try:
        observation = look(connection, namespace, BESIDE)
    except NotFound:
        if not address:
            raise
        observation = look(connection, namespace, BESIDE, measured=False)
    cluster = cluster_id(connection)
    Recorder(store, cluster).record(observation)
    snapshot = observation.snapshot
    if address:
        from mcp_tools.usage.prometheus import history

        held = history(address, snapshot, namespace, measuring.usage.prometheus_days)
    else:
        held = store.read(cluster, namespace)
    return [
        _workload(snapshot, item, held, measuring.sizing)
        for item in snapshot.workloads
        if item.ref.kind in SIZED and name in {"", item.name, f"{item.ref.kind}/{item.name}"}
    ]


def _workload(
    snapshot: Snapshot, item: Resource, held: Mapping[Owner, Aggregate], settings: SizingSettings
) -> WorkloadSizing:
    scaling = Scaling.of(snapshot, item)
    containers = []
    for spec in item.template.get("containers") or ():
        owner = Owner(item.namespace, item.ref.kind, item.name, spec["name"])
        containers.append(_container(spec, held.get(owner) or Aggregate(), settings, scaling.utilisation))
    advice = replica_advice(scaling, [(one.held, one.now, one.advice) for one in containers])
    return WorkloadSizing(item, scaling.replicas, tuple(containers), advice, scaling)


def _container(
    spec: dict[str, Any], held: Aggregate, settings: SizingSettings, utilisation: float | None
) -> ContainerSizing:
    now = resources(spec)
    advice = advise(held, now, settings, utilisation=utilisation)
    change = changed(now, advice.resources, settings.tolerance) if advice else Resources()
    return ContainerSizing(spec["name"], now, held, advice, change)


def resources(spec: dict[str, Any]) -> Resources:
    """What a container of a pod's spec asks for."""
    given = spec.get("resources") or {}
    requests, limits = given.get("requests") or {}, given.get("limits") or {}

    def of(quantities: dict[str, Any], resource: str) -> float | None:
        return amount(quantities, resource) if resource in quantities else None

    # Without a request of its own a container is given its limit as one.
    return Resources(
        of({**limits, **requests}, "cpu"), of({**limits, **requests}, "memory"), of(limits, "cpu"), of(limits, "memory")
    )


def _less(old: float | None, new: float | None) -> float:
    return 0.0 if old is None or new is None or math.isclose(old, new) else old - new

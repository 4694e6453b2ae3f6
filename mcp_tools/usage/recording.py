"""Recording: what is observed of containers goes into what is kept of their workloads."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import built_in
from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.diagnosis.taking import read_kind
from mcp_tools.errors import ApiError, Forbidden, NotFound
from mcp_tools.monitoring.observing import Observation
from mcp_tools.quantity import BadQuantity, parse
from mcp_tools.usage.reading import ContainerUsage, container_usage
from mcp_tools.usage.store import Ledger, Owner, Place

if TYPE_CHECKING:
    import threading

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.usage.store import UsageStore

OOM_KILLED = "OOMKilled"
WORKLOADS = ("pods", "replicasets", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs")
SECONDS = 15.0
"""Between two looks where nobody says otherwise: metrics-server measures as often."""


class Recorder:
    """Keeps what is observed of one cluster.

    Args:
        cluster: As `cluster_id`.
    """

    def __init__(self, store: UsageStore, cluster: str) -> None:
        self._store = store
        self._cluster = cluster

    def record(self, observation: Observation) -> int:
        """Count what containers use and which of them ended for want of memory; what was counted before is not again.

        It takes about 0.2 s for 5,000 pods, and is written when it returns.

        Returns:
            How many samples were new.

        Raises:
            UsageProblem: It cannot be written.
        """
        snapshot = observation.snapshot
        with self._store.updating(self._cluster, snapshot.namespace or None, observation.at.timestamp()) as ledger:
            ended = sum(_count_ooms(ledger, snapshot, pod) for pod in snapshot.all("Pod"))
            return ended + sum(_count(ledger, snapshot, used) for used in observation.usage or ())


def cluster_id(connection: Connection) -> str:
    """What tells a cluster from another: the uid of its kube-system, or its address where that may not be seen."""
    try:
        return str(connection.get_object("/api/v1/namespaces/kube-system")["metadata"]["uid"])
    except (Forbidden, NotFound):
        return connection.server


def look(
    connection: Connection, namespace: str | None, kinds: Iterable[str] = (), *, measured: bool = True
) -> Observation:
    """What recording needs, and no more: pods with what made them, and what they use.

    Args:
        namespace: None for all.
        kinds: Further kinds, by their plural names.
        measured: Also what they use.

    Raises:
        NotFound: The cluster measures nothing: no metrics-server.
        ShipmateError: As `Connection.get`.
    """
    unseen: dict[str, str] = {}

    def read(plural: str) -> list[Resource]:
        kind = built_in(plural)
        try:
            return list(read_kind(connection, kind, namespace))
        except (NotFound, Forbidden) as error:
            if plural == "pods":
                raise
            unseen[kind.name] = error.message
            return []

    with ThreadPoolExecutor(len(WORKLOADS)) as pool:
        using = pool.submit(container_usage, connection, namespace) if measured else None
        items = [item for found in pool.map(read, (*WORKLOADS, *kinds)) for item in found]
    usage = tuple(using.result()) if using else None
    return Observation(Snapshot(items, namespace or "", unseen), dt.datetime.now(dt.UTC), usage)


def record_for(
    connection: Connection,
    store: UsageStore,
    namespace: str | None,
    *,
    seconds: float,
    every: float,
    stop: threading.Event,
    tell: Callable[[int, int], None],
) -> int:
    """Look again and again, and keep what is seen.

    Args:
        namespace: None for all.
        seconds: For how long.
        every: Seconds between two looks.
        stop: Ends it early.
        tell: Called after each look with the number of looks and of new samples so far.

    Returns:
        How many samples were new.

    Raises:
        ShipmateError: As `look`, at the first time; later on what does not answer is tried again.
    """
    recorder = Recorder(store, cluster_id(connection))
    began = time.monotonic()
    looks = samples = 0
    while True:
        try:
            samples += recorder.record(look(connection, namespace))
        except ApiError:
            if not looks:
                raise
        looks += 1
        tell(looks, samples)
        left = began + seconds - time.monotonic()
        if left <= 0 or stop.wait(min(every, left)):
            return samples


def owner_of(snapshot: Snapshot, pod: Resource, container: str) -> Owner:
    """Whose use that of a pod's container is."""
    root = snapshot.root(pod)
    if root is pod or root.ref.kind == "ReplicaSet":
        # What made it may not be seen: then its own reference says at least the name.
        made = next((one for one in root.meta.get("ownerReferences") or () if one.get("controller")), None)
        if made:
            return Owner(pod.namespace, made["kind"], made["name"], container)
    return Owner(pod.namespace, root.ref.kind, root.name, container)


def resources_of(pod: Resource, container: str) -> dict[str, Any]:
    """The `resources` of a pod's container."""
    found = next((one for one in pod.containers if one["name"] == container), {})
    return found.get("resources") or {}


def amount(quantities: dict[str, Any] | None, resource: str) -> float:
    """A quantity of a list of resources in cores or bytes; 0 where it is not there or none."""
    try:
        return float(parse(str((quantities or {}).get(resource, "0"))))
    except BadQuantity:
        return 0.0


def moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time; 0 where it is none."""
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def ends_of(pod: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """How containers of a pod ended that did: their names with the kubelet's word on each end."""
    for status in pod.status.get("containerStatuses") or ():
        for state in ("lastState", "state"):
            if ended := (status.get(state) or {}).get("terminated"):
                yield status["name"], ended


def _count(ledger: Ledger, snapshot: Snapshot, used: ContainerUsage) -> bool:
    pod = snapshot.get("Pod", used.namespace, used.pod)
    at = moment(used.at)
    if pod is None or not at:
        return False
    held = ledger.aggregate(owner_of(snapshot, pod, used.container))
    one = ledger.instance(Place(used.namespace, used.pod, used.container))
    counted = held.add_cpu(one, float(used.cpu), at)
    return counted and held.add_memory(one, float(used.memory), at)


def _count_ooms(ledger: Ledger, snapshot: Snapshot, pod: Resource) -> int:
    counted = 0
    for name, ended in ends_of(pod):
        if ended.get("reason") != OOM_KILLED:
            continue
        resources = resources_of(pod, name)
        had = amount(resources.get("limits"), "memory") or amount(resources.get("requests"), "memory")
        one = ledger.instance(Place(pod.namespace, pod.name, name))
        held = ledger.aggregate(owner_of(snapshot, pod, name))
        counted += held.add_oom(one, had, moment(ended.get("finishedAt") or ""))
    return counted

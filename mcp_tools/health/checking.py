"""One check: the cluster read once, diagnosed and scored, held against the checks before it, and kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.engine import collector_paused, diagnosed
from mcp_tools.diagnosis.looks import Looks
from mcp_tools.diagnosis.taking import take
from mcp_tools.health.assessing import Assessment, assess
from mcp_tools.health.history import Earlier, History, HistoryProblem
from mcp_tools.health.latency import by_workload, latencies
from mcp_tools.health.logs import error_rates
from mcp_tools.health.settings import HealthSettings
from mcp_tools.monitoring.observing import Observation, measured

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Snapshot

FILE = "health.db"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check gave.

    Attributes:
        earlier: What the trend is told against; None where this is the first check.
        unseen: What could not be looked at.
        elsewhere: How many causes lie outside the namespace.
    """

    assessment: Assessment
    earlier: Earlier | None
    unseen: tuple[str, ...]
    elsewhere: int = 0


def check(
    connection: Connection,
    namespace: str | None,
    *,
    workload: Ref | None = None,
    entries: Sequence[Entry] = (),
    history: Path | None = None,
    settings: HealthSettings | None = None,
    now: str = "",
) -> Check:
    """Look once.

    Args:
        namespace: None for the whole cluster.
        workload: Whose pods' logs are looked at, too.
        entries: What the journal has of this cluster, the newest first.
        history: Where the checks are kept; None: nothing is kept or compared.
        now: The cluster's time, RFC 3339, where it is not ours.

    Raises:
        ConnectionProblem: The cluster does not answer.
    """
    chosen = settings or HealthSettings()
    with collector_paused():
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(latencies, chosen)
            using = pool.submit(measured, connection, namespace)
            snapshot = take(connection, namespace, now)
            at = dt.datetime.now(dt.UTC)
            used, nodes = using.result()
            slow, missed = asked.result()
        found = diagnosed(snapshot, Looks(connection, used), namespace, entries=entries)
        rates = error_rates(connection, snapshot, workload) if workload else {}
        observation = Observation(snapshot, at, used, nodes, rates)
        latency = by_workload(slow, snapshot, chosen.latency_seconds)
        assessment = assess(observation, found.causes, latency=latency, logs=workload is not None)
    earlier, trouble = _remembered(history, connection, assessment)
    return Check(assessment, earlier, (*found.unseen, *missed, *trouble), found.elsewhere)


def _remembered(path: Path | None, connection: Connection, found: Assessment) -> tuple[Earlier | None, tuple[str, ...]]:
    """What the check is held against, and why there is nothing, if so; the check is kept for the next one."""
    if path is None:
        return None, ()
    cluster = cluster_of(found.observation.snapshot, connection)
    try:
        history = History(path)
        try:
            earlier = history.earlier(cluster, found.observation.snapshot.namespace or None, found.observation.at)
            history.keep(cluster, found)
        finally:
            history.close()
    except HistoryProblem as error:
        return None, (error.message,)
    return earlier, ()


def cluster_of(snapshot: Snapshot, connection: Connection) -> str:
    """What tells a cluster from others: its context and the uid of kube-system, or where it is reached."""
    system = snapshot.get("Namespace", "", "kube-system")
    return f"{connection.context}/{system.uid if system else connection.server}"

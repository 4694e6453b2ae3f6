"""How many errors pods log, where one workload is asked about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.containers import is_over
from mcp_tools.errors import ApiError, NotFound
from mcp_tools.reads.lines import is_wanted, read_lines

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

MINUTES = 10
MAX_PODS = 10
MAX_BYTES = 500_000
THREADS = 5


def error_rates(connection: Connection, snapshot: Snapshot, workload: Ref) -> dict[tuple[str, str], float]:
    """Lines of level error a minute over the last ten, by namespace and pod, of the first ten pods of a workload."""
    item = snapshot.at(workload)
    pods = [pod for pod in snapshot.pods_of(item) if not is_over(pod)][:MAX_PODS] if item else []
    with ThreadPoolExecutor(THREADS) as pool:
        counts = pool.map(lambda pod: _errors_of(connection, pod), pods)
        return {(pod.namespace, pod.name): number / MINUTES for pod, number in zip(pods, counts, strict=True)}


def _errors_of(connection: Connection, pod: Resource) -> int:
    number = 0
    for container in pod.spec.get("containers") or ():
        query: list[tuple[str, Any]] = [
            ("container", container["name"]),
            ("sinceSeconds", MINUTES * 60),
            ("limitBytes", MAX_BYTES),
        ]
        try:
            raw = connection.get(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log", query)
        except (ApiError, NotFound):
            # A container that never ran has no log, and neither has a pod that has just gone.
            continue
        number += sum(is_wanted(line.text, None, "error") for line in read_lines(raw))
    return number

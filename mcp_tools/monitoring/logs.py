"""How many errors pods log: a look at the last lines of some pods at a time, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.logs.lines import read_line
from mcp_tools.errors import ApiError, NotFound

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

PODS_AT_A_TIME = 40
THREADS = 4
SECONDS = 60
MOST_BYTES = 256 << 10
MOST_PODS = 5_000


class LogErrors:
    """Lines of level error per minute, by namespace and pod; each pod's figure is that of its last look."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rates: dict[tuple[str, str], float] = {}
        self._last = ("", "")

    def look(self, snapshot: Snapshot) -> Mapping[tuple[str, str], float]:
        """Look at the next pods in turn, and forget those that are gone.

        Raises:
            ConnectionProblem: The cluster does not answer.
        """
        running = {
            (pod.namespace, pod.name): pod for pod in snapshot.all("Pod") if pod.status.get("phase") == "Running"
        }
        names = sorted(running)[:MOST_PODS]
        after = [name for name in names if name > self._last] + [name for name in names if name <= self._last]
        turn = after[:PODS_AT_A_TIME]
        with ThreadPoolExecutor(THREADS) as pool:
            counted = list(pool.map(self._count, [running[name] for name in turn]))
        self._rates = {name: rate for name, rate in self._rates.items() if name in running}
        self._rates.update(zip(turn, counted, strict=True))
        self._last = turn[-1] if turn else ("", "")
        return dict(self._rates)

    def _count(self, pod: Resource) -> float:
        return float(sum(self._errors(pod, item["name"]) for item in pod.spec.get("containers") or ()))

    def _errors(self, pod: Resource, container: str) -> int:
        path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log"
        query = [("container", container), ("sinceSeconds", SECONDS), ("limitBytes", MOST_BYTES)]
        try:
            raw = self._connection.get(path, query, accept="*/*")
        except (ApiError, NotFound):
            # A container that has not begun, or is gone by now, has logged nothing.
            return 0
        return sum(read_line(line).level in {"error", "fatal"} for line in raw.decode("utf-8", "replace").splitlines())

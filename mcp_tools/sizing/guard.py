"""Watching whether a change made things worse: restarts, ends for want of memory, latency; if so it is taken back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mcp_tools.changes.model import Phase, Progress
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import selector_of
from mcp_tools.diagnosis.taking import read_kind
from mcp_tools.errors import ConnectionProblem, ShipmateError, Stopped
from mcp_tools.reads.answer import count
from mcp_tools.sizing.amounts import span_text
from mcp_tools.usage.prometheus import PrometheusProblem
from mcp_tools.usage.recording import OOM_KILLED, ends_of, moment

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from mcp_tools.changes.model import Reporter
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found
    from mcp_tools.diagnosis.snapshot import Resource

PAUSE = 2.0
SLOWER = 1.5
"""From this many times the latency of before on it is worse."""
SLOWER_SECONDS = 0.05
"""And at least so much more: what is fast may double without anybody's noticing."""


class GotWorse(ShipmateError):
    """Something broke after a change that did not break before."""

    code: ClassVar[str] = "got_worse"


@dataclass(frozen=True, slots=True)
class Before:
    """How a workload was before a change.

    Attributes:
        restarts: That are to be expected in the time for which it is watched afterwards.
        ooms: Of these, for want of memory.
        latency: Seconds; None where it is not measured.
    """

    restarts: float
    ooms: int
    latency: float | None = None


class Guard:
    """Watches workloads after a change.

    Args:
        seconds: For how long.
        latency: Gives the latency of a workload (namespace, name) in seconds, or None.
    """

    def __init__(
        self,
        connection: Connection,
        workloads: Sequence[Found],
        seconds: float,
        latency: Callable[[str, str], float | None] | None = None,
    ) -> None:
        self._connection = connection
        self._workloads = workloads
        self._seconds = seconds
        self._latency = latency
        self._before: dict[str, Before] = {}

    def look_before(self) -> None:
        """Note how things are; errors as `Connection.get`."""
        for found in self._workloads:
            pods = self._pods(found)
            slow = self._latency(found.namespace or "", found.name) if self._latency else None
            self._before[str(found)] = Before(
                sum(_expected(pod, self._seconds) for pod in pods), _ooms(pods, self._seconds), slow
            )

    def watch(self, reporter: Reporter, stop: threading.Event) -> None:
        """Watch until time is up; for `Request.verify`.

        Raises:
            GotWorse: Something is worse than it was.
            Stopped: `stop` was set.
        """
        if not self._seconds:
            return
        words = f"watching for {span_text(self._seconds)} that restarts and ends for want of memory do not get more"
        reporter(Progress(Phase.WATCHING, words))
        end = time.monotonic() + self._seconds
        while True:
            for found in self._workloads:
                self._judge(found)
            left = end - time.monotonic()
            if left <= 0:
                break
            if stop.wait(min(PAUSE, left)):
                raise Stopped("it was not watched to the end")
        for found in self._workloads:
            try:
                self._judge_latency(found)
            except PrometheusProblem as problem:
                # What cannot be measured is not worse.
                reporter(Progress(Phase.WATCHING, f"latency was not compared: {problem.message}"))

    def _judge(self, found: Found) -> None:
        try:
            pods = self._pods(found)
        except ConnectionProblem:
            # A server that is gone for a moment says nothing of the workload.
            return
        before = self._before.get(str(found)) or Before(0, 0)
        killed = [(pod.name, name) for pod in pods for name, ended in ends_of(pod) if ended.get("reason") == OOM_KILLED]
        if len(killed) > before.ooms:
            pod, container = killed[0]
            raise GotWorse(f"container {container} of pod {pod} was killed for want of memory after the change")
        restarts = {pod.name: _restarts(pod) for pod in pods}
        if (total := sum(restarts.values())) > before.restarts:
            pod = max(restarts, key=lambda name: restarts[name])
            expected = f", and {before.restarts:.1f} were to be expected" if before.restarts else ""
            raise GotWorse(f"{count(total, 'restart')} after the change, of pod {pod} most{expected}")

    def _judge_latency(self, found: Found) -> None:
        before = self._before.get(str(found)) or Before(0, 0)
        after = self._latency(found.namespace or "", found.name) if self._latency else None
        if before.latency is None or after is None:
            return
        if after > before.latency * SLOWER and after - before.latency >= SLOWER_SECONDS:
            raise GotWorse(f"the latency of {found} went from {before.latency * 1000:.0f} ms to {after * 1000:.0f} ms")

    def _pods(self, found: Found) -> list[Resource]:
        selector = [("labelSelector", selector_of(found.object))]
        pods = read_kind(self._connection, built_in("pods"), found.namespace, selector)
        return [pod for pod in pods if not pod.deleting]


def _restarts(pod: Resource) -> int:
    return sum(int(status.get("restartCount") or 0) for status in pod.status.get("containerStatuses") or ())


def _expected(pod: Resource, seconds: float) -> float:
    """The restarts of a pod that its life so far promises for the next seconds."""
    age = max(time.time() - moment(pod.created), 1.0)
    recent = sum(1 for _, ended in ends_of(pod) if time.time() - moment(ended.get("finishedAt") or "") <= seconds)
    return max(_restarts(pod) * min(1.0, seconds / age), recent)


def _ooms(pods: Sequence[Resource], seconds: float) -> int:
    return sum(
        1
        for pod in pods
        for _, ended in ends_of(pod)
        if ended.get("reason") == OOM_KILLED and time.time() - moment(ended.get("finishedAt") or "") <= seconds
    )

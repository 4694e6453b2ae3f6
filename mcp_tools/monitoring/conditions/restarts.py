"""Containers that are started again and again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from mcp_tools.diagnosis.containers import View, is_over
from mcp_tools.monitoring.conditions.base import Held, Parameters, Sight, condition
from mcp_tools.monitoring.conditions.objects import MOST_SHOWN, by_container, moment
from mcp_tools.monitoring.counters import KEPT
from mcp_tools.monitoring.durations import Duration, roughly
from mcp_tools.reads.answer import count

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource
    from mcp_tools.monitoring.counters import Counters
    from mcp_tools.monitoring.observing import Observation

LONGEST_BACK_OFF = dt.timedelta(minutes=5)
"""The kubelet waits no longer than this between two runs (pkg/kubelet, MaxContainerBackOff)."""
WAITS = "CrashLoopBackOff"


class Restarts(Parameters):
    """How many are too many."""

    more_than: int = Field(default=3, ge=1, le=1000, description="restarts of one container within the window")
    window: Duration = Field(default=dt.timedelta(hours=1), gt=dt.timedelta(), le=KEPT, description="how far back")
    steady: Duration = Field(
        default=dt.timedelta(minutes=10),
        gt=dt.timedelta(),
        description="a container that has run for this long is over it",
    )


def count_restarts(counters: Counters, observation: Observation) -> None:
    """Take down how often each container was restarted; where pods cannot be read, nothing is known of any."""
    if not observation.snapshot.sees("Pod"):
        return
    for pod in observation.snapshot.all("Pod"):
        born = moment(pod.created) or observation.at
        for key in ("initContainerStatuses", "containerStatuses"):
            for status in pod.status.get(key) or ():
                counters.observe(
                    _series(pod, status["name"]), int(status.get("restartCount") or 0), observation.at, born
                )
    counters.looked(observation.at)


@condition("restarts", Restarts, "Pod")
def restarts(sight: Sight, given: Restarts) -> Iterator[Held]:
    """A container was restarted more often within a sliding window than it may be."""
    restarted = (pod for pod in sight.snapshot.all("Pod") if _restarted(pod))
    for (workload, container), group in by_container(sight.snapshot, restarted).items():
        often = [(number, view) for view in group if (number := _number(sight, view, given)) > given.more_than]
        if not often:
            continue
        most = max(number for number, _ in often)
        where = f" in {count(len(often), 'pod')}" if len(often) > 1 else ""
        times = f"{count(most, 'time')} within {roughly(given.window)}{where}"
        yield Held(
            workload,
            f"Container {container} of {workload} was restarted {times}.",
            tuple(_ending(view) for _, view in often[:MOST_SHOWN]),
            {"container": container},
            tuple(view.pod.ref for _, view in often),
        )


def _series(pod: Resource, container: str) -> str:
    return f"restarts/{pod.uid}/{container}"


def _restarted(pod: Resource) -> bool:
    if is_over(pod):
        return False
    statuses = (*(pod.status.get("initContainerStatuses") or ()), *(pod.status.get("containerStatuses") or ()))
    return any(status.get("restartCount") for status in statuses)


def _number(sight: Sight, view: View, given: Restarts) -> int:
    """Restarts within the window: those that were seen, or what the length of the last run says for itself."""
    started = moment((view.running or {}).get("startedAt"))
    if started and sight.at - started >= given.steady:
        return 0
    return max(
        sight.counters.increase(_series(view.pod, view.name), given.window, sight.at), _by_pace(sight, view, given)
    )


def _by_pace(sight: Sight, view: View, given: Restarts) -> int:
    """At least so many, where a container waits to be started again and its last run was short.

    Nobody need have watched for an hour: what ran for a minute and waits five at most runs ten times an hour.
    """
    began, ended = moment(view.ended.get("startedAt")), moment(view.ended.get("finishedAt"))
    if view.waiting.get("reason") != WAITS or not began or not ended or sight.at - ended > LONGEST_BACK_OFF * 2:
        return 0
    born = moment(view.pod.created) or sight.at
    time = min(given.window, sight.at - born)
    return min(view.restarts, int(time / (ended - began + LONGEST_BACK_OFF)))


def _ending(view: View) -> str:
    ended: dict[str, Any] = view.ended
    why = ended.get("reason") or "ended"
    code = f", exit code {ended['exitCode']}" if ended.get("exitCode") is not None else ""
    last = f"; the last run: {why}{code}, {ended.get('startedAt')} to {ended.get('finishedAt')}" if ended else ""
    return f"pod/{view.pod.name}: {count(view.restarts, 'restart')} since it was made{last}"

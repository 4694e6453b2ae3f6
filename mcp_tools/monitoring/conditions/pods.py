"""Pods that wait, or were killed for want of memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from mcp_tools.diagnosis.containers import is_over
from mcp_tools.monitoring.conditions.base import Held, Parameters, Sight, condition
from mcp_tools.monitoring.conditions.objects import MOST_SHOWN, by_container, by_workload, moment, named, oldest
from mcp_tools.monitoring.counters import KEPT
from mcp_tools.monitoring.durations import Duration, roughly
from mcp_tools.reads.answer import count

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource

OOM = "OOMKilled"


class Nothing(Parameters):
    """No figures: how long is the rule's `for`."""


class Killed(Parameters):
    """How long a kill is news."""

    window: Duration = Field(
        default=dt.timedelta(hours=1), gt=dt.timedelta(), le=KEPT, description="how long ago the last one was at most"
    )


@condition("pod-pending", Nothing, "Pod", per_pod=True)
def pod_pending(sight: Sight, given: Nothing) -> Iterator[Held]:  # noqa: ARG001  it has no figures
    """A pod waits for a node, its images or its volumes."""
    waiting = (pod for pod in sight.snapshot.all("Pod") if pod.status.get("phase") == "Pending" and not is_over(pod))
    for workload, pods in by_workload(sight.snapshot, waiting).items():
        pods.sort(key=lambda pod: (pod.created, pod.name))
        since = oldest(moment(pod.created) for pod in pods)
        age = f" for {roughly(sight.at - since)}" if since else ""
        what = "is" if workload.kind == "Pod" else f"has {count(len(pods), 'pod')}"
        yield Held(
            workload,
            f"{named(workload)} {what} pending{age}: {_why(pods[0])}.",
            tuple(f"pod/{pod.name}: {_why(pod)}" for pod in pods[:MOST_SHOWN]),
            pods=tuple(pod.ref for pod in pods),
            since=since,
        )


@condition("oom-killed", Killed, "Pod")
def oom_killed(sight: Sight, given: Killed) -> Iterator[Held]:
    """A container was killed because it used more memory than it may."""
    restarted = (pod for pod in sight.snapshot.all("Pod") if not is_over(pod) and _was_killed(pod))
    for (workload, container), views in by_container(sight.snapshot, restarted).items():
        ends = {
            view.pod.ref: ended
            for view in views
            if view.ended.get("reason") == OOM and (ended := moment(view.ended.get("finishedAt")))
        }
        late = {ref: ended for ref, ended in ends.items() if sight.at - ended <= given.window}
        if not late:
            continue
        last = max(late.values())
        where = f" in {count(len(late), 'pod')}" if len(late) > 1 else ""
        yield Held(
            workload,
            f"Container {container} of {workload} was killed for want of memory{where}, last at {last:%H:%M} UTC.",
            tuple(f"{ref}: {OOM}, {ended.isoformat()}" for ref, ended in list(late.items())[:MOST_SHOWN]),
            {"container": container},
            tuple(late),
            since=min(late.values()),
        )


def _was_killed(pod: Resource) -> bool:
    return any(
        ((status.get(state) or {}).get("terminated") or {}).get("reason") == OOM
        for key in ("initContainerStatuses", "containerStatuses")
        for status in pod.status.get(key) or ()
        for state in ("state", "lastState")
    )


def _why(pod: Resource) -> str:
    scheduled = pod.conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return str(scheduled.get("message") or scheduled.get("reason") or "no node was found for it").rstrip(".")
    for key in ("initContainerStatuses", "containerStatuses"):
        for status in pod.status.get(key) or ():
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting and waiting.get("reason") != "PodInitializing":
                reason, message = waiting.get("reason") or "waiting", waiting.get("message")
                return f"container {status['name']}: {reason}{f', {message}' if message else ''}".rstrip(".")
    return "its containers have not begun"

"""What a live view of health shows at one moment: scores, pods with what they use, events; bounded and redacted."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.pods import Pod, age, status_word
from mcp_tools.diagnosis.containers import is_over, is_ready
from mcp_tools.diagnosis.snapshot import event_time
from mcp_tools.health.report import told
from mcp_tools.quantity import parse
from mcp_tools.reads.answer import clip
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot
    from mcp_tools.health.checking import Check
    from mcp_tools.monitoring.observing import Observation

MOST_PODS, MOST_EVENTS = 200, 30
EVENT_WIDTH = 200


@dataclass(frozen=True, slots=True)
class Use:
    """Of one resource of a pod: CPU in cores, memory in bytes; None where it is not measured or not set."""

    used: float | None = None
    request: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class PodLine:
    """One pod."""

    namespace: str
    name: str
    ready: bool
    status: str
    restarts: int
    age: str
    cpu: Use
    memory: Use


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event: how long ago, about what, and what it says."""

    age: str
    warning: bool
    object: str
    reason: str
    count: int
    message: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment.

    Attributes:
        summary: The health in a sentence or two.
        health: As `health_report` gives it.
        pods: Those in trouble first, then the biggest users.
        more_pods: How many are not among them.
        events: The latest first.
        measured: Whether the cluster measures use at all.
    """

    at: dt.datetime
    summary: str
    health: dict[str, Any]
    pods: tuple[PodLine, ...]
    more_pods: int
    events: tuple[EventLine, ...]
    measured: bool


def frame_of(context: str, found: Check, namespace: str | None) -> Frame:
    """The frame of one check."""
    observation = found.assessment.observation
    snapshot = observation.snapshot
    answer = told(context, found, namespace)
    used = _used(observation)
    pods = [pod for pod in snapshot.all("Pod") if not is_over(pod) or pod.status.get("phase") == "Failed"]
    pods.sort(key=lambda pod: (is_ready(pod), -_restarts(pod), -used.get(pod.ref, (0.0, 0.0))[0], pod.ref))
    events = sorted(snapshot.all("Event"), key=event_time, reverse=True)[:MOST_EVENTS]
    return Frame(
        observation.at,
        redact_text(answer.summary),
        redact(answer.data),
        tuple(_pod(pod, used.get(pod.ref), snapshot) for pod in pods[:MOST_PODS]),
        max(0, len(pods) - MOST_PODS),
        tuple(_event(event, snapshot) for event in events),
        observation.usage is not None,
    )


def _used(observation: Observation) -> dict[Any, tuple[float, float]]:
    """CPU and memory by the pod's ref."""
    from mcp_tools.diagnosis.model import Ref

    found: dict[Ref, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for usage in observation.usage or ():
        ref = Ref("Pod", usage.namespace, usage.pod)
        cpu, memory = found[ref]
        found[ref] = (cpu + float(usage.cpu), memory + float(usage.memory))
    return dict(found)


def _pod(pod: Resource, used: tuple[float, float] | None, snapshot: Snapshot) -> PodLine:
    shape = msgspec.convert({"metadata": pod.meta, "spec": pod.spec, "status": pod.status}, Pod)
    cpu, memory = used or (None, None)
    return PodLine(
        pod.namespace,
        pod.name,
        is_ready(pod),
        status_word(shape),
        _restarts(pod),
        age(pod.created, dt.datetime.fromisoformat(snapshot.now)),
        Use(cpu, _bound(pod, "requests", "cpu"), _bound(pod, "limits", "cpu")),
        Use(memory, _bound(pod, "requests", "memory"), _bound(pod, "limits", "memory")),
    )


def _bound(pod: Resource, side: str, what: str) -> float | None:
    """Of all containers together; None where one of them has none, so that there is none for the pod."""
    found = [((each.get("resources") or {}).get(side) or {}).get(what) for each in pod.spec.get("containers") or ()]
    return sum(float(parse(str(amount))) for amount in found) if found and all(found) else None


def _restarts(pod: Resource) -> int:
    status = pod.status
    statuses = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return sum(int(each.get("restartCount") or 0) for each in statuses)


def _event(event: Resource, snapshot: Snapshot) -> EventLine:
    body = event.body
    about = body.get("involvedObject") or {}
    return EventLine(
        age(event_time(event), dt.datetime.fromisoformat(snapshot.now)),
        body.get("type") == "Warning",
        f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
        str(body.get("reason") or ""),
        int((body.get("series") or {}).get("count") or body.get("count") or 1),
        clip(redact_text(str(body.get("message") or "").replace("\n", " ")), EVENT_WIDTH),
    )

"""The parts that the objects themselves tell: availability, restarts, warnings and what a diagnosis found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.containers import is_ready, seconds_between
from mcp_tools.diagnosis.snapshot import event_time
from mcp_tools.health.parts import FULL, Measure, Part
from mcp_tools.reads.answer import clip, count, listed
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot
    from mcp_tools.health.units import Unit

HOUR = 3600.0
CANNOT_START = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
STUCK = 50.0
"""What is left of availability where the old pods serve and the new ones cannot start."""
A_RESTART, A_WARNING, A_LINE = 20.0, 4.0, 10.0
"""What it costs: a restart an hour, a Warning an hour, a line of level error a minute; each for every pod."""
TO_USERS, WITHIN = 100.0, 60.0
"""What a cause that is proven costs: where it reaches a Service or an Ingress, and where it does not."""
WIDTH = 160


def availability(unit: Unit) -> Measure:
    """The pods that are ready, of those that are wanted; half where a rollout cannot go on."""
    kind = unit.ref.kind
    if kind in {"Job", "CronJob"}:
        return Measure(Part.AVAILABILITY, FULL * unit.ready, "its last run failed" if not unit.ready else "it runs")
    if kind == "Node":
        return Measure(Part.AVAILABILITY, FULL * unit.ready, "it is not Ready" if not unit.ready else "it is Ready")
    score = FULL * min(1.0, unit.ready / unit.desired)
    why = f"{unit.ready} of {count(unit.desired, 'pod')} ready"
    if stuck := _stuck(unit.pods):
        why = f"{stuck}; {why}"
        score = min(score, STUCK) if unit.ready >= unit.desired else score
    elif unit.item.conditions.get("Progressing", {}).get("status") == "False":
        score, why = min(score, STUCK), f"{why}; its rollout does not go on"
    return Measure(Part.AVAILABILITY, score, why)


def reachability(causes: Iterable[Cause]) -> Measure:
    """Availability of what has no pods: nothing where a cause keeps users from a Service or an Ingress."""
    doubt = min((1 - cause.finding.confidence for cause in causes if _reaches_users(cause)), default=1.0)
    return Measure(Part.AVAILABILITY, FULL * doubt, "it works" if doubt == 1 else "users do not get through")


def _reaches_users(cause: Cause) -> bool:
    return any(ref.kind in {"Service", "Ingress"} for ref in cause.reach)


def _stuck(pods: Iterable[Resource]) -> str:
    """The first pod whose container cannot start, and why."""
    for pod in pods:
        if is_ready(pod):
            continue
        for status in _statuses(pod):
            reason = ((status.get("state") or {}).get("waiting") or {}).get("reason", "")
            if reason in CANNOT_START:
                return f"{pod.name}: {reason}"
    return ""


def restarts(unit: Unit, now: str) -> Measure | None:
    """Restarts in the last hour: of a container that lives longer and was restarted in it, at least one."""
    if not unit.pods:
        return None
    total, worst, worst_pod, ended = 0.0, 0.0, "", ""
    for pod in unit.pods:
        found = 0.0
        for status in _statuses(pod):
            if not status.get("restartCount"):
                continue
            number, reason = _recent(pod, status, now)
            found += number
            ended = reason if number and found >= worst else ended
        total += found
        if found > worst:
            worst, worst_pod = found, pod.name
    score = max(0.0, FULL - A_RESTART * total / len(unit.pods))
    if not total:
        return Measure(Part.RESTARTS, score, "no restart in the last hour")
    beside = f", {worst:.0f} of them {worst_pod}" if len(unit.pods) > 1 else ""
    last = f"; ended by {ended}" if ended else ""
    return Measure(Part.RESTARTS, score, f"{count(round(total), 'restart')} in the last hour{beside}{last}")


def _recent(pod: Resource, status: Mapping[str, Any], now: str) -> tuple[float, str]:
    """How often a container was restarted in the last hour, as far as its status tells, and how it ended last."""
    last = (status.get("lastState") or {}).get("terminated") or (status.get("state") or {}).get("terminated") or {}
    waiting = ((status.get("state") or {}).get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    ended = str(last.get("finishedAt") or "")
    if not waiting and not (ended and seconds_between(ended, now) <= HOUR):
        return 0.0, ""
    number = float(status["restartCount"])
    age = seconds_between(pod.created, now)
    reason = str(last.get("reason") or "")
    reason = f"{reason} (exit code {last['exitCode']})" if last.get("exitCode") and reason == "Error" else reason
    return (number if age <= HOUR else max(1.0, number * HOUR / age)), reason


def errors(unit: Unit, snapshot: Snapshot, log_errors: Mapping[tuple[str, str], float] | None) -> Measure | None:
    """Warning events of the last hour about an object and what it owns, and its lines of level error a minute.

    Args:
        log_errors: By namespace and pod; None where logs were not looked at.
    """
    if not snapshot.sees("Event") and log_errors is None:
        return None
    about = [unit.item, *snapshot.owned(unit.item), *(pod for pod in unit.pods if pod is not unit.item)]
    reasons: Counter[str] = Counter()
    for item in about:
        for event in snapshot.events(item):
            if event.body.get("type") == "Warning" and (number := _in_the_hour(event, snapshot.now)):
                reasons[str(event.body.get("reason") or "")] += number
    pods = max(1, len(unit.pods))
    warnings = sum(reasons.values())
    why = [
        f"{count(warnings, 'warning')} in the last hour ({listed([f'{n}x {r}' for r, n in reasons.most_common()], 2)})"
    ]
    why = why if warnings else ["no warning in the last hour"]
    score = FULL - A_WARNING * warnings / pods
    if log_errors is not None:
        lines = sum(log_errors.get((pod.namespace, pod.name), 0.0) for pod in unit.pods)
        score -= A_LINE * lines / pods
        why.append(f"{lines:.1f} lines of level error a minute" if lines else "no errors in its logs")
    return Measure(Part.ERRORS, max(0.0, score), ", ".join(why))


def _in_the_hour(event: Resource, now: str) -> int:
    """How often an event happened in the last hour; what went on for longer is taken as even."""
    last = event_time(event)
    if seconds_between(last, now) > HOUR:
        return 0
    number = int((event.body.get("series") or {}).get("count") or event.body.get("count") or 1)
    first = str(event.body.get("firstTimestamp") or event.body.get("eventTime") or event.created)
    went_on = seconds_between(first, now)
    return number if went_on <= HOUR else max(1, round(number * HOUR / went_on))


def findings(causes: Iterable[Cause]) -> Measure:
    """What the diagnosis found that touches an object: the gravest decides."""
    worst, why = 0.0, "nothing is found wrong"
    number = 0
    for cause in causes:
        number += 1
        cost = cause.finding.confidence * (TO_USERS if _reaches_users(cause) else WITHIN)
        if cost > worst:
            worst, why = cost, clip(redact_text(cause.finding.cause), WIDTH)
    more = f" (and {count(number - 1, 'other cause')})" if number > 1 else ""
    return Measure(Part.FINDINGS, FULL - worst, why + more)


def _statuses(pod: Resource) -> list[dict[str, Any]]:
    status = pod.status
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]

"""From what one container used to what it should request and be limited to, with the reasons.

Targets are those of the Vertical Pod Autoscaler's recommender (kubernetes/autoscaler,
`vertical-pod-autoscaler/pkg/recommender/logic/recommender.go`): the 90th percentile of CPU and of the daily peaks of
memory, and 15 % more. Where this is more careful than that: memory never goes below the highest peak of eight days and
its margin, and a limit goes down no further than the recommender's upper bound, which comes down as confidence grows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.quantity import parse
from mcp_tools.sizing.amounts import bytes_text, cores_text, span_text

if TYPE_CHECKING:
    from mcp_tools.sizing.settings import SizingSettings
    from mcp_tools.usage.aggregate import Aggregate

LEAST_SAMPLES = 3
"""Fewer say nothing."""
UPPER = 0.95
"""The percentile of the recommender's upper bound."""
THROTTLED = 0.9
"""A container whose CPU comes as near as this to its limit would use more if it could."""
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Resources:
    """Requests and limits in cores and bytes; None where there is none."""

    cpu_request: float | None = None
    memory_request: float | None = None
    cpu_limit: float | None = None
    memory_limit: float | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """What a container should be given.

    Attributes:
        resources: As it should be; what is not to be set stays None, as it is.
        reasons: Why, a sentence each.
        preliminary: Why it may change: too little was measured; empty where it was enough.
        bottleneck: `cpu` or `memory` where its limit hides how much it needs.
    """

    resources: Resources
    reasons: tuple[str, ...]
    preliminary: str = ""
    bottleneck: str = ""


def advise(
    held: Aggregate, now: Resources, settings: SizingSettings, *, utilisation: float | None = None
) -> Advice | None:
    """What a container should be given.

    Args:
        now: What it has.
        utilisation: The part of the CPU request that a HorizontalPodAutoscaler aims at: what is recommended keeps the
            same number of replicas.

    Returns:
        None where too little was measured to say anything.
    """
    if held.samples < LEAST_SAMPLES or not held.memory_peak:
        return None
    cpu_request, cpu_limit, cpu_reasons, throttled = _cpu(held, now, settings, utilisation)
    memory_request, memory_limit, memory_reasons = _memory(held, now, settings)
    preliminary = ""
    if held.span < settings.enough_hours * HOUR:
        preliminary = f"measured for {span_text(held.span)} only ({held.samples} samples)"
    return Advice(
        Resources(cpu_request, memory_request, cpu_limit, memory_limit),
        (*cpu_reasons, *memory_reasons),
        preliminary,
        "cpu" if throttled else "memory" if held.oom_need else "",
    )


def _cpu(
    held: Aggregate, now: Resources, settings: SizingSettings, utilisation: float | None
) -> tuple[float, float | None, list[str], bool]:
    used = held.cpu_percentile(settings.cpu_percentile / 100)
    wanted = used * (1 + settings.margin)
    percentile = f"p{settings.cpu_percentile:g}"
    reasons = [f"CPU: {percentile} is {cores_text(used)}, and {settings.margin:.0%} more"]
    if utilisation and used / utilisation > wanted:
        wanted = used / utilisation
        reasons = [f"CPU: {percentile} is {cores_text(used)}, and the HPA aims at {utilisation:.0%} of the request"]
    if wanted < (least := float(parse(settings.min_cpu))):
        wanted = least
        reasons = [f"CPU: {percentile} is {cores_text(used)}; {settings.min_cpu} is the least"]
    limit = now.cpu_limit
    if limit is None:
        return _whole(wanted, 0.001), None, reasons, False
    if held.cpu_percentile(0.99) >= THROTTLED * limit:
        doubled = _whole(2 * limit, 0.001)
        reasons.append(
            f"CPU is held back by its limit: p99 is {cores_text(held.cpu_percentile(0.99))} of {cores_text(limit)}, so "
            "how much it needs cannot be seen; twice the limit, or none, shows it"
        )
        guaranteed = now.cpu_request == limit
        wanted = doubled if guaranteed else min(max(wanted, now.cpu_request or 0), doubled)
        return _whole(wanted, 0.001), doubled, reasons, True
    new, reason = _limit(
        limit, max(held.cpu_percentile(UPPER), held.cpu_peak) * (1 + settings.margin), wanted, held.confidence
    )
    if reason:
        reasons.append(f"CPU limit: {reason.format(cores_text(held.cpu_peak))}")
    if now.cpu_request is not None and now.cpu_request == limit:
        wanted = new
        reasons.append("CPU: the request stays equal to the limit, for the pod's quality of service")
    return _whole(min(wanted, new), 0.001), _whole(new, 0.001), reasons, False


def _memory(held: Aggregate, now: Resources, settings: SizingSettings) -> tuple[float, float | None, list[str]]:
    peak = held.memory_peak
    wanted = max(peak, held.memory_percentile(0.9)) * (1 + settings.margin)
    reasons = [f"memory: the highest peak is {bytes_text(peak)}, and {settings.margin:.0%} more"]
    if held.oom_need > peak:
        wanted = max(peak * (1 + settings.margin), held.oom_need)
        reasons = [
            f"memory: killed {_times(held.ooms)} for its limit, so it needs {bytes_text(held.oom_need)} at least"
        ]
    if wanted < (least := float(parse(settings.min_memory))):
        wanted = least
        reasons = [f"memory: the highest peak is {bytes_text(peak)}; {settings.min_memory} is the least"]
    limit = now.memory_limit
    if limit is None:
        reasons.append("memory has no limit: a leak would take the node's")
        return _whole(wanted, 2**20), None, reasons
    new, reason = _limit(limit, wanted, wanted, held.confidence)
    if reason:
        reasons.append(f"memory limit: {reason.format(bytes_text(peak))}")
    if now.memory_request is not None and now.memory_request == limit:
        wanted = new
        reasons.append("memory: the request stays equal to the limit, for the pod's quality of service")
    return _whole(min(wanted, new), 2**20), _whole(new, 2**20), reasons


def _limit(limit: float, seen: float, least: float, confidence: float) -> tuple[float, str]:
    """The new limit, and why it is another (with `{}` for the peak).

    Args:
        seen: What was seen at the most, with its margin.
        least: The request.
        confidence: As `Aggregate.confidence`; the upper bound is what was seen times 1 + 1 / confidence.
    """
    floor = max(seen, least)
    if limit < floor:
        return floor, "below the peak of {} and its margin"
    bound = floor * (1 + 1 / confidence) if confidence else math.inf
    if bound < limit:
        return bound, f"the peak is {{}}; after {confidence:.1f} days {1 + 1 / confidence:.1f} times as much is enough"
    return limit, ""


def _whole(value: float, unit: float) -> float:
    """Rounded up to a multiple of a unit; what is one but for the last digits of a float stays."""
    return math.ceil(value / unit - 1e-6) * unit


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def changed(now: Resources, new: Resources, tolerance: float) -> Resources:
    """What of a recommendation is to be set: None for what is near enough already.

    Args:
        tolerance: The part of the recommendation by which a request may differ.
    """

    def moved(old: float | None, wanted: float | None) -> float | None:
        if wanted is None:
            return None
        near = old is not None and abs(old - wanted) <= tolerance * wanted
        return None if near else wanted

    found = Resources(
        moved(now.cpu_request, new.cpu_request),
        moved(now.memory_request, new.memory_request),
        moved(now.cpu_limit, new.cpu_limit),
        moved(now.memory_limit, new.memory_limit),
    )
    # The API server refuses a request above its limit: where only one of the two moves, the other may have to.
    cpu = _together(
        (now.cpu_request, now.cpu_limit), (found.cpu_request, found.cpu_limit), new.cpu_request, new.cpu_limit
    )
    memory = _together(
        (now.memory_request, now.memory_limit),
        (found.memory_request, found.memory_limit),
        new.memory_request,
        new.memory_limit,
    )
    return Resources(cpu[0], memory[0], cpu[1], memory[1])


Pair = tuple[float | None, float | None]


def _together(now: Pair, found: Pair, request: float | None, limit: float | None) -> Pair:
    """Request and limit to set, such that what comes of it is in order."""
    after = found[0] or now[0], found[1] or now[1]
    if after[0] is None or after[1] is None or after[0] <= after[1]:
        return found
    return (found[0] or request, found[1] or limit) if request != now[0] or limit != now[1] else found

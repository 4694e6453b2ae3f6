"""The part that a Prometheus tells, where one is configured."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mcp_tools.health.parts import Measure, Part, between

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Snapshot
    from mcp_tools.health.settings import HealthSettings

SECONDS = 3.0
"""A Prometheus that takes longer is left out rather than waited for."""
MAX_BYTES = 10_000_000
TIMES = 4.0
Latencies = dict[tuple[str, str], float]
"""Seconds, by namespace and pod."""


def latencies(settings: HealthSettings) -> tuple[Latencies, tuple[str, ...]]:
    """What Prometheus measured, and why it could not be asked, if so; nothing of both where none is configured."""
    from urllib.request import urlopen

    if settings.prometheus is None:
        return {}, ()
    address = f"{settings.prometheus.rstrip('/')}/api/v1/query?{urlencode({'query': settings.latency_query})}"
    try:
        with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310  http and https only, checked
            told = json.loads(answer.read(MAX_BYTES))
        return _read(told), ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return {}, (f"latency ({settings.prometheus}: {error})",)


def _read(told: Any) -> Latencies:
    found: Latencies = {}
    for series in told["data"]["result"]:
        labels, seconds = series["metric"], float(series["value"][1])
        # Nothing was asked of it in the window: 0 / 0.
        if "pod" in labels and not math.isnan(seconds):
            found[str(labels.get("namespace", "")), str(labels["pod"])] = seconds
    return found


def by_workload(found: Latencies, snapshot: Snapshot, seconds: float) -> Mapping[Ref, Measure]:
    """A measure for each workload whose pods are measured, by the mean of these.

    Args:
        seconds: Up to here the part is 100; at four times as much it is 0.
    """
    pods: dict[Ref, list[float]] = defaultdict(list)
    for (namespace, name), value in found.items():
        pod = snapshot.get("Pod", namespace, name)
        if pod is not None:
            pods[snapshot.root(pod).ref].append(value)
    return {
        ref: Measure(
            Part.LATENCY,
            sum(between(value, seconds, TIMES * seconds) for value in values) / len(values),
            f"answers in {max(values):.2f} s (95th percentile), {seconds:g} s is good",
        )
        for ref, values in pods.items()
    }

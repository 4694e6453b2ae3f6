"""Right-sizing against simulated traces whose every sample is known: how far the estimates are from the truth.

The truth of a percentile is that of the same samples with the same weights (half of it a day), sorted instead of put
into buckets; of a recommendation, how often the next day's use is above it. `python -m benchmarks.sizing --trace FILE`
is the same against a trace from elsewhere (`sizing_replay.py`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.harness import Figure
from benchmarks.sizing_traces import DAY, TRACES, Trace
from mcp_tools.sizing.recommending import Resources, advise
from mcp_tools.sizing.settings import SizingSettings
from mcp_tools.usage.aggregate import HALF_LIFE, Aggregate, Instance

if TYPE_CHECKING:
    from benchmarks.harness import Place

SEEDS = range(5)
DAYS = 6
MARGIN = 0.15
ERROR = 10
"""Percent."""


def measure(place: Place) -> list[Figure]:  # noqa: ARG001  it needs no home
    figures = []
    heads = ("p50", "p90", "p95", "p99", "peak")
    print(f"{'trace':26}{''.join(f'{head:>8}' for head in heads)}{'p90 of VPA':>12}{'CPU above':>11}{'OOMs':>6}")
    worst = 0.0
    for trace in TRACES:
        rows = [_one(trace, seed) for seed in SEEDS]
        errors = {key: max(abs(row[key]) for row in rows) for key in heads}
        ends = max(abs(row["vpa"]) for row in rows)
        above = statistics.mean(row["above"] for row in rows)
        ooms = sum(row["oom"] for row in rows)
        shown = "".join(f"{100 * errors[key]:7.1f}%" for key in errors)
        print(f"{trace.name:26}{shown}{100 * ends:11.1f}%{100 * above:10.1f}%{ooms:6.0f}")
        worst = max(worst, *errors.values())
    figures.append(Figure("worst error of an estimate of CPU or memory", 100 * worst, "%", ERROR))
    figures.append(Figure("a record of 5,000 pods, CPU time", _record_time(), "ms", 500))
    return figures


def _one(trace: Trace, seed: int) -> dict[str, float]:
    """The errors of one run, relative; which part of the next day's CPU is above the request; OOMs of the next day."""
    samples = list(trace.samples(DAYS + 1, seed))
    seen, after = samples[: -round(DAY / 60)], samples[-round(DAY / 60) :]
    held, one = Aggregate(), Instance()
    for sample in seen:
        held.add_cpu(one, sample.cpu, sample.at)
        held.add_memory(one, sample.memory, sample.at)
    advice = advise(held, Resources(memory_limit=1.0), SizingSettings(min_cpu="1m", min_memory="1Mi"))
    assert advice is not None
    request, limit = advice.resources.cpu_request or 0, advice.resources.memory_limit or 0
    cores = [(sample.cpu, sample.at) for sample in seen]
    found = {
        f"p{part * 100:.0f}": held.cpu_percentile(part) / percentile(cores, part) - 1 for part in (0.5, 0.9, 0.95, 0.99)
    }
    # The request without its margin is the estimate of the highest peak.
    need = (advice.resources.memory_request or 0) / (1 + MARGIN)
    return {
        **found,
        "peak": need / max(sample.memory for sample in seen) - 1,
        "vpa": held.cpu.percentile(0.9) / percentile(cores, 0.9) - 1,
        "above": sum(sample.cpu > request for sample in after) / len(after),
        "oom": float(any(sample.memory > limit for sample in after)),
    }


def percentile(samples: Sequence[tuple[float, float]], part: float) -> float:
    """The true one, of values with their times in order, of which each half-life halves the weight."""
    last = samples[-1][1]
    weighed = sorted((value, 2 ** ((at - last) / HALF_LIFE)) for value, at in samples)
    threshold, reached = part * sum(weight for _, weight in weighed), 0.0
    for value, weight in weighed:
        reached += weight
        if reached >= threshold:
            return value
    return weighed[-1][0]


def _record_time() -> float:
    """Milliseconds of CPU of one record of 5,000 pods of 500 workloads, the median of five."""
    import datetime as dt
    import tempfile
    from decimal import Decimal
    from pathlib import Path

    from mcp_tools.diagnosis.snapshot import Resource, Snapshot
    from mcp_tools.monitoring.observing import Observation
    from mcp_tools.usage.reading import ContainerUsage
    from mcp_tools.usage.recording import Recorder
    from mcp_tools.usage.store import UsageStore

    items, pods = [], []
    for number in range(500):
        owner = {"controller": True, "kind": "StatefulSet", "name": f"w{number}", "uid": f"u{number}"}
        items.append(
            Resource("StatefulSet", {"metadata": {"namespace": "n", "name": f"w{number}", "uid": f"u{number}"}})
        )
        for pod in range(10):
            name = f"w{number}-{pod}"
            meta = {"namespace": "n", "name": name, "uid": name, "ownerReferences": [owner]}
            items.append(Resource("Pod", {"metadata": meta, "spec": {"containers": [{"name": "app"}]}, "status": {}}))
            pods.append(name)
    snapshot, taken = Snapshot(items), []
    with tempfile.TemporaryDirectory() as folder:
        store = UsageStore(Path(folder) / "usage.db")
        recorder = Recorder(store, "bench")
        for number in range(6):
            at = dt.datetime.fromtimestamp(1_800_000_000 + 15 * number, dt.UTC)
            usage = tuple(
                ContainerUsage("n", pod, "app", Decimal("0.1"), Decimal(10**8), at.isoformat()) for pod in pods
            )
            began = time.process_time()
            recorder.record(Observation(snapshot, at, usage))
            taken.append((time.process_time() - began) * 1000)
        store.close()
    return statistics.median(taken[1:])


if __name__ == "__main__":
    from benchmarks.sizing_replay import main

    main(prog_name="python -m benchmarks.sizing")

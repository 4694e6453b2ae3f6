"""Right-sizing against published traces: what it would have said after a week, and how the time after that went.

A trace is replayed as one container of one pod through the product's own recorder, store and recommender. The truth is
that of the same samples, sorted instead of put into buckets, with the same weights (half of them a day). Of memory the
samples are the peaks of each day, as for the recommender.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.sizing import ERROR, MARGIN, percentile
from benchmarks.sizing_csv import OF_CPU, UNITS, Point, Reading, read
from benchmarks.sizing_traces import DAY, MIB
from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.errors import ShipmateError
from mcp_tools.monitoring.observing import Observation
from mcp_tools.quantity import parse
from mcp_tools.sizing.recommending import Resources, advise
from mcp_tools.sizing.settings import SizingSettings
from mcp_tools.usage.reading import ContainerUsage
from mcp_tools.usage.recording import Recorder
from mcp_tools.usage.store import UsageStore

if TYPE_CHECKING:
    from mcp_tools.usage.aggregate import Aggregate

TARGET, LOWER, UPPER = 0.9, 0.5, 0.95
"""The percentiles of the recommender's target and of its bounds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was recommended of one trace after the days it was learnt on, and what came of it. Cores or bytes.

    Attributes:
        request, limit: The product's, for a container that has a limit far above its use.
        target, lower, upper: By the Vertical Pod Autoscaler's formulas, of the product's estimates.
        truth: The target that the same formula gives of the sorted samples, with the same least amount.
        peak: The most of the days it was learnt on.
        percentiles: The true ones: 90, 95, 99.
        above_request, above_limit: The part of the later samples above each; None where there are none.
        least: The true target is below the least request that is ever recommended.
    """

    name: str
    request: float
    limit: float
    target: float
    lower: float
    upper: float
    truth: float
    peak: float
    percentiles: tuple[float, float, float]
    above_request: float | None
    above_limit: float | None
    least: bool

    @property
    def error(self) -> float:
        """Of the target against the truth, as a part of it."""
        return self.target / self.truth - 1

    @property
    def saving(self) -> float:
        """The part of a request for the peak that is saved; negative where more is recommended."""
        return 1 - self.request / self.peak if self.peak else 0.0


def judge(
    store: UsageStore, name: str, points: Sequence[Point], *, cpu: bool, learn: float, after: float
) -> Verdict | None:
    """Learn on the first days of a trace, judge on those that follow.

    Args:
        learn, after: Days.

    Returns:
        None where nothing is recommended: there are too few samples, or they are of no use at all.
    """
    end = points[0].at + learn * DAY
    seen = [point for point in points if point.at < end]
    later = [point for point in points if end <= point.at < end + after * DAY]
    held = _recorded(store, name, seen, cpu=cpu)
    settings = SizingSettings()
    advice = advise(held, Resources(cpu_limit=math.inf, memory_limit=math.inf), settings)
    if advice is None:
        return None
    request, limit = (
        (advice.resources.cpu_request, advice.resources.cpu_limit)
        if cpu
        else (advice.resources.memory_request, advice.resources.memory_limit)
    )
    assert request is not None
    assert limit is not None
    least = float(parse(settings.min_cpu if cpu else settings.min_memory))
    estimate = held.cpu_percentile if cpu else held.memory_percentile
    # Samples of memory are the peaks of its days, each as of the day's end.
    truth = [(point.value, point.at) for point in seen] if cpu else _daily_peaks(seen)
    wanted = percentile(truth, TARGET) * (1 + MARGIN)
    return Verdict(
        name,
        request,
        limit,
        max(estimate(TARGET) * (1 + MARGIN), least),
        max(estimate(LOWER) * (1 + MARGIN) * (1 + 0.001 / held.confidence) ** -2, least),
        max(estimate(UPPER) * (1 + MARGIN) * (1 + 1 / held.confidence), least),
        max(wanted, least),
        max(point.value for point in seen),
        (percentile(truth, 0.9), percentile(truth, 0.95), percentile(truth, 0.99)),
        _above(later, request),
        _above(later, limit),
        wanted < least,
    )


def _recorded(store: UsageStore, name: str, points: Sequence[Point], *, cpu: bool) -> Aggregate:
    """What the product holds of a trace: a cluster of its own with one pod, whose other resource was not used."""
    pod = {"metadata": {"namespace": "trace", "name": "pod", "uid": "pod"}, "spec": {"containers": [{"name": "app"}]}}
    usage = tuple(
        ContainerUsage(
            "trace",
            "pod",
            "app",
            Decimal(point.value if cpu else 0),
            Decimal(1 if cpu else point.value),
            dt.datetime.fromtimestamp(point.at, dt.UTC).isoformat(),
        )
        for point in points
    )
    at = dt.datetime.fromtimestamp(points[-1].at, dt.UTC)
    Recorder(store, name).record(Observation(Snapshot([Resource("Pod", pod)]), at, usage))
    return next(iter(store.read(name).values()))


def _daily_peaks(points: Sequence[Point]) -> list[tuple[float, float]]:
    """The most of each day from the first sample on, as of the day's end."""
    peaks: dict[int, float] = {}
    for point in points:
        day = int((point.at - points[0].at) // DAY)
        peaks[day] = max(peaks.get(day, 0.0), point.value)
    return [(peak, points[0].at + (day + 1) * DAY) for day, peak in peaks.items()]


def _above(points: Sequence[Point], amount: float) -> float | None:
    return sum(point.value > amount for point in points) / len(points) if points else None


def show(verdicts: Sequence[Verdict], *, cpu: bool) -> None:
    """Print a line for each trace, and what they come to together."""
    unit, size = ("m", 0.001) if cpu else ("MiB", MIB)

    def amounts(*values: float) -> str:
        return "".join(f"{value / size:9.{0 if value / size >= 100 else 1}f}" for value in values)

    def parts(*values: float | None) -> str:
        return "".join("        -" if value is None else f"{100 * value:8.1f}%" for value in values)

    heads = ("request", "limit", "lower", "upper", "p90", "p95", "p99", "peak")
    rates = ("error", ">request", ">limit", "saving")
    width = max(len(verdict.name) for verdict in verdicts)
    print(f"{f'in {unit}':{width}}{''.join(f'{head:>9}' for head in (*heads, *rates))}")
    for one in verdicts:
        told = amounts(one.request, one.limit, one.lower, one.upper, *one.percentiles, one.peak)
        print(f"{one.name:{width}}{told}{parts(one.error, one.above_request, one.above_limit, one.saving)}")
    errors = sorted(100 * abs(verdict.error) for verdict in verdicts)
    print(
        f"{len(verdicts)} traces, error of the target: median {statistics.median(errors):.1f} %, "
        f"worst {errors[-1]:.1f} %, above {ERROR} %: {sum(error > ERROR for error in errors)}; "
        f"at the least request: {sum(verdict.least for verdict in verdicts)}"
    )
    for head, values in (
        ("above the request afterwards", [verdict.above_request for verdict in verdicts]),
        ("above the limit afterwards", [verdict.above_limit for verdict in verdicts]),
    ):
        if known := [100 * value for value in values if value is not None]:
            print(
                f"{head}: median {statistics.median(known):.1f} %, mean {statistics.mean(known):.1f} %, "
                f"most {max(known):.1f} %"
            )
    together = 1 - sum(verdict.request for verdict in verdicts) / sum(verdict.peak for verdict in verdicts)
    median = statistics.median(verdict.saving for verdict in verdicts)
    print(f"saving against the peak: median {100 * median:.1f} %, of all together {100 * together:.1f} %")


@click.command(help=__doc__)
@click.option("--trace", required=True, type=click.Path(path_type=Path), help="a CSV file; more may follow")
@click.argument("more", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--unit", required=True, type=click.Choice(list(UNITS)), help="of use; it says whether it is CPU or memory"
)
@click.option("--cores", default="1", show_default=True, help="that 100 per cent are: a number, or a column")
@click.option("--column", default="", help="of use; it may be left out where there is but one beside the time")
@click.option("--time", default="", help="the column of times; the first where it is left out")
@click.option("--time-format", default="", help="as for strptime, where they are neither ISO 8601 nor since 1970")
@click.option("--learn", default=7.0, show_default=True, type=click.FloatRange(min=0.01), help="days to learn on")
@click.option("--after", default=7.0, show_default=True, type=click.FloatRange(min=0), help="days to judge on")
def main(
    *,
    trace: Path,
    more: tuple[Path, ...],
    unit: str,
    cores: str,
    column: str,
    time: str,
    time_format: str,
    learn: float,
    after: float,
) -> None:
    how, cpu = Reading(unit, column, time, time_format, cores), unit in OF_CPU
    try:
        with tempfile.TemporaryDirectory() as folder:
            store = UsageStore(Path(folder) / "usage.db")
            try:
                found = {
                    path: judge(store, path.stem, read(path, how), cpu=cpu, learn=learn, after=after)
                    for path in (trace, *more)
                }
            finally:
                store.close()
    except ShipmateError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if verdicts := [verdict for verdict in found.values() if verdict]:
        show(verdicts, cpu=cpu)
    if silent := [str(path) for path, verdict in found.items() if not verdict]:
        print(f"nothing is recommended (fewer than 3 samples, or no use at all): {', '.join(silent)}")

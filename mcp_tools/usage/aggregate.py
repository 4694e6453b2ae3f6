"""What the containers of one name of a workload used, all its pods together, and what is remembered of each pod.

The rules are those of the Vertical Pod Autoscaler's recommender: kubernetes/autoscaler,
`vertical-pod-autoscaler/pkg/recommender/model` (`aggregations_config.go`, `container.go`,
`aggregate_container_state.go`) and `logic/estimator.go`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_tools.usage.histogram import Buckets, DecayingHistogram

DAY = 86_400.0
MINUTES_OF_A_DAY = 1_440
HALF_LIFE = DAY
CPU_BUCKETS = Buckets(most=1000.0, first=0.01, ratio=1.05)
"""Cores."""
MEMORY_BUCKETS = Buckets(most=1e12, first=1e7, ratio=1.05)
"""Bytes."""
CPU_WEIGHT = 0.1
"""Of each sample of CPU, as `minSampleWeight`. Earlier versions of the recommender took the request where that is more,
by which what was measured under a larger request went on counting for more than what is measured since."""
MEMORY_WEIGHT = 1.0
"""Of each daily peak."""
MEMORY_INTERVAL = DAY
REMEMBERED_DAYS = 8
"""For so long peaks count, and what is not measured any more is kept."""
OOM_RATIO = 1.2
OOM_LEAST = 100 * 2**20
"""Bytes that a container which was killed for its memory gets at the least beyond what it had."""


@dataclass(slots=True)
class Instance:
    """One container of one pod. Moments are seconds since 1970, 0 for none.

    Attributes:
        last_cpu, last_memory: When what was counted last was measured.
        window_end: When the interval ends of which the peak is being looked for.
        memory_peak, oom_peak: Bytes: the peak so far, and what an end for want of memory says it would need.
        last_oom: When the last such end was that was counted.
    """

    last_cpu: float = 0.0
    last_memory: float = 0.0
    window_end: float = 0.0
    memory_peak: float = 0.0
    oom_peak: float = 0.0
    last_oom: float = 0.0


def _cpu() -> DecayingHistogram:
    return DecayingHistogram(CPU_BUCKETS, HALF_LIFE)


def _memory() -> DecayingHistogram:
    return DecayingHistogram(MEMORY_BUCKETS, HALF_LIFE)


@dataclass(slots=True)
class Aggregate:
    """What the containers of one name of a workload used.

    Attributes:
        cpu: Cores, of all samples.
        memory: Bytes, of the daily peaks of each pod.
        first, last: When the first and the last sample were measured, seconds since 1970.
        samples: Of CPU.
        cpu_peaks, memory_peaks: The most of each day, by the days since 1970; the last `REMEMBERED_DAYS` of them.
        oom_needs: Bytes that an end for want of memory says are needed, as the peaks.
        ooms: How many such ends there were.
        last_oom: When the last one was; 0 for none.
    """

    cpu: DecayingHistogram = field(default_factory=_cpu)
    memory: DecayingHistogram = field(default_factory=_memory)
    first: float = 0.0
    last: float = 0.0
    samples: int = 0
    cpu_peaks: dict[int, float] = field(default_factory=dict)
    memory_peaks: dict[int, float] = field(default_factory=dict)
    oom_needs: dict[int, float] = field(default_factory=dict)
    ooms: int = 0
    last_oom: float = 0.0

    def add_cpu(self, of: Instance, cores: float, at: float) -> bool:
        """Count a sample; one that is not newer than the last of its container is not counted again."""
        if cores < 0 or at <= of.last_cpu:
            return False
        of.last_cpu = at
        self.cpu.add(cores, CPU_WEIGHT, at)
        _remember(self.cpu_peaks, cores, at)
        self.first = min(self.first or at, at)
        self.last = max(self.last, at)
        self.samples += 1
        return True

    def add_memory(self, of: Instance, size: float, at: float) -> bool:
        """Count a sample: of those of one day only the largest stays in the distribution."""
        if size < 0 or at < of.last_memory:
            return False
        _remember(self.memory_peaks, size, at)
        self._memory_sample(of, size, at, oom=False)
        return True

    def add_oom(self, of: Instance, had: float, at: float) -> bool:
        """Count an end for want of memory as a need: a fifth more than it had, and 100 MiB more at the least.

        Args:
            had: Bytes that the container was allowed: its limit, or else its request.
        """
        if at <= of.last_oom or (of.last_memory and at < of.last_memory - MEMORY_INTERVAL):
            return False
        of.last_oom = at
        self.ooms += 1
        self.last_oom = max(self.last_oom, at)
        used = max(had, of.memory_peak)
        need = max(used * OOM_RATIO, used + OOM_LEAST)
        _remember(self.oom_needs, need, at)
        self._memory_sample(of, need, at, oom=True)
        return True

    def merge(self, other: Aggregate) -> None:
        """Add all that another one counted."""
        self.cpu.merge(other.cpu)
        self.memory.merge(other.memory)
        self.first = min(self.first or other.first, other.first or self.first)
        self.last = max(self.last, other.last)
        self.samples += other.samples
        self.ooms += other.ooms
        self.last_oom = max(self.last_oom, other.last_oom)
        for mine, others in (
            (self.cpu_peaks, other.cpu_peaks),
            (self.memory_peaks, other.memory_peaks),
            (self.oom_needs, other.oom_needs),
        ):
            for day, value in others.items():
                _remember(mine, value, day * DAY)

    @property
    def span(self) -> float:
        """Seconds between the first and the last sample."""
        return self.last - self.first

    @property
    def confidence(self) -> float:
        """N after N days of one sample a minute, less where either is wanting (`getConfidence` in `estimator.go`)."""
        return min(self.span / DAY, self.samples / MINUTES_OF_A_DAY)

    @property
    def cpu_peak(self) -> float:
        """The most cores of the days that are remembered."""
        return max(self.cpu_peaks.values(), default=0.0)

    @property
    def memory_peak(self) -> float:
        """The most bytes of the days that are remembered."""
        return max(self.memory_peaks.values(), default=0.0)

    @property
    def oom_need(self) -> float:
        """The bytes that ends for want of memory ask for; 0 for none."""
        return max(self.oom_needs.values(), default=0.0)

    def cpu_percentile(self, part: float) -> float:
        """Cores; at most the peak, which is known more exactly than a bucket says."""
        return min(self.cpu.estimate(part), self.cpu_peak)

    def memory_percentile(self, part: float) -> float:
        """Bytes of the daily peaks, ends for want of memory among them; at most the largest of these."""
        return min(self.memory.estimate(part), max(self.memory_peak, self.oom_need))

    def _memory_sample(self, of: Instance, size: float, at: float, *, oom: bool) -> None:
        of.last_memory = max(of.last_memory, at)
        of.window_end = of.window_end or at
        peak = max(of.memory_peak, of.oom_peak)
        if at < of.window_end:
            # The recommender leaves a day alone that began with no use at all; its later peaks count here.
            if size <= peak:
                return
            self.memory.subtract(peak, MEMORY_WEIGHT, of.window_end)
        else:
            of.window_end += (at - of.window_end) // MEMORY_INTERVAL * MEMORY_INTERVAL + MEMORY_INTERVAL
            of.memory_peak = of.oom_peak = 0.0
        self.memory.add(size, MEMORY_WEIGHT, of.window_end)
        if oom:
            of.oom_peak = size
        else:
            of.memory_peak = size


def _remember(peaks: dict[int, float], value: float, at: float) -> None:
    day = int(at // DAY)
    peaks[day] = max(peaks.get(day, 0.0), value)
    for old in [other for other in peaks if other <= max(peaks) - REMEMBERED_DAYS]:
        del peaks[old]

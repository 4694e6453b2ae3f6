"""Use of containers as clusters show it: days and nights, weekends, noise, bursts, leaks, releases; from a seed.

The shapes are those of the published traces that autoscalers are judged by: Google's cluster data (Reiss et al.:
"Heterogeneity and Dynamicity of Clouds at Scale", SoCC 2012; Rzadca et al.: "Autopilot", EuroSys 2020) and Alibaba's
(Guo et al.: "Who Limits the Resource Efficiency of My Datacenter", IWQoS 2019): CPU that follows the day with a heavy
tail, memory that is steady or grows until a restart.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

DAY = 86_400.0
STEP = 60.0
MIB = 2**20


@dataclass(frozen=True)
class Sample:
    """What one container used at a moment: cores, bytes."""

    at: float
    cpu: float
    memory: float


Shape = Callable[[float, random.Random], float]


@dataclass(frozen=True)
class Trace:
    """A workload's shape: cores and bytes at a moment, from a source of chance."""

    name: str
    cpu: Shape
    memory: Shape

    def samples(self, days: float, seed: int, start: float = 1_800_057_600.0) -> Iterator[Sample]:
        chance = random.Random(f"{self.name}/{seed}")
        for number in range(round(days * DAY / STEP)):
            at = start + number * STEP
            yield Sample(at, max(0.001, self.cpu(at, chance)), max(float(MIB), self.memory(at, chance)))


def day(at: float) -> float:
    """-1 at night to 1 in the afternoon."""
    return math.sin(2 * math.pi * (at % DAY / DAY - 0.375))


def noisy(value: float, chance: random.Random, part: float) -> float:
    return value * chance.lognormvariate(0, part)


def _bursts(chance: random.Random) -> float:
    """A Pareto tail now and then (one minute in twenty)."""
    return 0.15 * min(chance.paretovariate(1.6), 12) if chance.random() < 0.05 else 0.0


TRACES = (
    Trace(
        "steady",
        lambda _, chance: noisy(0.4, chance, 0.05),
        lambda _, chance: noisy(400 * MIB, chance, 0.01),
    ),
    Trace(
        "diurnal",
        lambda at, chance: noisy(0.5 + 0.35 * day(at), chance, 0.12),
        lambda at, chance: (600 + 120 * day(at)) * MIB * chance.uniform(0.98, 1.02),
    ),
    Trace(
        "diurnal, weekends off",
        lambda at, chance: noisy((0.9 + 0.6 * day(at)) * (0.3 if at // DAY % 7 >= 5 else 1), chance, 0.15),
        lambda at, chance: (1500 + 300 * day(at)) * MIB * chance.uniform(0.98, 1.02),
    ),
    Trace(
        "spikes",
        lambda _, chance: noisy(0.25, chance, 0.2) + _bursts(chance),
        lambda _, chance: (300 + (200 if chance.random() < 0.002 else 0)) * MIB * chance.uniform(0.97, 1.03),
    ),
    Trace(
        "batch",
        lambda at, chance: noisy(1.8, chance, 0.1) if at % 3600 < 900 else noisy(0.05, chance, 0.1),
        lambda at, chance: (2000 if at % 3600 < 900 else 250) * MIB * chance.uniform(0.95, 1.05),
    ),
    Trace(
        "leak, restarted nightly",
        lambda at, chance: noisy(0.3 + 0.1 * day(at), chance, 0.1),
        lambda at, chance: (200 + 800 * (at % DAY) / DAY) * MIB * chance.uniform(0.99, 1.01),
    ),
    Trace(
        "small",
        lambda at, chance: noisy(0.03 + 0.01 * day(at), chance, 0.2),
        lambda at, chance: (60 + 10 * day(at)) * MIB * chance.uniform(0.97, 1.03),
    ),
)

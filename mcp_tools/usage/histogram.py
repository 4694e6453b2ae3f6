"""Distributions that forget, as the Vertical Pod Autoscaler's recommender keeps them.

The source of every formula is kubernetes/autoscaler, `vertical-pod-autoscaler/pkg/recommender/util`
(`histogram_options.go`, `histogram.go`, `decaying_histogram.go`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

MAX_DECAY_EXPONENT = 100
"""From a decay factor of 2^100 on the weights are scaled down, so that no float overflows."""
EPSILON = 0.0001
"""The least weight of a bucket that is not empty: a thousandth of the least weight of a sample."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of growing size: the first begins at 0, bucket n is `first * ratio**n` wide.

    Attributes:
        most: Values from here on are in the last bucket.
        first: The width of the first bucket.
        ratio: How much wider each is than the one before; 1 for buckets of one width.
        epsilon: As `EPSILON`.
    """

    most: float
    first: float
    ratio: float
    epsilon: float = EPSILON

    @property
    def number(self) -> int:
        """How many there are."""
        return math.ceil(self._index(self.most)) + 1

    def find(self, value: float) -> int:
        """The bucket of a value; below and above all of them the nearest."""
        if value < self.first:
            return 0
        return min(int(self._index(value)), self.number - 1)

    def start(self, bucket: int) -> float:
        """Where a bucket begins."""
        if self.ratio == 1:
            return bucket * self.first
        return float(self.first * (self.ratio**bucket - 1) / (self.ratio - 1))

    def _index(self, value: float) -> float:
        if self.ratio == 1:
            return value / self.first
        return math.log(value * (self.ratio - 1) / self.first + 1) / math.log(self.ratio)


@dataclass(slots=True)
class DecayingHistogram:
    """Weights by bucket; a sample loses half of its weight with each half-life.

    The weight of a sample of the time t is multiplied by 2^((t - reference) / half-life), which leaves what is there
    already as it is.

    Attributes:
        half_life: Seconds.
        weights: Of the buckets that have one.
        total: All weights.
        reference: Seconds since 1970 at which a sample counts by its own weight; a multiple of the half-life.
    """

    buckets: Buckets
    half_life: float
    weights: dict[int, float] = field(default_factory=dict)
    total: float = 0.0
    reference: float = 0.0

    def add(self, value: float, weight: float, at: float) -> None:
        """Count a sample.

        Args:
            at: Seconds since 1970.
        """
        bucket = self.buckets.find(value)
        more = weight * self._factor(at)
        self.weights[bucket] = self.weights.get(bucket, 0.0) + more
        self.total += more

    def subtract(self, value: float, weight: float, at: float) -> None:
        """Take back a sample that was counted with the same values."""
        bucket = self.buckets.find(value)
        less = weight * self._factor(at)
        self.total = self._without(self.total, less)
        self.weights[bucket] = self._without(self.weights.get(bucket, 0.0), less)

    def merge(self, other: DecayingHistogram) -> None:
        """Add all samples of another of the same buckets and half-life."""
        newest = max(self.reference, other.reference)
        self._shift(newest)
        # The other stays as it is: its weights are brought to this reference on the way.
        factor = math.ldexp(1.0, round((other.reference - self.reference) / self.half_life))
        for bucket, weight in other.weights.items():
            self.weights[bucket] = self.weights.get(bucket, 0.0) + weight * factor
        self.total += other.total * factor

    @property
    def empty(self) -> bool:
        """Whether nothing was counted that still weighs."""
        return not any(weight >= self.buckets.epsilon for weight in self.weights.values())

    def percentile(self, part: float) -> float:
        """The end of the bucket in which that part of the weight is reached; 0 where there is none.

        Args:
            part: From 0 to 1, such as 0.9.
        """
        found = self._reaching(part)
        return self.buckets.start(min(found[0] + 1, self.buckets.number - 1)) if found else 0.0

    def estimate(self, part: float) -> float:
        """As `percentile`, but within the bucket instead of at its end, as if its samples were spread evenly.

        The recommender takes the end, which is too much by 10m of CPU or 10 MB of memory and a twentieth: little for a
        large container, and a quarter of what a small one needs.
        """
        found = self._reaching(part)
        if found is None:
            return 0.0
        bucket, inside = found
        start = self.buckets.start(bucket)
        return start + inside * (self.buckets.start(bucket + 1) - start)

    def _reaching(self, part: float) -> tuple[int, float] | None:
        """The bucket in which a part of the weight is reached, and which part of the bucket's own weight that takes."""
        filled = [bucket for bucket, weight in self.weights.items() if weight >= self.buckets.epsilon]
        if not filled:
            return None
        at, last, reached, threshold = min(filled), max(filled), 0.0, part * self.total
        inside = 1.0
        for bucket in sorted(self.weights):
            if not at <= bucket <= last:
                continue
            at, weight = bucket, self.weights[bucket]
            if reached + weight >= threshold:
                inside = min(max((threshold - reached) / weight, 0.0), 1.0) if weight else 1.0
                break
            reached += weight
        return at, inside

    def _without(self, value: float, less: float) -> float:
        left = value - less
        return left if left >= self.buckets.epsilon else 0.0

    def _factor(self, at: float) -> float:
        if at > self.reference + self.half_life * MAX_DECAY_EXPONENT:
            self._shift(at)
        return float(2.0 ** ((at - self.reference) / self.half_life))

    def _shift(self, reference: float) -> None:
        """Let another moment be the one whose samples count by their own weight."""
        new = math.floor(reference / self.half_life + 0.5) * self.half_life
        factor = math.ldexp(1.0, round((self.reference - new) / self.half_life))
        self.weights = {bucket: weight * factor for bucket, weight in self.weights.items() if weight * factor > 0}
        self.total *= factor
        self.reference = new

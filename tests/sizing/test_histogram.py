"""The distributions behave as the Vertical Pod Autoscaler's own tests say (pkg/recommender/util/*_test.go)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mcp_tools.usage.aggregate import (
    CPU_BUCKETS,
    DAY,
    MEMORY_BUCKETS,
    OOM_LEAST,
    Aggregate,
    Instance,
)
from mcp_tools.usage.histogram import Buckets, DecayingHistogram

HOUR = 3600.0
START = 1_234_567_890.0
LINEAR = Buckets(most=10.0, first=1.0, ratio=1.0, epsilon=1e-15)
MB = 2**20


def linear(epsilon: float = 1e-15) -> DecayingHistogram:
    return DecayingHistogram(replace(LINEAR, epsilon=epsilon), HOUR)


def test_exponential_buckets_begin_where_the_recommender_has_them() -> None:
    # histogram_options_test.go, TestExponentialHistogramOptions
    buckets = Buckets(most=100.0, first=10.0, ratio=2.0)
    assert buckets.number == 5
    assert [buckets.start(number) for number in range(5)] == [0.0, 10.0, 30.0, 70.0, 150.0]
    ends = {-1.0: 0, 0.0: 0, 9.99: 0, 10.0: 1, 29.99: 1, 30.0: 2, 69.99: 2, 70.0: 3, 149.99: 3, 150.0: 4, 1e6: 4}
    assert {value: buckets.find(value) for value in ends} == ends


def test_linear_buckets() -> None:
    # histogram_options_test.go, TestLinearHistogramOptions
    buckets = Buckets(most=5.0, first=0.3, ratio=1.0)
    assert buckets.number == 18
    ends = {-1.0: 0, 0.0: 0, 0.2999: 0, 0.3: 1, 0.5999: 1, 4.8: 16, 5.1: 17, 1e6: 17}
    assert {value: buckets.find(value) for value in ends} == ends


def test_the_buckets_of_cpu_and_memory_cover_a_thousand_cores_and_a_terabyte() -> None:
    assert (CPU_BUCKETS.number, MEMORY_BUCKETS.number) == (176, 176)
    assert CPU_BUCKETS.start(1) == 0.01
    assert MEMORY_BUCKETS.start(1) == 1e7
    assert CPU_BUCKETS.start(CPU_BUCKETS.number - 1) >= 1000
    assert CPU_BUCKETS.start(CPU_BUCKETS.number - 2) < 1000


def test_an_empty_one_has_no_percentile() -> None:
    assert [linear().percentile(part) for part in (-0.5, 0.0, 0.5, 1.0, 1.5)] == [0.0] * 5


def test_percentiles_are_the_ends_of_buckets() -> None:
    # histogram_test.go TestPercentiles, decaying_histogram_test.go TestNoDecay: {1: 1, 2: 2, 3: 3, 4: 4}
    held = linear()
    for value in range(1, 5):
        held.add(value, value, START)
    found = [held.percentile(part / 10) for part in range(11)]
    assert found == [2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5]


def test_percentiles_beyond_the_bounds_are_the_least_and_the_most() -> None:
    held = DecayingHistogram(Buckets(1.0, 0.1, 1.0, 1e-15), HOUR)
    held.add(0.1, 0.1, 0)
    held.add(0.2, 0.2, 0)
    assert held.percentile(-0.1) == pytest.approx(0.2)
    assert held.percentile(1.1) == pytest.approx(0.3)
    held.add(0.0, 0.1, 0)
    held.add(1.0, 0.2, 0)
    assert held.percentile(-0.1) == pytest.approx(0.1)
    assert held.percentile(1.1) == pytest.approx(1.0)


def test_newer_samples_weigh_more() -> None:
    # decaying_histogram_test.go, TestSimpleDecay: weights 1000 and 1, twenty half-lives apart.
    held = linear()
    held.add(2, 1000, START)
    held.add(1, 1, START + 20 * HOUR)
    assert held.percentile(0.999) == 2
    assert held.percentile(1.0) == 3


def test_the_reference_moves_on_before_floats_overflow() -> None:
    # decaying_histogram_test.go, TestLongtermDecay: a week of growing weights, ten half-lives each.
    held = linear()
    held.add(2, 1, START)
    held.add(1, 1, START + 101 * HOUR)
    assert held.percentile(1.0) == 2
    held.add(3, 1, START + 100_000 * HOUR)
    assert held.percentile(0.0) == held.percentile(1.0) == 4
    assert math.isfinite(held.total)


def test_a_gradual_decay_gives_the_percentiles_of_the_recommender() -> None:
    # decaying_histogram_test.go, TestDecayingHistogramPercentiles
    held = linear()
    at = START
    for value in range(1, 5):
        held.add(value, value, at)
        at += HOUR
    expected = {0.0: 2, 0.02: 2, 0.03: 3, 0.10: 3, 0.11: 4, 0.34: 4, 0.35: 5, 1.0: 5}
    assert {part: held.percentile(part) for part in expected} == expected


def test_merging_is_adding_the_samples_of_both() -> None:
    # decaying_histogram_test.go, TestDecayingHistogramMerge
    one, other, whole = linear(), linear(), linear()
    for held, value, hours in ((one, 1, 0), (one, 2, 1), (other, 2, 2), (other, 3, 1)):
        held.add(value, 1, START + hours * HOUR)
    for value, hours in ((2, 2), (2, 1), (3, 1), (1, 0)):
        whole.add(value, 1, START + hours * HOUR)
    one.merge(other)
    assert one.weights == pytest.approx(whole.weights)
    assert (one.total, one.reference) == (pytest.approx(whole.total), whole.reference)


def test_what_weighs_less_than_epsilon_is_not_there() -> None:
    # histogram_test.go, TestEmptyHistogram and TestNonEmptyOnEpsilonAddition
    weight = 1e-15
    held = linear()
    assert held.empty
    held.add(0.1, weight * 2.5, 0)
    assert not held.empty
    held.subtract(0.1, weight, 0)
    assert not held.empty
    held.subtract(0.1, weight, 0)
    assert held.empty
    held.add(9.9, weight * 3, 0)
    held.add(0.1, weight * 0.3, 0)
    held.add(999.9, weight * 0.3, 0)
    assert not held.empty


def test_memory_is_counted_by_the_peak_of_each_day() -> None:
    # container_test.go, TestAggregateContainerUsageSamples: 5, then 10 half a day later, then 2 on the next day.
    held, pod = Aggregate(), Instance()
    sizes = [50 * MB, 100 * MB, 20 * MB]
    for number, size in enumerate(sizes):
        assert held.add_memory(pod, size, START + number * DAY / 2)
    expected = DecayingHistogram(MEMORY_BUCKETS, DAY)
    expected.add(sizes[1], 1.0, START + DAY)
    expected.add(sizes[2], 1.0, START + 2 * DAY)
    assert {b: w for b, w in held.memory.weights.items() if w} == pytest.approx(expected.weights)


def test_samples_that_are_old_or_absurd_are_not_counted() -> None:
    held, pod = Aggregate(), Instance()
    assert held.add_cpu(pod, 1.0, START)
    assert not held.add_cpu(pod, 1.0, START)
    assert not held.add_cpu(pod, 1.0, START - 60)
    assert not held.add_cpu(pod, -1.0, START + 60)
    assert not held.add_memory(pod, -1.0, START)
    assert held.add_memory(pod, 1.0, START)
    assert not held.add_memory(pod, 1.0, START - 60)
    assert held.samples == 1


@pytest.mark.parametrize(
    ("used", "had", "need"),
    [(1000, 1000, 1200), (500, 1000, 1200), (2000, 1000, 2400), (50, 100, 200)],
)
def test_an_end_for_want_of_memory_is_a_need_of_more(used: int, had: int, need: int) -> None:
    # container_test.go, TestRecordOOMIncreasedByBumpUp, …BumpUpRatio and …DontRunAway: 20 %, or 100 MiB at the least.
    held, pod = Aggregate(), Instance()
    held.add_memory(pod, used * MB, START)
    assert held.add_oom(pod, had * MB, START + 1)
    assert held.oom_need == max(need * MB, max(used, had) * MB + OOM_LEAST)
    # A second one is reckoned from what was used, not from the need that the first one left.
    held.add_oom(pod, had * MB, START + 2)
    assert held.oom_need == need * MB
    assert held.ooms == 2
    assert held.memory_percentile(0.9) == need * MB


def test_an_end_that_is_older_than_a_day_or_counted_already_is_not_counted() -> None:
    held, pod = Aggregate(), Instance()
    held.add_memory(pod, 1000 * MB, START)
    assert not held.add_oom(pod, 1000 * MB, START - 30 * HOUR)
    assert held.add_oom(pod, 1000 * MB, START)
    assert not held.add_oom(pod, 1000 * MB, START)


def test_confidence_is_the_days_of_one_sample_a_minute() -> None:
    # estimator_test.go, TestConfidenceMultiplier: nine samples at two minutes are 9 / 1440 of a day.
    held, pod = Aggregate(), Instance()
    for number in range(9):
        held.add_cpu(pod, 1.0, START + 120 * number)
    assert held.confidence == 0.00625


def test_peaks_are_forgotten_after_eight_days() -> None:
    held, pod = Aggregate(), Instance()
    held.add_memory(pod, 900 * MB, START)
    for day in range(1, 9):
        held.add_memory(pod, 100 * MB, START + day * DAY)
        assert held.memory_peak == (900 if day < 8 else 100) * MB

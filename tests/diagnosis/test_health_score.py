"""How parts become a score, and scores one of many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tools.health.parts import Measure, Part
from mcp_tools.health.score import score_of, together

MEASURES = st.lists(
    st.builds(Measure, st.sampled_from(Part), st.floats(0, 100), st.just("why")),
    min_size=1,
    max_size=7,
    unique_by=lambda measure: measure.part,
)


def measured(**scores: float) -> list[Measure]:
    return [Measure(Part(name), score, "why") for name, score in scores.items()]


@given(MEASURES)
def test_a_score_and_what_was_lost_make_a_hundred(measures: list[Measure]) -> None:
    score = score_of(measures)
    assert -1e-6 <= score.value <= 100 + 1e-6
    assert score.value + sum(score.lost.values()) == pytest.approx(100)
    assert all(points >= 0 for points in score.lost.values())


@given(MEASURES, st.floats(0, 1))
def test_a_part_that_gets_worse_never_makes_the_whole_better(measures: list[Measure], left: float) -> None:
    worse = [Measure(measures[0].part, measures[0].score * left, "why"), *measures[1:]]
    assert score_of(worse).value <= score_of(measures).value + 1e-6


@given(st.lists(MEASURES, min_size=1, max_size=8))
def test_many_together_lie_between_the_worst_and_the_best_and_account_for_all(found: list[list[Measure]]) -> None:
    scores = [score_of(measures) for measures in found]
    whole = together(scores)
    assert whole is not None
    values = [score.value for score in scores]
    assert min(values) - 1e-6 <= whole.value <= max(values) + 1e-6
    assert whole.value <= sum(values) / len(values) + 1e-6
    assert whole.value + sum(whole.lost.values()) == pytest.approx(100)


def test_what_is_not_measured_does_not_count() -> None:
    parts = {"availability": 100.0, "restarts": 0.0}
    assert score_of(measured(**parts)).value == pytest.approx(100 * 30 / 45)
    assert score_of(measured(**parts, latency=100)).value == pytest.approx(100 * 40 / 55)


def test_what_is_down_is_not_half_healthy_because_all_else_is_well() -> None:
    well = dict.fromkeys(("findings", "restarts", "saturation", "errors", "configuration"), 100.0)
    down = score_of(measured(availability=0, **well))
    assert down.value == 20
    assert down.lost[Part.AVAILABILITY] == 80


def test_one_that_is_down_does_not_hide_behind_many_that_are_well() -> None:
    well, down = score_of(measured(availability=100)), score_of(measured(availability=0))
    fair = score_of(measured(availability=100, configuration=60))
    one, all_fair = together([*[well] * 9, down]), together([fair] * 10)
    assert one is not None
    assert all_fair is not None
    assert one.value < 70
    assert all_fair.value > 85

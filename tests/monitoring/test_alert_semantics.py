"""Pending, firing, resolved as Prometheus means them; what cannot be seen; silences; what outlives a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alert_objects import at, observation, pod
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tools.monitoring.evaluating import Evaluator
from mcp_tools.monitoring.rules import Rule, load_rules, rules_from
from mcp_tools.monitoring.silences import Silence
from mcp_tools.monitoring.store import AlertStore

MEMORY = {
    "hungry": {
        "title": "Hungry",
        "condition": "usage-of-limit",
        "with": {"resource": "memory", "percent": 90},
        "for": "2m",
        "keep_firing_for": "5m",
    }
}
FULL, FINE = 95, 50


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    with closing(AlertStore(tmp_path / "alerts.db")) as found:
        yield found


def rules(**changes: object) -> tuple[Rule, ...]:
    return rules_from(MEMORY, {"hungry": changes})


def told(evaluator: Evaluator, seconds: float, percent: float | None = FULL, **more: object) -> list[str]:
    return [item.alert.state.value for item in evaluator.step(observation(seconds, percent, **more))]  # type: ignore[arg-type]


def states(evaluator: Evaluator) -> list[str]:
    return [alert.state.value for alert in evaluator.alerts]


def test_it_fires_when_its_condition_has_held_for_long_enough() -> None:
    evaluator = Evaluator(rules())
    assert told(evaluator, 0) == []
    assert states(evaluator) == ["pending"]
    assert told(evaluator, 119) == []
    assert told(evaluator, 120) == ["firing"]
    assert told(evaluator, 150) == []
    (alert,) = evaluator.alerts
    assert alert.summary == "Container app of deployment/api uses 95 % of its memory limit: 61 Mi of 64 Mi."
    assert (alert.since, alert.fired_at) == (at(0), at(120))


def test_a_short_trouble_is_never_told_and_begins_anew() -> None:
    evaluator = Evaluator(rules())
    assert told(evaluator, 0) + told(evaluator, 90) + told(evaluator, 100, FINE) == []
    assert states(evaluator) == []
    assert told(evaluator, 110) + told(evaluator, 200) == []
    assert told(evaluator, 230) == ["firing"]


def test_it_keeps_firing_through_gaps_and_is_over_once() -> None:
    evaluator = Evaluator(rules())
    told(evaluator, 0)
    assert told(evaluator, 120) == ["firing"]
    assert told(evaluator, 130, FINE) == []
    assert told(evaluator, 400) == []
    assert told(evaluator, 500, FINE) + told(evaluator, 799, FINE) == []
    assert told(evaluator, 800, FINE) == ["resolved"]
    assert told(evaluator, 801, FINE) == []


def test_what_cannot_be_seen_neither_begins_nor_ends_until_an_hour_has_passed() -> None:
    evaluator = Evaluator(rules(keep_firing_for="0s"))
    told(evaluator, 0)
    assert told(evaluator, 120) == ["firing"]
    assert told(evaluator, 150, None) == []
    assert told(evaluator, 180, FINE, unseen={"Pod": "not allowed"}) == []
    assert states(evaluator) == ["firing"]
    assert told(evaluator, 210) == []
    assert told(evaluator, 240, None) + told(evaluator, 240 + 3_600, None) == []
    assert told(evaluator, 241 + 3_600, None) == ["resolved"]


def test_what_is_gone_is_over_at_once() -> None:
    evaluator = Evaluator(rules())
    told(evaluator, 0)
    assert told(evaluator, 120) == ["firing"]
    gone = observation(130, None, [], unseen={"Pod": "not allowed"})
    del gone.snapshot._by_ref[next(ref for ref in gone.snapshot.refs() if ref.kind == "Deployment")]
    assert [item.alert.state.value for item in evaluator.step(gone)] == ["resolved"]


def test_one_workload_is_one_alert_however_many_pods_show_it() -> None:
    evaluator = Evaluator(rules())
    many = [pod(f"api-{number}") for number in range(20)]
    told(evaluator, 0, FULL, pods=many)
    assert told(evaluator, 120, FULL, pods=many) == ["firing"]
    (alert,) = evaluator.alerts
    assert "(20 pods)" in alert.summary
    assert len(alert.evidence) == 4


def test_other_pods_of_the_same_workload_are_another_occurrence() -> None:
    evaluator = Evaluator(rules())
    assert told(evaluator, 0, FULL, pods=[pod("api-1")]) == []
    assert told(evaluator, 110, FULL, pods=[pod("api-2")]) == []
    assert told(evaluator, 130, FULL, pods=[pod("api-2")]) == []
    assert told(evaluator, 230, FULL, pods=[pod("api-2")]) == ["firing"]


def test_a_clock_that_is_set_back_ends_nothing_and_fires_nothing_early() -> None:
    evaluator = Evaluator(rules())
    assert told(evaluator, 0) + told(evaluator, -600) + told(evaluator, 60) == []
    assert told(evaluator, 120) == ["firing"]


def test_restarts_are_counted_over_a_sliding_hour() -> None:
    evaluator = Evaluator([rule for rule in load_rules() if rule.id == "crash-loop"])

    def look(minutes: float, restarts: int) -> list[str]:
        return told(evaluator, minutes * 60, None, pods=[pod(restarts=restarts)])

    assert look(0, 7) == []  # what was before nobody saw
    assert look(10, 9) + look(20, 10) + look(50, 10) == []
    assert look(55, 11) == ["firing"]
    assert look(59, 11) == []
    assert look(70, 11) == ["resolved"]


def test_a_pod_made_within_the_hour_tells_its_restarts_itself() -> None:
    evaluator = Evaluator([rule for rule in load_rules() if rule.id == "crash-loop"])
    assert told(evaluator, 0, None, pods=[pod(restarts=4, born=-600)]) == ["firing"]


def test_counts_and_what_fires_outlive_the_process(store: AlertStore) -> None:
    only = [rule for rule in load_rules() if rule.id == "crash-loop"]
    for minute, restarts in ((0, 0), (5, 2), (10, 3)):
        assert told(Evaluator(only, store=store), minute * 60, None, pods=[pod(restarts=restarts)]) == []
    assert told(Evaluator(only, store=store), 900, None, pods=[pod(restarts=4)]) == ["firing"]
    assert told(Evaluator(only, store=store), 930, None, pods=[pod(restarts=4)]) == []
    assert told(Evaluator(only, store=store), 5 * 60 + 3_660, None, pods=[pod(restarts=4)]) == ["resolved"]


def test_how_long_it_has_ceased_outlives_the_process(store: AlertStore) -> None:
    looks = ((0, FULL, []), (120, FULL, ["firing"]), (150, FINE, []), (300, FINE, []), (449, FINE, []))
    for seconds, percent, expected in (*looks, (450, FINE, ["resolved"])):
        assert told(Evaluator(rules(), store=store), seconds, percent) == expected


def test_pending_begins_anew_after_an_outage(store: AlertStore) -> None:
    assert told(Evaluator(rules(), store=store), 0) == []
    assert told(Evaluator(rules(), store=store), 3_700) == []
    assert told(Evaluator(rules(), store=store), 3_820) == ["firing"]
    assert told(Evaluator(rules(), store=store), 20_000) == []


def test_what_nobody_acknowledged_is_told_by_the_next_process(store: AlertStore) -> None:
    first = Evaluator(rules(), store=store)
    told(first, 0)
    assert told(first, 120) == ["firing"]
    second = Evaluator(rules(), store=store)
    waiting = second.untold
    assert [item.alert.state.value for item in waiting] == ["firing"]
    second.acknowledge(waiting)
    assert second.untold == Evaluator(rules(), store=store).untold == []


def test_acknowledged_as_it_was_given_it_is_not_told_again(store: AlertStore) -> None:
    first = Evaluator(rules(), store=store)
    first.step(observation(0, FULL))
    first.acknowledge(first.step(observation(120, FULL)))
    assert Evaluator(rules(), store=store).untold == []


def test_a_scope_knows_nothing_of_another(store: AlertStore) -> None:
    here, there = (Evaluator(rules(), store=store, scope=name) for name in ("here", "there"))
    told(here, 0)
    assert told(here, 120) == ["firing"]
    assert told(there, 120, FINE) == []
    assert Evaluator(rules(), store=store, scope="there").alerts == ()


def test_a_silence_holds_news_back_and_not_the_end_of_what_was_told(store: AlertStore) -> None:
    def silence(begins: float, until: float) -> None:
        store.add_silence(Silence("", at(begins), at(until), object="deployment/api", why="load test"))

    evaluator = Evaluator(rules(keep_firing_for="0s"), store=store, silences=store.silences)
    silence(60, 300)
    assert told(evaluator, 0) + told(evaluator, 120) + told(evaluator, 200) == []
    assert [alert.silenced_by != "" for alert in evaluator.alerts] == [True]
    assert told(evaluator, 300) == ["firing"]
    silence(320, 900)
    assert told(evaluator, 330) == []
    assert told(evaluator, 400, FINE) == ["resolved"]


def test_what_was_silenced_all_the_time_is_never_told(store: AlertStore) -> None:
    store.add_silence(Silence("", at(0), at(900), rule="hung*", namespace="shop"))
    evaluator = Evaluator(rules(keep_firing_for="0s"), store=store, silences=store.silences)
    assert told(evaluator, 0) + told(evaluator, 120) + told(evaluator, 200, FINE) == []


def test_a_rule_that_is_taken_away_ends_its_alerts(store: AlertStore) -> None:
    before = Evaluator(rules(), store=store)
    told(before, 0)
    assert told(before, 120) == ["firing"]
    assert told(Evaluator((), store=store), 130) == ["resolved"]


def test_errors_in_logs_are_those_of_the_workload() -> None:
    evaluator = Evaluator([rule for rule in load_rules() if rule.id == "log-errors"])
    two = [pod("api-1"), pod("api-2")]
    errors = {("shop", "api-1"): 6.0, ("shop", "api-2"): 5.0}
    told(evaluator, 0, None, pods=two, errors=errors)
    assert told(evaluator, 120, None, pods=two, errors=errors) == ["firing"]
    assert evaluator.alerts[0].summary == "Deployment api logs 11 errors a minute in 2 pods."


LOOKS = st.lists(st.tuples(st.sampled_from([30, 60, 130, 170]), st.booleans(), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(LOOKS)
def test_no_transition_is_missed_or_doubled_whatever_happens_and_whenever_the_process_ends(
    looks: list[tuple[int, bool, bool]],
) -> None:
    """Against the definition: firing after 2 minutes without a gap, over after 5 minutes without it."""
    with TemporaryDirectory() as place, closing(AlertStore(Path(place) / "alerts.db")) as kept:
        evaluator = Evaluator(rules(), store=kept)
        now, since, fires, ceased = 0, None, False, None
        for pause, full, restart in looks:
            now += pause
            expected = []
            if full:
                since, ceased = now if since is None else since, None
                if not fires and now - since >= 120:
                    fires, expected = True, ["firing"]
            else:
                ceased = now if ceased is None else ceased
                if not fires:
                    since = None
                elif now - ceased >= 300:
                    fires, since, expected = False, None, ["resolved"]
            assert told(evaluator, now, FULL if full else FINE) == expected
            if restart:
                evaluator = Evaluator(rules(), store=kept)

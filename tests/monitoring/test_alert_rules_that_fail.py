"""A rule whose condition raises is alone with it: the others go on, and so does what it had raised."""

from __future__ import annotations

import dataclasses
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alert_objects import at, observation, pod
from alert_worlds import Watched
from monitor_helpers import monitoring, receiving, restarted, until

from mcp_tools.monitoring.evaluating import Evaluator
from mcp_tools.monitoring.report import alerts_report
from mcp_tools.monitoring.rules import Rule, load_rules
from mcp_tools.monitoring.settings import AlertSettings
from mcp_tools.monitoring.store import AlertStore

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.monitoring.conditions.base import Held, Sight
    from mcp_tools.sandbox.lifecycle import SandboxInfo

HOUR = 3_600


class Fragile:
    """A rule whose condition is the packaged one, until it breaks in the middle of what it finds."""

    def __init__(self, rule: Rule) -> None:
        self.broken = False
        self._test = rule.condition.test
        self.rule = dataclasses.replace(rule, condition=dataclasses.replace(rule.condition, test=self._find))
        self._times = 0

    def _find(self, sight: Sight, given: Any) -> Iterator[Held]:
        yield from self._test(sight, given)
        if self.broken:
            self._times += 1
            raise KeyError(f"containers, for the {self._times}th time, with password=hunter2hunter2")


def packaged(name: str) -> Rule:
    return next(rule for rule in load_rules() if rule.id == name)


@pytest.fixture
def fragile() -> Fragile:
    return Fragile(packaged("pod-pending"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    with closing(AlertStore(tmp_path / "alerts.db")) as found:
        yield found


def test_the_others_are_told_and_its_own_alert_neither_ends_nor_comes_again(fragile: Fragile) -> None:
    evaluator = Evaluator([fragile.rule, packaged("memory-near-limit")])

    def look(seconds: float, percent: int, *pods: Any) -> list[tuple[str, str]]:
        seen = observation(seconds, percent, [pod(), *pods])
        return [(item.alert.rule, item.alert.state.value) for item in evaluator.step(seen)]

    waiting = pod("api-2", phase="Pending", born=0)
    assert look(0, 50, waiting) == []
    assert look(300, 50, waiting) == [("pod-pending", "firing")]
    fragile.broken = True
    assert look(330, 95, waiting) == []
    fragile.broken = False
    assert look(360, 95, waiting) == []
    fragile.broken = True
    assert look(450, 95) == [("memory-near-limit", "firing")]
    assert list(evaluator.failing) == ["pod-pending"]
    assert "hunter2" not in evaluator.failing["pod-pending"]
    # Longer than what cannot be read is waited for.
    assert look(450 + 2 * HOUR, 95) == []
    assert {alert.rule for alert in evaluator.alerts} == {"pod-pending", "memory-near-limit"}
    fragile.broken = False
    assert look(460 + 2 * HOUR, 95) == [("pod-pending", "resolved")]
    assert not evaluator.failing


def test_what_was_pending_waits_for_it_and_fires_once_it_works_again(fragile: Fragile) -> None:
    evaluator = Evaluator([fragile.rule])
    waiting = pod("api-2", phase="Pending", born=0)

    def look(seconds: float) -> list[str]:
        return [item.alert.state.value for item in evaluator.step(observation(seconds, 50, [waiting]))]

    assert look(0) == []
    fragile.broken = True
    assert look(400) == []
    assert [alert.state.value for alert in evaluator.alerts] == ["pending"]
    fragile.broken = False
    assert look(430) == ["firing"]


def test_what_is_gone_is_over_all_the_same(fragile: Fragile) -> None:
    evaluator = Evaluator([fragile.rule])
    evaluator.step(observation(0, 50, [pod("api-2", phase="Pending", born=-600)]))
    fragile.broken = True
    gone = observation(30, 50, [])
    del gone.snapshot._by_ref[next(ref for ref in gone.snapshot.refs() if ref.kind == "Deployment")]
    assert [item.alert.state.value for item in evaluator.step(gone)] == ["resolved"]


def test_its_alert_outlives_the_process_while_it_fails(fragile: Fragile, store: AlertStore) -> None:
    waiting = observation(0, 50, [pod("api-2", phase="Pending", born=-600)])
    assert Evaluator([fragile.rule], store=store).step(waiting)
    fragile.broken = True
    assert Evaluator([fragile.rule], store=store).step(observation(30)) == []
    assert list(store.failing("")) == ["pod-pending"]
    fragile.broken = False
    (over,) = Evaluator([fragile.rule], store=store).step(observation(60))
    assert (over.alert.state.value, over.alert.resolved_at) == ("resolved", at(60))
    assert store.failing("") == {}


@pytest.mark.parametrize("watched", [True, False])
def test_who_asks_for_alerts_is_told_which_rule_fails_and_what_to_do(
    fragile: Fragile, tmp_path: Path, watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp_tools.monitoring import report
    from mcp_tools.monitoring.store import scope_of

    fragile.broken = True
    rules = [fragile.rule if rule.id == fragile.rule.id else rule for rule in load_rules()]
    monkeypatch.setattr(report, "load_rules", lambda _: rules)
    world = Watched(tmp_path / "alerts.db", rules)
    world.scope = scope_of(world.connection, None)
    world.restart()
    if watched:
        world.look()
    at = world.observation().at
    told = alerts_report(world.connection, "todo-app", world.store, AlertSettings(), at).data
    assert told["watched"] is watched
    (about,) = [words for words in told["not_looked_at"] if "pod-pending" in words]
    assert "KeyError" in about
    assert "enabled: false" in about


def test_a_monitor_says_it_once_and_counts_it_and_says_when_it_works_again(
    sandbox: SandboxInfo, kube: Kube, space: str, fragile: Fragile, tmp_path: Path
) -> None:
    fragile.broken = True
    with (
        receiving() as (receiver, url),
        monitoring(
            sandbox.kubeconfig,
            space,
            tmp_path / "alerts.db",
            {"webhook": {"url": url}},
            more_rules=[fragile.rule],
            listen="127.0.0.1:0",
        ) as (monitor, said),
    ):
        where = next(line for line in said if "/metrics" in line).split()[1].removesuffix(";")

        def failures() -> float:
            with urllib.request.urlopen(where, timeout=10) as page:
                lines = page.read().decode().splitlines()
            name = 'shipmate_monitor_rule_failures_total{rule="pod-pending"} '
            return float(next(line for line in lines if line.startswith(name)).removeprefix(name))

        until(lambda: failures() > 2)
        assert monitor.ready
        restarted(kube, space, "web", 5)
        until(lambda: receiver.told == [("firing", "crash-loop", "Pod/web")])
        fragile.broken = False
        until(lambda: "The rule pod-pending works again." in said)
    (about,) = [line for line in said if "pod-pending fails" in line]
    assert "hunter2" not in about
    assert "enabled: false" in about

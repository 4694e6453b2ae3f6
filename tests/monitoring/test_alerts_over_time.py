"""Which transition comes at which moment: none missed, none told twice, also when the watching process is restarted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alert_worlds import Watched

from mcp_tools.monitoring.report import alerts_report
from mcp_tools.monitoring.settings import AlertSettings
from mcp_tools.monitoring.store import scope_of

BACKEND = "/apis/apps/v1/namespaces/todo-app/deployments/backend"
RESTARTED = pytest.mark.parametrize("restarted", [False, True], ids=["one process", "restarted after every look"])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path / "alerts.db")
    with closing(found):
        yield found


def template(watched: Watched) -> dict[str, Any]:
    found: dict[str, Any] = watched.connection.get_object(BACKEND)["spec"]["template"]["spec"]
    return found


def heal(watched: Watched, spec: dict[str, Any]) -> None:
    """The pod template of the backend as it was before."""
    containers = [{"name": one["name"], "image": one["image"]} for one in spec["containers"]]
    watched.patch(BACKEND, {"spec": {"template": {"spec": {"containers": containers}}}})


@RESTARTED
def test_a_crash_loop_is_raised_once_and_over_once(watched: Watched, restarted: bool) -> None:
    before = template(watched)
    watched.look()
    watched.inject("crash-traceback")
    watched.watch(10, restarted=restarted)
    assert watched.told == [(60, "firing", "crash-loop", "deployment/backend")]
    heal(watched, before)
    watched.watch(5, restarted=restarted)
    assert [item[1:] for item in watched.told[1:]] == [("resolved", "crash-loop", "deployment/backend")]
    assert not watched.evaluator.alerts


@RESTARTED
def test_an_image_that_cannot_be_pulled_is_pending_for_five_minutes(watched: Watched, restarted: bool) -> None:
    before = template(watched)
    watched.look()
    watched.inject("image-tag")
    watched.watch(20, restarted=restarted)
    assert watched.told == [
        (120, "firing", "rollout-stuck", "deployment/backend"),
        (300, "firing", "pod-pending", "deployment/backend"),
    ]
    heal(watched, before)
    watched.watch(5, restarted=restarted)
    assert sorted(item[1:] for item in watched.told[2:]) == [
        ("resolved", "pod-pending", "deployment/backend"),
        ("resolved", "rollout-stuck", "deployment/backend"),
    ]


@RESTARTED
def test_of_a_lost_node_only_the_node_is_told(watched: Watched, restarted: bool) -> None:
    watched.look()
    watched.inject("node-lost")
    watched.watch(4, restarted=restarted)
    assert watched.told == [(90, "firing", "node-not-ready", "node/sandbox-2")]
    assert watched.standing()["workload-down", "deployment/mcp-server"] == "firing"
    # After five minutes its pods are made anew on the other node.
    watched.watch(15, restarted=restarted)
    assert watched.told == [(90, "firing", "node-not-ready", "node/sandbox-2")]
    assert watched.standing() == {("node-not-ready", "node/sandbox-2"): "firing"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("oom-limit", [("oom-killed", "deployment/backend"), ("crash-loop", "deployment/backend")]),
        ("cpu-throttled", [("cpu-near-limit", "deployment/backend")]),
        (
            "hpa-at-maximum",
            [("cpu-near-limit", "deployment/backend"), ("autoscaler-at-maximum", "horizontalpodautoscaler/backend")],
        ),
        ("certificate-expired", [("certificate-expired", "secret/shop-tls")]),
        ("job-backoff", [("job-failed", "job/import")]),
        ("service-selector", [("no-endpoints", "service/backend")]),
        ("disk-pressure", [("node-pressure", "node/sandbox-2")]),
        ("quota-exceeded", [("replicas-unavailable", "deployment/backend"), ("quota-filling", "resourcequota/budget")]),
        ("readiness-500", [("rollout-stuck", "deployment/backend")]),
        ("claim-missing", [("rollout-stuck", "deployment/backend"), ("pod-pending", "deployment/backend")]),
    ],
)
def test_a_fault_is_told_by_its_cause_and_by_nothing_else(watched: Watched, fault: str, told: list[Any]) -> None:
    watched.look()
    watched.inject(fault)
    watched.watch(20)
    assert [item[2:] for item in watched.told] == told
    assert {item[1] for item in watched.told} == {"firing"}


def test_a_healthy_stack_raises_nothing_in_two_hours(watched: Watched) -> None:
    watched.watch(120, every=300)
    assert watched.told == []
    assert watched.standing() == {}


def test_what_is_deleted_is_over_at_once(watched: Watched) -> None:
    watched.look()
    watched.inject("crash-traceback")
    watched.watch(2)
    watched.connection.write("DELETE", BACKEND, {})
    assert [item[1:] for item in watched.watch(1)] == [("resolved", "crash-loop", "deployment/backend")]


def test_figures_show_in_what_is_told(watched: Watched) -> None:
    watched.look()
    watched.inject("crash-traceback")
    watched.watch(2)
    (alert,) = [item for item in watched.evaluator.alerts if item.rule == "crash-loop"]
    assert alert.summary.startswith("Container backend of deployment/backend was restarted ")
    assert "exit code 1" in alert.evidence[0]
    assert alert.labels == {"container": "backend"}


def test_what_a_monitor_saw_is_shown_with_what_follows_from_it_while_it_runs(watched: Watched) -> None:
    watched.scope = scope_of(watched.connection, None)
    watched.restart()
    watched.look()
    watched.inject("crash-traceback")
    watched.watch(10)
    now = watched.observation().at

    def report(minutes: float) -> dict[str, Any]:
        later = now + dt.timedelta(minutes=minutes)
        return alerts_report(watched.connection, "todo-app", watched.store, AlertSettings(), later).data

    seen = report(1)
    assert seen["watched"]
    assert [(item["rule"], item["explains"]) for item in seen["firing"]] == [
        ("crash-loop", ["rollout-stuck of deployment/backend"])
    ]
    assert not report(10)["watched"]

"""Workloads of the embedded cluster whose need is known: what is recommended, and what is kept of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sizing_worlds import SPACE, autoscaler, deployment, observe, world

from mcp_tools.sizing.looking import WorkloadSizing, size
from mcp_tools.sizing.report import sizing_report
from mcp_tools.sizing.settings import Measuring, Prices
from mcp_tools.usage.store import UsageStore

MIB = 2**20
HOUR = 3600.0
ASKED = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}


def sized(*objects: dict[str, Any], store: UsageStore, seconds: float, every: float = 60) -> dict[str, WorkloadSizing]:
    connection = observe(world(*objects), store, seconds, every)
    return {one.workload.name: one for one in size(connection, store, Measuring(), SPACE)}


@pytest.mark.parametrize(("cpu", "memory"), [(0.2, 200), (0.35, 700), (1.3, 90), (0.06, 40)])
def test_the_need_is_found_within_a_tenth(store: UsageStore, cpu: float, memory: int) -> None:
    found = sized(deployment("web", f"cpu={cpu},memory={memory}", ASKED), store=store, seconds=20 * 60)["web"]
    advice = found.containers[0].advice
    assert advice
    assert (advice.resources.cpu_request or 0) / 1.15 == pytest.approx(cpu, rel=0.1)
    assert (advice.resources.memory_request or 0) / 1.15 == pytest.approx(memory * MIB, rel=0.1)
    assert advice.preliminary == "measured for 19 min only (20 samples)"


def test_limits_come_down_only_as_confidence_grows(store: UsageStore) -> None:
    made = deployment("web", "cpu=0.2,memory=200", ASKED)
    there = world(made)
    limits = []
    for hours in (1, 23, 72):
        connection = observe(there, store, hours * HOUR, every=120)
        container = size(connection, store, Measuring(), SPACE)[0].containers[0]
        assert container.advice
        limits.append((container.advice.resources.memory_limit or 0) / MIB)
    assert limits[0] == 2048
    # After a day the upper bound is three times what was seen (720 samples are half a day's), and less after four.
    assert limits[1] == pytest.approx(230 * 3, rel=0.02)
    assert 230 < limits[2] < limits[1]


def test_an_end_for_want_of_memory_raises_request_and_limit(store: UsageStore) -> None:
    tight = {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"memory": "150Mi"}}
    found = sized(deployment("web", "memory=180,grow=90,cpu=0.1", tight), store=store, seconds=20 * 60, every=30)["web"]
    container = found.containers[0]
    assert container.advice
    assert container.held.ooms >= 2
    # 150Mi and 100Mi more, as the Vertical Pod Autoscaler has it.
    assert container.advice.resources.memory_request == container.advice.resources.memory_limit == 250 * MIB
    assert container.verdict == "too little"
    assert any("killed" in reason for reason in container.advice.reasons)


def test_a_container_that_its_cpu_limit_holds_back_is_told_so(store: UsageStore) -> None:
    tight = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m"}}
    found = sized(deployment("web", "cpu=0.9,memory=100", tight), store=store, seconds=20 * 60)["web"].containers[0]
    assert found.advice
    assert found.advice.bottleneck == "cpu"
    assert found.advice.resources.cpu_limit == pytest.approx(0.4)
    assert found.verdict == "too little"


def test_nothing_is_said_on_too_few_samples(store: UsageStore) -> None:
    connection = observe(world(deployment("web", "cpu=0.2,memory=200", ASKED)), store, 60)
    answer = sizing_report(connection, store, Measuring(), SPACE)
    assert answer.data["containers"][0]["verdict"] == "unknown"
    assert "recommended" not in answer.data["containers"][0]
    assert "too little was measured" in answer.summary
    assert "shipmate usage record" in answer.summary


def test_savings_are_those_of_all_replicas_at_the_users_prices(store: UsageStore) -> None:
    connection = observe(world(deployment("web", "cpu=0.2,memory=200", ASKED, replicas=3)), store, 20 * 60)
    measuring = Measuring(prices=Prices(cpu_core_hour=0.03, memory_gib_hour=0.004, currency="EUR"))
    saving = sizing_report(connection, store, measuring, SPACE).data["saving"]
    cores, gib = 3 * (1 - 0.23), 3 * (1 - 230 / 1024)
    assert saving["cpu_cores"] == pytest.approx(cores, abs=0.01)
    assert saving["memory_gib"] == pytest.approx(gib, abs=0.01)
    assert saving["a_month"] == pytest.approx(
        730 * (0.03 * saving["cpu_cores"] + 0.004 * saving["memory_gib"]), abs=0.05
    )


def test_a_request_that_an_autoscaler_reckons_with_keeps_the_number_of_replicas(store: UsageStore) -> None:
    objects = (deployment("web", "cpu=0.2,memory=200", ASKED, replicas=2), autoscaler("web", 2, 5, 50))
    found = sized(*objects, store=store, seconds=20 * 60)["web"]
    advice = found.containers[0].advice
    assert advice
    # At 50 % of 400m each of the two uses what it used.
    assert advice.resources.cpu_request == pytest.approx(0.4, abs=0.002)
    assert any("hpa/web scales at 50% of the CPU request" in text for text in found.advice)


def test_what_fits_is_left_alone_and_guaranteed_pods_stay_guaranteed(store: UsageStore) -> None:
    near = {"requests": {"cpu": "240m", "memory": "240Mi"}, "limits": {"memory": "300Mi"}}
    equal = {side: {"cpu": "100m", "memory": "100Mi"} for side in ("requests", "limits")}
    objects = (deployment("near", "cpu=0.2,memory=200", near), deployment("equal", "cpu=0.3,memory=99", equal))
    found = sized(*objects, store=store, seconds=20 * 60)
    assert found["near"].containers[0].verdict == "fits"
    change = found["equal"].containers[0].change
    assert change.memory_request == change.memory_limit == 114 * MIB
    assert change.cpu_request == change.cpu_limit == pytest.approx(0.2)


def test_what_was_measured_outlives_pods_and_processes(store: UsageStore) -> None:
    there = world(deployment("web", "cpu=0.2,memory=200", ASKED))
    connection = observe(there, store, 10 * 60)
    pod = connection.get_object(f"/api/v1/namespaces/{SPACE}/pods")["items"][0]["metadata"]["name"]
    connection.write("DELETE", f"/api/v1/namespaces/{SPACE}/pods/{pod}", {})
    there.clock.advance(60)
    observe(there, store, 10 * 60)
    other = UsageStore(store._database.path)
    try:
        held = list(other.read(_cluster(connection), SPACE).values())
    finally:
        other.close()
    assert [one.samples for one in held] == [20]


def _cluster(connection: Any) -> str:
    from mcp_tools.usage.recording import cluster_id

    return cluster_id(connection)


def test_an_answer_about_many_workloads_stays_short(store: UsageStore) -> None:
    tight = {"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "200m", "memory": "150Mi"}}
    many = [deployment(f"{'a-long-name' * 4}-{number}", "cpu=0.9,memory=180,grow=90", tight) for number in range(14)]
    connection = observe(world(*many), store, 20 * 60, every=30)
    data = sizing_report(connection, store, Measuring(), SPACE).data
    assert len(data["containers"]) + data["more"] == 14
    assert len(json.dumps(data)) / 3 < 4_000

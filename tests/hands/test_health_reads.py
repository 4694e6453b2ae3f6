"""Health over the wire: errors in logs, latency from a Prometheus, and what a name stands for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hands_helpers import Kube, answer, deployment, deployments, http_server

from mcp_tools.errors import NotFound, UsageError
from mcp_tools.health.settings import HealthSettings
from mcp_tools.toolbox import Toolbox

Make = Callable[..., Toolbox]


def of(box: Toolbox, **given: Any) -> dict[str, Any]:
    return box.call("cluster_overview", {"show": "health", **given}).data


def part(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in data["workloads"][0]["parts"] if each["part"] == name)


def until(look: Callable[[], bool]) -> None:
    for _ in range(300):
        if look():
            return
        time.sleep(0.1)
    raise AssertionError("it never came to that")


def test_of_one_workload_the_logs_are_looked_at_and_every_part_is_told(box: Toolbox, kube: Kube, space: str) -> None:
    script = "while true; do echo ERROR database password=hunter2 is gone; sleep 1; done"
    kube.make(deployments(space), deployment("noisy", replicas=1, container={"command": ["sh", "-c", script]}))
    until(lambda: "lines of level error" in part(of(box, target="noisy"), "errors")["why"])
    data = of(box, target="noisy")
    assert data["scope"]["about"] == "deployment/noisy"
    assert {each["part"] for each in data["workloads"][0]["parts"]} >= {"availability", "restarts", "configuration"}
    assert sum(each["lost"] for each in data["workloads"][0]["parts"]) == pytest.approx(
        100 - data["health"]["score"], abs=1
    )
    assert "hunter2" not in str(data)


def test_a_name_is_a_workload_before_it_is_a_namespace(box: Toolbox, web: str) -> None:
    assert of(box, target="web")["scope"]["about"] == "deployment/web"
    space = of(box, target="todo-app")
    assert space["scope"]["namespace"] == "todo-app"
    assert "about" not in space["scope"]
    assert len(space["workloads"]) >= 3
    with pytest.raises(NotFound, match="wbe"):
        of(box, target="wbe")


def test_a_pod_is_told_by_its_workload(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    pod = kube.get(f"/api/v1/namespaces/{space}/pods")["items"][0]["metadata"]["name"]
    assert of(box, target=f"pod/{pod}")["workloads"][0]["object"] == "deployment/web"


def test_an_overview_has_no_target_and_all_namespaces_no_name(box: Toolbox) -> None:
    with pytest.raises(UsageError, match="whole namespace"):
        box.call("cluster_overview", {"target": "backend"})
    with pytest.raises(UsageError, match="two questions"):
        of(box, target="backend", all_namespaces=True)


def test_latency_counts_where_a_prometheus_measures_it(make_box: Make, kube: Kube, space: str, web: str) -> None:
    pods = [item["metadata"]["name"] for item in kube.get(f"/api/v1/namespaces/{space}/pods")["items"]]
    series = [
        {"metric": {"namespace": space, "pod": pods[0]}, "value": [0, "2.0"]},
        {"metric": {"namespace": space, "pod": pods[1]}, "value": [0, "NaN"]},
        {"metric": {"namespace": space, "pod": "gone"}, "value": [0, "9"]},
    ]
    asked: list[str] = []

    def reply(handler: Any) -> None:
        asked.append(handler.path)
        answer(handler, 200, {"status": "success", "data": {"resultType": "vector", "result": series}})

    with http_server(reply) as address:
        data = of(make_box(health=HealthSettings(prometheus=address)), target="web")
    assert "histogram_quantile" in asked[0]
    assert part(data, "latency")["score"] == 0
    assert "2.00 s" in part(data, "latency")["why"]
    assert "latency" not in data["unmeasured"]


@pytest.mark.parametrize("body", [b"no JSON", {"status": "error"}, {"data": {"result": [{"metric": {"pod": "x"}}]}}])
def test_a_prometheus_that_answers_nonsense_is_said_and_latency_left_out(make_box: Make, web: str, body: Any) -> None:
    with http_server(lambda handler: answer(handler, 200, body)) as address:
        data = of(make_box(health=HealthSettings(prometheus=address)))
    assert "latency" in data["unmeasured"]
    assert any(address in text for text in data["scope"]["not_seen"])


def test_a_prometheus_that_is_not_there_is_said(make_box: Make, web: str) -> None:
    data = of(make_box(health=HealthSettings(prometheus="http://127.0.0.1:9")))
    assert "latency" in data["unmeasured"]
    assert any("127.0.0.1:9" in text for text in data["scope"]["not_seen"])

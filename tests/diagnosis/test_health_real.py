"""Health of a real cluster: a crash loop and a CPU burner, each costing its workload by its part."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from real_worlds import BUSYBOX

from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.cluster.target import Target
from mcp_tools.errors import Conflict, NotFound, ShipmateError
from mcp_tools.health.checking import check
from mcp_tools.health.parts import Part
from mcp_tools.health.report import told

if TYPE_CHECKING:
    from mcp_tools.health.assessing import Assessed

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]
PATIENCE_SECONDS = 240


def missing(why: str) -> None:
    if os.environ.get("SHIPMATE_CI_CLUSTER"):
        pytest.fail(f"no real cluster: {why}")
    pytest.skip(f"no real cluster: {why}; set KUBECONFIG to the kubeconfig of one")


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    if not os.environ.get("KUBECONFIG"):
        missing("KUBECONFIG is not set")
    try:
        found = connect(Target())
    except ShipmateError as error:
        missing(error.message)
    yield found
    found.close()


def deployment(name: str, script: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"cpu": "50m", "memory": "32Mi"}}
    container = {
        "name": "app",
        "image": BUSYBOX,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        "resources": resources,
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}


@pytest.fixture
def space(connection: Connection) -> Iterator[str]:
    name = f"health-{uuid.uuid4().hex[:6]}"
    connection.write("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    with contextlib.suppress(NotFound, Conflict):
        connection.write("DELETE", f"/api/v1/namespaces/{name}", None)


def lost(each: Assessed | None, part: Part) -> float:
    return each.score.lost.get(part, 0.0) if each else 0.0


def test_a_crash_loop_and_a_cpu_burner_cost_their_workloads_by_the_right_parts(
    connection: Connection, space: str
) -> None:
    scripts = {"quiet": "sleep 3600", "crash": "echo it broke; exit 3", "burn": "while :; do :; done"}
    for name, script in scripts.items():
        connection.write("POST", f"/apis/apps/v1/namespaces/{space}/deployments", deployment(name, script))
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = check(connection, space)
        by_name = {each.ref.name: each for each in found.assessment.workloads}
        measured = found.assessment.observation.usage is not None
        burns = lost(by_name.get("burn"), Part.SATURATION) > 5 or not measured
        crashes = lost(by_name.get("crash"), Part.RESTARTS) > 5
        quiet = by_name.get("quiet")
        if (burns and crashes and quiet and not lost(quiet, Part.AVAILABILITY)) or time.monotonic() > end:
            break
        time.sleep(3)
    scores = {name: {m.part.value: (m.score, m.why) for m in each.measures} for name, each in by_name.items()}
    assert burns, scores
    assert crashes, scores
    assert by_name["crash"].score.value <= 20, scores
    assert by_name["quiet"].score.value >= 90, scores
    assert by_name["crash"].score.value < by_name["burn"].score.value, scores
    why = {measure.part: measure.why for measure in by_name["crash"].measures}
    assert "exit code 3" in why[Part.RESTARTS]
    assert "0 of 1 pod ready" in why[Part.AVAILABILITY]
    answer = told(connection.context, found, space)
    assert answer.data["first"][0]["object"] == "deployment/crash"
    if not measured:
        pytest.skip("metrics.k8s.io is not served: install metrics-server; all but saturation was checked")

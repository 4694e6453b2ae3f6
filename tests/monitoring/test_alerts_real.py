"""Alerts on a real cluster: a container that ends again and again, and one that fills its memory, both healed."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.cluster.target import Target
from mcp_tools.errors import ShipmateError
from mcp_tools.monitoring.evaluating import Evaluator
from mcp_tools.monitoring.observing import observe
from mcp_tools.monitoring.rules import rules_from
from mcp_tools.monitoring.store import AlertStore

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

MERGE = "application/strategic-merge-patch+json"
HOG = "x = bytearray(118 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nimport time; time.sleep(600)"
STEADY = ["sh", "-c", "sleep 600"]
RULES = rules_from(
    {
        "crash-loop": {"title": "Crashes", "condition": "restarts", "with": {"more_than": 2}, "severity": "critical"},
        "memory-near-limit": {
            "title": "Nearly full",
            "condition": "usage-of-limit",
            "with": {"resource": "memory", "percent": 90},
            "for": "5s",
        },
    }
)
BOTH = {("crash-loop", "deployment/loop"), ("memory-near-limit", "deployment/hog")}


def missing(why: str) -> None:
    if os.environ.get("SHIPMATE_CI_CLUSTER"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def cluster() -> Iterator[Connection]:
    if not os.environ.get("KUBECONFIG"):
        missing("needs a real cluster: KUBECONFIG is not set")
    try:
        found = connect(Target())
    except ShipmateError as error:
        missing(error.message)
    with closing(found):
        yield found


@pytest.fixture
def space(cluster: Connection) -> Iterator[str]:
    name = f"shipmate-alerts-{uuid.uuid4().hex[:6]}"
    cluster.write("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    cluster.write("DELETE", f"/api/v1/namespaces/{name}", {})


def deployment(name: str, image: str, command: list[str]) -> dict[str, Any]:
    container = {
        "name": "app",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": command,
        "resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "8Mi", "cpu": "10m"}},
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def test_a_crash_loop_and_full_memory_are_raised_and_resolved_each_once(
    cluster: Connection, space: str, tmp_path: Path
) -> None:
    path = f"/apis/apps/v1/namespaces/{space}/deployments"
    cluster.write("POST", path, deployment("loop", "busybox:latest", ["sh", "-c", "exit 3"]))
    cluster.write("POST", path, deployment("hog", "python:3.13-slim", ["python", "-c", HOG]))
    told: list[tuple[str, str, str]] = []

    def until(state: str) -> None:
        # Another process at every look: what it has to know, it knows from the store.
        while {(rule, about) for said, rule, about in told if said == state} != BOTH:
            with closing(AlertStore(tmp_path / "alerts.db")) as store:
                alerts = [item.alert for item in Evaluator(RULES, store=store).step(observe(cluster, space))]
            told.extend((alert.state.value, alert.rule, str(alert.object)) for alert in alerts)
            assert {one[0] for one in told} <= {"firing", state}
            time.sleep(1)

    until("firing")
    for name in ("loop", "hog"):
        steady = [{"name": "app", "image": "busybox:latest", "command": STEADY}]
        body = {"spec": {"template": {"spec": {"containers": steady}}}}
        cluster.write("PATCH", f"{path}/{name}", body, content_type=MERGE)
    until("resolved")
    assert len(told) == len(set(told)) == 4

"""Right-sizing on a real cluster: what the kernel kills after a change is put back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, Person, deployment, deployments

from mcp_tools.changes.configuring import configure
from mcp_tools.changes.model import Outcome
from mcp_tools.changes.operations import Request
from mcp_tools.cluster.resolve import WORKLOADS, find_object
from mcp_tools.cluster.target import Target
from mcp_tools.sizing.guard import Guard
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

LATER = """
import time
time.sleep(15)
held = bytearray(120 * 1024 * 1024)
for at in range(0, len(held), 4096): held[at] = 1
time.sleep(3600)
"""
ROOMY = {"requests": {"cpu": "10m", "memory": "150Mi"}, "limits": {"memory": "200Mi"}}
LATEST = 60


@pytest.fixture
def room(real: Kube) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    real.delete(f"/api/v1/namespaces/{name}")


def test_a_change_after_which_the_kernel_kills_is_rolled_back(real: Kube, room: str, tmp_path: Path) -> None:
    python = {"image": "python:3.13-slim", "imagePullPolicy": "IfNotPresent", "command": ["python", "-c", LATER]}
    real.make(deployments(room), deployment("late", replicas=1, container={**python, "resources": ROOMY}))
    _until_ready(real, room)
    person = Person()
    box = Toolbox(Target(namespace=room), approver=person.approve, journal=tmp_path / "journal.db")
    try:
        found = find_object(box.connection, "late", None, WORKLOADS)
        small = configure(found, None, requests={"memory": "64Mi"}, limits={"memory": "64Mi"})
        guard = Guard(box.connection, [found], LATEST)
        guard.look_before()
        request = Request("configure", small.title, (small,), verify=guard.watch)
        change = box.engine.run(request, person.approve, person.hear)
    finally:
        box.close()
    assert change.outcome is Outcome.ROLLED_BACK
    assert "killed for want of memory" in (change.reason or "")
    container = real.get(deployments(room, "late"))["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"] == ROOMY


def _until_ready(real: Kube, room: str) -> None:
    for _ in range(240):
        status: dict[str, Any] = real.get(deployments(room, "late")).get("status") or {}
        if status.get("readyReplicas") == 1:
            return
        time.sleep(0.5)
    raise AssertionError("the Deployment never became ready")

"""A sandbox over HTTPS for the whole session, and namespaces of their own on it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hands_helpers import Kube, Person, deployment, deployments
from needs import missing

from mcp_tools.cluster.target import Target
from mcp_tools.errors import ShipmateError
from mcp_tools.sandbox import lifecycle
from mcp_tools.toolbox import Toolbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.SandboxInfo]:
    state = tmp_path_factory.mktemp("sandbox")
    yield lifecycle.ensure_running(state)
    assert lifecycle.stop(state)


@pytest.fixture(scope="session")
def kube(sandbox: lifecycle.SandboxInfo) -> Iterator[Kube]:
    found = Kube(Target(kubeconfig=str(sandbox.kubeconfig)))
    yield found
    found.connection.close()


@pytest.fixture(scope="session")
def real() -> Iterator[Kube]:
    """The real cluster of KUBECONFIG, for the tests marked `cluster`."""
    if not os.environ.get("KUBECONFIG"):
        missing("no real cluster: set KUBECONFIG to the kubeconfig of one")
    try:
        found = Kube(Target())
    except ShipmateError as error:
        missing(error.message)
    yield found
    found.connection.close()


@pytest.fixture
def space(kube: Kube) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    kube.make("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    kube.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def person() -> Person:
    """Who decides, and who hears how it goes."""
    return Person()


@pytest.fixture
def make_box(
    sandbox: lifecycle.SandboxInfo, space: str, person: Person, tmp_path: Path
) -> Iterator[Callable[..., Toolbox]]:
    """Toolboxes on one journal, in the test's own namespace."""
    boxes: list[Toolbox] = []

    def make(kubeconfig: Path = sandbox.kubeconfig, **options: Any) -> Toolbox:
        target = Target(kubeconfig=str(kubeconfig), namespace=space)
        more = {"journal": tmp_path / "journal.db", **options}
        boxes.append(Toolbox(target, approver=person.approve, reporter=person.hear, **more))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


@pytest.fixture
def box(make_box: Callable[..., Toolbox]) -> Toolbox:
    return make_box()


@pytest.fixture
def web(kube: Kube, space: str) -> str:
    """The path of a Deployment whose pods are ready."""
    kube.make(deployments(space), deployment("web"))
    path = deployments(space, "web")
    for _ in range(200):
        if kube.get(path).get("status", {}).get("readyReplicas") == 2:
            return path
        time.sleep(0.1)
    raise AssertionError("the Deployment never became ready")

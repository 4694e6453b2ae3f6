"""A sandbox over HTTPS for the whole session, and namespaces of their own on it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hands_helpers import Kube, missing
from monitor_helpers import Wire

from mcp_tools.cluster.target import Target
from mcp_tools.errors import ShipmateError
from mcp_tools.sandbox import lifecycle


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
        missing("KUBECONFIG is not set")
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
def wire(sandbox: lifecycle.SandboxInfo) -> Iterator[Wire]:
    found = Wire(sandbox.url)
    yield found
    found.cut()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "alerts.db"

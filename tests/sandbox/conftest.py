"""A sandbox over HTTPS for the whole session, and one without a server whose clock the test drives."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from needs import missing
from sandbox_helpers import Client

from mcp_tools.sandbox import lifecycle
from mcp_tools.sandbox.world import World


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.SandboxInfo]:
    state = tmp_path_factory.mktemp("sandbox")
    yield lifecycle.ensure_running(state)
    assert lifecycle.stop(state)


@pytest.fixture(scope="session")
def api(sandbox: lifecycle.SandboxInfo) -> Iterator[Client]:
    client = Client(sandbox.kubeconfig)
    yield client
    client.close()


@pytest.fixture(scope="session")
def real() -> Iterator[Client]:
    path = os.environ.get("KUBECONFIG", "")
    if not Path(path).is_file():
        missing("no real cluster: set KUBECONFIG to the kubeconfig of one")
    client = Client(Path(path))
    yield client
    client.close()


@pytest.fixture
def space(api: Client) -> Iterator[str]:
    name = f"t-{uuid.uuid4().hex[:8]}"
    assert api("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    yield name
    assert api("DELETE", f"/api/v1/namespaces/{name}").status == 200


@pytest.fixture
def world() -> World:
    """A cluster without a server whose clock stands; `advance` moves it."""
    world = World(1_800_000_000.0, seed=1)
    world.furnish()
    world.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test"}})
    world.clock.advance(1)
    return world

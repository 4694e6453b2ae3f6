"""`shipmate` as a user runs it: a process of its own, with a home of its own, on a sandbox that all tests share."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faces_helpers import User, deployment, wait_until_ready

from mcp_tools.sandbox import lifecycle


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a sandbox."""
    state = tmp_path_factory.mktemp("faces")
    yield lifecycle.ensure_running(state).kubeconfig
    lifecycle.stop(state)


@pytest.fixture
def api(cluster: Path) -> Iterator[Callable[..., Any]]:
    """Writes to and reads from the cluster past Shipmate's tools."""
    from mcp_tools.cluster.connection import connect
    from mcp_tools.cluster.target import Target

    connection = connect(Target(kubeconfig=str(cluster)))

    def call(method: str, path: str, body: Any = None, media: str = "application/json") -> Any:
        if method == "GET":
            return connection.get_object(path)
        return connection.write(method, path, body or {}, content_type=media)

    yield call
    connection.close()


@pytest.fixture
def user(tmp_path: Path, cluster: Path, api: Callable[..., Any]) -> Iterator[User]:
    """Somebody with a namespace of their own that holds a Deployment `backend` of two pods."""
    name = f"u-{uuid.uuid4().hex[:8]}"
    api("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    api("POST", f"/apis/apps/v1/namespaces/{name}/deployments", deployment("backend"))
    user = User(tmp_path, cluster, name)
    wait_until_ready(api, name)
    yield user
    api("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def stranger(tmp_path: Path) -> User:
    """Somebody without any cluster."""
    return User(tmp_path, None, None)

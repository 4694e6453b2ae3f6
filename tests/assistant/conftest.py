"""What the tests of the conversation share: a cluster, and a home that is nobody's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_tools.sandbox import lifecycle

if TYPE_CHECKING:
    from agent_helpers import Talk
    from wire_server import Wire


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.SandboxInfo]:
    """A sandbox with the todo stack, for the whole session."""
    state = tmp_path_factory.mktemp("assistant")
    yield lifecycle.ensure_running(state)
    lifecycle.stop(state)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory; nothing of the developer's own environment shines through."""
    for name in ("KUBECONFIG", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_KEY", "SHIPMATE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server that answers as a model by a script."""
    from wire_server import wire_server

    with wire_server() as server:
        yield server


@pytest.fixture
def talk(wire: Wire, sandbox: lifecycle.SandboxInfo, home: Path) -> Iterator[Talk]:
    """A conversation over that server, in a namespace with a Deployment `web` of one pod; changes are approved."""
    from agent_helpers import Talk

    from assistant.conversation import Conversation
    from mcp_tools.changes.model import Decision
    from mcp_tools.cluster.connection import connect
    from mcp_tools.cluster.target import Target
    from mcp_tools.toolbox import Toolbox

    namespace = f"a-{uuid.uuid4().hex[:8]}"
    connection = connect(Target(kubeconfig=str(sandbox.kubeconfig)))
    connection.write("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    container = {"name": "app", "image": "nginx:1.27"}
    body = {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
        },
    }
    connection.write("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)
    target = Target(kubeconfig=str(sandbox.kubeconfig), namespace=namespace)
    box = Toolbox(target, approver=lambda _: Decision.APPROVED, journal=home / "journal.db")
    made = Talk(wire, box, Conversation.begin(home / "talk.db"), namespace)
    yield made
    made.close()
    connection.write("DELETE", f"/api/v1/namespaces/{namespace}", {})
    connection.close()

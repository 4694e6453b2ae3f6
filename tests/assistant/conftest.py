"""What the tests of the conversation share: a cluster, and a home that is nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_tools.sandbox import lifecycle


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

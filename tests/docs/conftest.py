"""A reader with an empty home, and a sandbox that is found where Shipmate looks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from reader import Reader, copy_checkout

from mcp_tools.paths import state_dir
from mcp_tools.sandbox import lifecycle

PRIVATE = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_KEY", "SHIPMATE_MODEL", "KUBERNETES_SERVICE_HOST")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Its checkout is the current folder."""
    place = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch:
        # Docker's own plugins, Compose among them, may be installed for one user.
        patch.setenv("DOCKER_CONFIG", os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker"))
        for name in PRIVATE:
            patch.delenv(name, raising=False)
        for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(place / name.lower()))
        checkout = copy_checkout(place / "checkout")
        patch.chdir(checkout)
        patch.setenv("KUBECONFIG", str(lifecycle.default_state() / "kubeconfig"))
        yield Reader(checkout)
        lifecycle.stop()


@pytest.fixture
def reader(home: Reader) -> Reader:
    """On a sandbox as it begins, with an empty journal: what a page left behind is gone."""
    if home.changed:
        lifecycle.reset()
        for file in state_dir().glob("journal.db*"):
            file.unlink()
        home.changed = False
    return home

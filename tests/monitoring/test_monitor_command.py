"""`shipmate monitor` as it is typed: what it says, how it ends, and what it refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from monitor_helpers import restarted, until

from mcp_tools.usage.store import UsageStore

if TYPE_CHECKING:
    from hands_helpers import Kube

    from mcp_tools.sandbox.lifecycle import SandboxInfo


def command(home: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")}
    environment.pop("KUBECONFIG", None)
    return subprocess.Popen(
        [sys.executable, "-m", "assistant.cli", "monitor", *words],
        stdout=(home / "out").open("w"), stderr=(home / "err").open("w"), env=environment, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_lines_until_it_is_stopped(
    sandbox: SandboxInfo, kube: Kube, space: str, tmp_path: Path, number: signal.Signals
) -> None:
    restarted(kube, space, "web", 0)
    words = ("--kubeconfig", str(sandbox.kubeconfig), "-n", space, "--interval", "1")
    process = command(tmp_path, *words, "--listen", "127.0.0.1:0")
    try:
        until(lambda: f"Watching namespace {space}" in (tmp_path / "err").read_text(), 120)
        time.sleep(3)  # a first look
        restarted(kube, space, "web", 5)
        until(lambda: "FIRING critical crash-loop" in (tmp_path / "out").read_text(), 120)
        process.send_signal(number)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert len((tmp_path / "out").read_text().splitlines()) == 1
    assert "/metrics" in (tmp_path / "err").read_text()
    assert "Traceback" not in (tmp_path / "err").read_text()


def test_what_is_used_is_kept_for_right_sizing(sandbox: SandboxInfo, kube: Kube, tmp_path: Path) -> None:
    cluster = kube.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    process = command(tmp_path, "--kubeconfig", str(sandbox.kubeconfig), "-n", "todo-app", "--interval", "1")
    kept = tmp_path / "state" / "shipmate" / "usage.db"
    try:
        until(kept.exists, 120)
        store = UsageStore(kept)
        until(lambda: {owner.workload for owner in store.read(cluster)} >= {"backend", "frontend"}, 60)
        store.close()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--interval", "0.5"), "interval_seconds"),
        (("--webhook", "localhost:1"), "sinks.webhook.url"),
        (("--webhook", "https://me:pw@x.example/"), "credentials"),
        (("--slack-env", "NOT_SET_HERE"), "NOT_SET_HERE is not set"),
        (("--listen", "9464"), "listen"),
        (("--listen", "192.0.2.1:1"), "192.0.2.1:1"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    sandbox: SandboxInfo, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    process = command(tmp_path, "--kubeconfig", str(sandbox.kubeconfig), *words)
    try:
        assert process.wait(120) == 2
    finally:
        process.kill()
        process.wait()
    assert said in (tmp_path / "err").read_text()
    assert "Traceback" not in (tmp_path / "err").read_text()

"""The background process: started once, found again, private, stopped; and cheap for who only asks."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from sandbox_helpers import Client

from mcp_tools.errors import ConnectionProblem
from mcp_tools.sandbox import lifecycle
from mcp_tools.sandbox.server import serving


def test_callers_at_the_same_time_start_one_and_stop_ends_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: lifecycle.ensure_running(tmp_path), range(4)))
    assert len({info.pid for info in found}) == 1
    assert lifecycle.status(tmp_path) == found[0]
    assert lifecycle.stop(tmp_path)
    assert lifecycle.status(tmp_path) is None
    with pytest.raises(ProcessLookupError):
        os.kill(found[0].pid, 0)
    assert not lifecycle.stop(tmp_path)


def test_reset_gives_a_fresh_cluster(tmp_path: Path) -> None:
    first = lifecycle.ensure_running(tmp_path)
    client = Client(first.kubeconfig)
    assert client("DELETE", "/apis/apps/v1/namespaces/todo-app/deployments/backend").status == 200
    client.close()
    second = lifecycle.reset(tmp_path)
    try:
        assert second.pid != first.pid
        client = Client(second.kubeconfig)
        assert client("GET", "/apis/apps/v1/namespaces/todo-app/deployments/backend").status == 200
        client.close()
    finally:
        lifecycle.stop(tmp_path)


def test_the_kubeconfig_is_private_and_complete(sandbox: lifecycle.SandboxInfo) -> None:
    assert stat.S_IMODE(sandbox.kubeconfig.stat().st_mode) == 0o600
    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    assert config["current-context"] == "shipmate-sandbox"
    assert config["contexts"][0]["context"]["namespace"] == "todo-app"
    assert config["clusters"][0]["cluster"]["server"].startswith("https://127.0.0.1:")
    assert not [path for path in sandbox.kubeconfig.parent.iterdir() if path.suffix == ".pem"]


def test_a_stale_record_of_a_dead_process_is_not_believed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lifecycle.write_info(tmp_path, "https://127.0.0.1:1", gone.pid)
    (tmp_path / "kubeconfig").write_text("{}")
    assert lifecycle.status(tmp_path) is None


def test_a_failed_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise RuntimeError('no uvicorn today')")
    monkeypatch.setenv("PYTHONPATH", str(broken), prepend=os.pathsep)
    with pytest.raises(lifecycle.SandboxStartFailed, match="no uvicorn today") as caught:
        lifecycle.ensure_running(tmp_path / "state")
    assert isinstance(caught.value, ConnectionProblem)


def test_the_caller_pays_for_nothing_of_the_server(sandbox: lifecycle.SandboxInfo) -> None:
    code = f"""
import sys, pathlib, json
from mcp_tools.sandbox.lifecycle import ensure_running
ensure_running(pathlib.Path({str(sandbox.kubeconfig.parent)!r}))
print(json.dumps(sorted(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"uvicorn", "cryptography", "yaml", "msgspec", "asyncio", "kubernetes"}


def test_an_idle_sandbox_ends_by_itself(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mcp_tools.sandbox",
        "--state",
        str(tmp_path),
        "--idle-minutes",
        "0.001",
        "--empty",
    ]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)
    assert done.stdout.strip() == str(tmp_path / "kubeconfig")


def test_in_process_serving(tmp_path: Path) -> None:
    with serving(tmp_path, empty=True) as found:
        client = Client(found.kubeconfig)
        assert client("GET", "/api/v1/nodes").status == 200
        assert client("GET", "/api/v1/namespaces/todo-app").status == 404
        client.close()


def test_nobody_gets_in_without_the_token(api: Client, sandbox: lifecycle.SandboxInfo) -> None:
    import urllib3

    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    authority = sandbox.kubeconfig.parent / "ca.crt"
    import base64

    authority.write_bytes(base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
    with urllib3.PoolManager(ca_certs=str(authority)) as pool:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            answer = pool.request("GET", f"{sandbox.url}/api/v1/pods", headers=headers)
            assert (answer.status, answer.json()["reason"]) == (401, "Unauthorized")
        assert pool.request("GET", f"{sandbox.url}/readyz").data == b"ok"
    authority.unlink()
    with urllib3.PoolManager() as pool, pytest.raises(urllib3.exceptions.MaxRetryError, match="certificate"):
        pool.request("GET", f"{sandbox.url}/readyz", retries=0)

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
from differences import until
from sandbox_helpers import Client
from widgets import DEFINITION, DEFINITIONS

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


def test_a_sandbox_with_a_data_folder_comes_back_as_it_was(tmp_path: Path) -> None:
    state, data = tmp_path / "state", tmp_path / "data"
    spaces = "/api/v1/namespaces"
    widgets = "/apis/example.com/v1/namespaces/kept/widgets"
    try:
        api = Client(lifecycle.ensure_running(state, data=data).kubeconfig)
        assert api("POST", spaces, {"metadata": {"name": "kept"}}).status == 201
        assert api("POST", DEFINITIONS, DEFINITION).status == 201
        assert api("POST", widgets, {"metadata": {"name": "w"}, "spec": {"size": 3}}).status == 201
        assert api("DELETE", "/apis/apps/v1/namespaces/todo-app/deployments/frontend").status == 200
        made = api("POST", f"{spaces}/kept/configmaps", {"metadata": {"name": "c"}, "data": {"a": "b"}}).body
        assert lifecycle.stop(state)
        assert (data / "sandbox.db").stat().st_mode & 0o077 == 0
        api = Client(lifecycle.ensure_running(state, data=data).kubeconfig)
        kept = api("GET", f"{spaces}/kept/configmaps/c").body
        assert (kept["metadata"]["uid"], kept["data"]) == (made["metadata"]["uid"], {"a": "b"})
        assert api("GET", f"{widgets}/w").body["spec"]["size"] == 3
        deployments = "/apis/apps/v1/namespaces/todo-app/deployments"
        assert api("GET", f"{deployments}/frontend").status == 404
        until(lambda: api("GET", f"{deployments}/backend").body["status"].get("readyReplicas") == 2)
        until(lambda: len(api("GET", f"{spaces}/todo-app/pods").body["items"]) == 3)
        api = Client(lifecycle.reset(state).kubeconfig)
        assert api("GET", f"{spaces}/kept").status == 404
        assert lifecycle.status(state).data == data  # type: ignore[union-attr]
    finally:
        lifecycle.stop(state)


def test_a_data_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(lifecycle.SandboxStartFailed, match="cannot keep its data"):
        lifecycle.ensure_running(tmp_path / "state", data=tmp_path / "data")

"""`shipmate sandbox …` as a process: break, list, import, reset."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from sandbox_helpers import Client, deployment

from mcp_tools.sandbox.faults import all_faults

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shipmate(tmp_path: Path) -> Iterator[Run]:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "NO_COLOR": "1"}
    environment.pop("KUBECONFIG", None)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "assistant.cli", "sandbox", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    yield run
    run("stop")


def client(run: Run) -> Client:
    return Client(Path(run("kubeconfig").stdout.strip()))


def waiting_reasons(api: Client) -> set[str]:
    pods = api("GET", "/api/v1/namespaces/todo-app/pods").body["items"]
    states = [s["state"].get("waiting", {}) for pod in pods for s in pod["status"].get("containerStatuses", [])]
    return {state.get("reason", "") for state in states} - {""}


def test_a_broken_stack_shows_it_and_reset_heals_it(shipmate: Run) -> None:
    listed = shipmate("list").stdout
    assert all(name in listed for name in all_faults())
    causes = {found["name"]: found["cause"] for found in json.loads(shipmate("list", "--json").stdout)}
    assert causes["image-tag"]["field"] == all_faults()["image-tag"].cause.field
    done = shipmate("break", "image-tag", "--explain")
    assert (done.returncode, "the tag 9.9.9 does not exist" in done.stdout) == (0, True)
    api = client(shipmate)
    end = time.monotonic() + 20
    while not waiting_reasons(api) & {"ErrImagePull", "ImagePullBackOff"}:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert shipmate("reset").returncode == 0
    healed = client(shipmate)
    assert waiting_reasons(healed) == set()
    assert len(healed("GET", "/api/v1/namespaces/todo-app/pods").body["items"]) == 5


def test_without_being_asked_the_cause_is_not_told(shipmate: Run) -> None:
    done = shipmate("break", "target-port")
    assert done.returncode == 0
    assert all_faults()["target-port"].cause.failure not in done.stdout


def test_a_fault_that_there_is_not_is_answered_with_those_that_come_close(shipmate: Run) -> None:
    done = shipmate("break", "image-tga")
    assert (done.returncode, "image-tag" in done.stderr) == (2, True)


def test_a_dump_of_a_cluster_comes_up(shipmate: Run, tmp_path: Path) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test", "uid": "a"}}
    web = deployment("web")
    web["metadata"] |= {"uid": "b", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "b"}
    meta = {"name": "web-1", "namespace": "test", "uid": "c", "ownerReferences": [owner]}
    replica_set = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": {}}
    service = {
        "clusterIP": "172.20.3.4",
        "clusterIPs": ["172.20.3.4"],
        "ports": [{"port": 80}],
        "selector": {"app": "web"},
    }
    exposed = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "test"}, "spec": service}
    odd = {"apiVersion": "odd.example.com/v1", "kind": "Odd", "metadata": {"name": "o", "namespace": "test"}}
    folder = tmp_path / "dump" / "namespaces"
    folder.mkdir(parents=True)
    items = {"apiVersion": "v1", "kind": "List", "items": [replica_set, exposed, web, space]}
    (folder / "all.yaml").write_text(yaml.safe_dump(items))
    (folder / "odd.json").write_text(json.dumps(odd))
    done = shipmate("import", str(tmp_path / "dump"))
    assert (done.returncode, done.stdout) == (0, "3 objects loaded, 0 were there already, 1 refused.\n")
    assert "Odd test/o" in done.stderr
    api = client(shipmate)
    end = time.monotonic() + 20
    while api("GET", "/apis/apps/v1/namespaces/test/deployments/web").body["status"].get("readyReplicas") != 2:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert api("GET", "/api/v1/namespaces/test/services/web").body["spec"]["clusterIP"].startswith("10.96.")


def test_a_file_that_is_no_dump_is_said_to_be_none(shipmate: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.yaml"
    path.write_text("a: [b\n")
    assert (shipmate("import", str(path)).returncode, shipmate("import", str(path)).stdout) == (2, "")

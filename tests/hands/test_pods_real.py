"""Reaching into the pods of a real cluster: debug containers, files, forwarded ports, logs that are followed."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hands_helpers import Kube, Person, deployment, deployments, done
from mcp import Client, StdioServerParameters

from mcp_tools.cluster.target import Target
from mcp_tools.errors import ApiError, Conflict, UsageError
from mcp_tools.toolbox import Toolbox

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
EXEC = {"action": "exec", "target": "web"}

SCRIPT = "httpd -p 8080 -h /; i=0; while true; do echo line $i; i=$((i+1)); sleep 0.5; done"
WEB: dict[str, Any] = {
    "image": "busybox:latest",
    "imagePullPolicy": "IfNotPresent",
    "command": ["sh", "-c", SCRIPT],
    "ports": [{"name": "http", "containerPort": 8080}],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
}


@pytest.fixture(scope="module")
def space(real: Kube) -> Iterator[str]:
    """A namespace with one pod of `web`, its Service, and nothing that a test does not put back."""
    name = f"shipmate-test-pods-{uuid.uuid4().hex[:8]}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    real.make(deployments(name), deployment("web", replicas=1, container=WEB))
    service = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]}
    real.make(f"/api/v1/namespaces/{name}/services", {"metadata": {"name": "web"}, "spec": service})
    wait(lambda: real.get(deployments(name, "web")).get("status", {}).get("readyReplicas") == 1)
    yield name
    real.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def box(space: str, person: Person, tmp_path: Path) -> Iterator[Toolbox]:
    box = Toolbox(Target(namespace=space), approver=person.approve, journal=tmp_path / "journal.db")
    yield box
    box.close()


def wait(ready: Callable[[], object]) -> None:
    """Until it is so; the test's own time limit says when to give up."""
    while not ready():
        time.sleep(0.2)


def pod_of(real: Kube, space: str) -> str:
    """The name of the one pod there is, once it is ready and alone."""
    while True:
        pods = real.get(f"/api/v1/namespaces/{space}/pods")["items"]
        ready = [
            pod
            for pod in pods
            if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
        ]
        if len(pods) == len(ready) == 1:
            return str(ready[0]["metadata"]["name"])
        time.sleep(0.2)


def fetch(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        data: bytes = answer.read()
    return data


def test_a_debug_container_sees_the_processes_of_the_one_beside_it(box: Toolbox, person: Person) -> None:
    data = done(box, "connect_pod", action="exec", target="web", command=["ps"], debug_image="busybox:latest")
    assert "httpd -p 8080" in data["stdout"]
    assert data["exit_code"] == 0
    (plan,) = person.plans
    assert not plan.reversible
    assert "cannot be taken out" in plan.warnings[0]
    assert "ephemeralContainers" in str(plan.steps[0].changes)
    failed = box.call(
        "connect_pod", {"action": "exec", "target": "web", "command": ["sh", "-c", "exit 4"], "debug_image": "busybox"}
    )
    assert failed.data["status"] == "failed"
    assert failed.data["exit_code"] == 4
    with pytest.raises(ApiError, match=r"does not start .*stays there"):
        box.call(
            "connect_pod",
            {"action": "exec", "target": "web", "command": ["ps"], "debug_image": "registry.invalid/none:1"},
        )


def test_a_file_goes_in_and_comes_out_as_it_was_and_an_undo_puts_back_what_was_there(
    box: Toolbox, person: Person, tmp_path: Path
) -> None:
    large, back, small = tmp_path / "large", tmp_path / "back", tmp_path / "small"
    large.write_bytes(os.urandom(5_000_000))
    put = {"target": "web", "action": "copy_in", "path": "/tmp/large", "local_path": str(large)}
    shown = done(box, "connect_pod", **put)["diff"]
    assert [row["new"] for row in shown] == [5_000_000, hashlib.sha256(large.read_bytes()).hexdigest()]
    assert box.call("connect_pod", put).data["status"] == "unchanged"
    done(box, "connect_pod", target="web", action="copy_out", path="/tmp/large", local_path=str(back))
    assert back.read_bytes() == large.read_bytes()
    for text in ("one\n", "two\n"):
        small.write_text(text)
        done(box, "connect_pod", target="web", action="copy_in", path="/tmp/small", local_path=str(small))
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert (
        box.call("connect_pod", {"action": "exec", "target": "web", "command": ["cat", "/tmp/small"]}).data["stdout"]
        == "one\n"
    )
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert (
        "No such file"
        in box.call("connect_pod", {"action": "exec", "target": "web", "command": ["cat", "/tmp/small"]}).data["stderr"]
    )
    small.write_text("three\n")
    done(box, "connect_pod", target="web", action="copy_in", path="/tmp/large", local_path=str(small))
    assert not person.plans[-1].reversible
    assert any("too large" in warning for warning in person.plans[-1].warnings)


def test_a_copy_is_refused_where_something_changed_since_or_would_be_lost(
    box: Toolbox, person: Person, tmp_path: Path
) -> None:
    local = tmp_path / "local"
    local.write_text("mine")
    out = {"target": "web", "action": "copy_out", "path": "/etc/passwd", "local_path": str(local)}
    with pytest.raises(UsageError, match="is there already"):
        box.call("connect_pod", out)
    with pytest.raises(UsageError, match="too large"):
        box.call("connect_pod", {**out, "path": "/dev/zero", "overwrite": True})
    with pytest.raises(UsageError, match="directory"):
        box.call("connect_pod", {**out, "path": "/tmp", "overwrite": True})
    assert local.read_text() == "mine"
    person.before = lambda _: local.write_text("changed") and None
    with pytest.raises(Conflict, match="changed since"):
        box.call("connect_pod", {**out, "action": "copy_in", "path": "/tmp/conflict"})
    person.before = lambda _: (tmp_path / "new").write_text("somebody's") and None
    with pytest.raises(Conflict, match="made by somebody else"):
        box.call("connect_pod", {**out, "local_path": str(tmp_path / "new")})
    assert (tmp_path / "new").read_text() == "somebody's"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_port_carries_many_large_transfers_at_once_and_follows_the_service_to_another_pod(
    real: Kube, space: str, box: Toolbox, tmp_path: Path
) -> None:
    data = os.urandom(8_000_000)
    (tmp_path / "data").write_bytes(data)
    done(box, "connect_pod", target="web", action="copy_in", path="/tmp/data", local_path=str(tmp_path / "data"))
    opened = box.call("connect_pod", {"action": "forward", "target": "svc/web"}).data["forwards"][0]
    assert opened["remote_port"] == 8080
    port = opened["local_port"]
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(fetch(port, "/tmp/data"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [data] * 4
    with socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"GET /etc/passwd HTTP/1.0\r\n\r\n")
        half.shutdown(socket.SHUT_WR)
        assert b"root" in b"".join(iter(lambda: half.recv(4096), b""))
    before = pod_of(real, space)
    real.delete(f"/api/v1/namespaces/{space}/pods/{before}")
    wait(lambda: pod_of(real, space) != before)
    assert b"root" in fetch(port, "/etc/passwd")
    listed = box.call("connect_pod", {"action": "list_forwards"}).data
    assert listed["forwards"][0]["pod"] == pod_of(real, space)
    assert any(f"pod {before} is gone" in text for text in listed["news"])
    box.call("connect_pod", {"action": "close_forward", "target": "web"})
    with pytest.raises(urllib.error.URLError):
        fetch(port, "/")


def test_a_log_is_followed_from_pod_to_pod(real: Kube, space: str, box: Toolbox) -> None:
    stop = threading.Event()
    seen: list[str] = []
    before = pod_of(real, space)
    for line in box.follow({"target": "web", "tail_lines": 2}, stop):
        seen.append(f"{line.source} {line.text}")
        if len(seen) == 5:
            real.delete(f"/api/v1/namespaces/{space}/pods/{before}")
        if line.source != before and line.text == "line 3":
            stop.set()
    others = {line.split()[0] for line in seen} - {before}
    assert len(others) == 1
    assert f"{others.pop()} joins" in seen
    numbers = [int(line.split()[2]) for line in seen if line.startswith(f"{before} line")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_as_a_person_types_it(space: str, tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), "NO_COLOR": "1"}

    def ask(*words: str) -> str:
        command = [sys.executable, "-P", "-m", "assistant.cli", "-n", space, "ask", *words]
        ended = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
        assert ended.returncode == 0, ended
        return ended.stdout

    (tmp_path / "note").write_text("from here\n")
    assert "Done and verified" in ask("copy ./note to web:/tmp/note", "--yes")
    assert "from here" in ask("run cat /tmp/note in web")
    assert "Done and verified" in ask("cp web:/tmp/note ./back", "--yes")
    assert (tmp_path / "back").read_text() == "from here\n"
    assert "httpd -p 8080" in ask("debug web with busybox", "--yes")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-m", "assistant.cli", "-n", space, "ask", f"forward web to {port}"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as forwarding:
        assert forwarding.stdout is not None
        assert "leads to port 8080" in forwarding.stdout.readline()
        assert b"from here" in fetch(port, "/tmp/note")
        forwarding.terminate()


@pytest.mark.anyio
async def test_as_an_mcp_client_calls_it(space: str, tmp_path: Path) -> None:
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    args = ["-P", "-m", "assistant.cli", "mcp", "-n", space]
    (tmp_path / "note").write_text("from a client\n")
    async with Client(StdioServerParameters(command=sys.executable, args=args, env=env)) as client:

        async def change(tool: str, **given: Any) -> dict[str, Any]:
            planned = (await client.call_tool(tool, given)).structured_content
            assert planned is not None
            assert planned["status"] == "planned"
            done = await client.call_tool("apply_plan", {"plan_id": planned["plan_id"]})
            assert done.structured_content is not None
            return dict(done.structured_content)

        local = str(tmp_path / "note")
        put = await change("connect_pod", target="web", action="copy_in", path="/tmp/mcp", local_path=local)
        assert put["status"] == "verified"
        ran = await change("connect_pod", action="exec", target="web", command=["id"], debug_image="busybox:latest")
        assert "uid=0" in ran["stdout"]
        opened = await client.call_tool("connect_pod", {"action": "forward", "target": "web"})
        assert opened.structured_content is not None
        port = opened.structured_content["forwards"][0]["local_port"]
        assert fetch(port, "/tmp/mcp") == b"from a client\n"
    # The server has ended, and its ports with it.
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"

"""exec and port-forward with the official Python client."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from differences import until
from hypothesis import given
from hypothesis import strategies as st

from mcp_tools.sandbox.api import spdy

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo


@pytest.fixture(scope="module")
def core(sandbox: SandboxInfo) -> Iterator[Any]:
    from kubernetes import client, config

    made = config.new_client_from_config(str(sandbox.kubeconfig))
    yield client.CoreV1Api(made)
    made.close()


def pod_of(core: Any, app: str) -> str:
    pods = core.list_namespaced_pod("todo-app", label_selector=f"app.kubernetes.io/name={app}").items
    return str(pods[0].metadata.name)


def test_a_command_ends_with_its_code_and_both_outputs_apart(core: Any) -> None:
    from kubernetes.stream import stream

    command = ["sh", "-c", "echo out; nope; exit 5"]
    channel = stream(
        core.connect_get_namespaced_pod_exec,
        pod_of(core, "backend"),
        "todo-app",
        command=command,
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    channel.run_forever(timeout=10)
    assert (channel.read_stdout(), channel.read_stderr()) == ("out\n", "sh: 1: nope: not found\n")
    assert channel.returncode == 5


def test_a_terminal_echoes_and_runs_line_by_line(core: Any) -> None:
    from kubernetes.stream import stream

    shell = stream(
        core.connect_get_namespaced_pod_exec,
        pod_of(core, "backend"),
        "todo-app",
        command=["sh"],
        stdin=True,
        stdout=True,
        stderr=True,
        tty=True,
        _preload_content=False,
    )
    shell.write_stdin("echo $MCP_SERVER_URLL$MCP_SERVER_URL\x7f\x7fRL\r")
    shell.write_stdin("exit 7\r")
    shell.run_forever(timeout=10)
    assert shell.returncode == 7
    assert "http://mcp-server:8001\r\n" in shell.read_all()


def test_a_forwarded_port_answers_http(core: Any) -> None:
    from kubernetes.stream import portforward

    forward = portforward(
        core.connect_get_namespaced_pod_portforward, pod_of(core, "backend"), "todo-app", ports="8000"
    )
    socket = forward.socket(8000)
    socket.setblocking(True)
    socket.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = socket.recv(4096)
    socket.close()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b'{"status":"ok"}\n')


def test_a_port_on_which_nobody_listens_is_refused(core: Any) -> None:
    from kubernetes.stream import portforward

    forward = portforward(core.connect_get_namespaced_pod_portforward, pod_of(core, "backend"), "todo-app", ports="9")
    forward.socket(9).sendall(b"x")
    assert "connection refused" in until(lambda: forward.error(9))


@given(st.binary(max_size=200), st.integers(0, 9))
def test_odd_frames_are_told_from_good_ones(data: bytes, kind: int) -> None:
    for wire in (data, b"\x80\x03\x00" + bytes([kind, 0, 0, 0, len(data)]) + data):
        with contextlib.suppress(spdy.BadFrame):
            list(spdy.Peer().feed(wire))


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("exec?command=sh&stdin=true&stdout=true", b""),
        ("exec?command=sh&stdin=true&tty=true", b"\x00\xff\xfe\x1b[A"),
        ("exec?command=%00&stdout=true", b"\xff"),
        ("exec?stdout=true", b""),
        ("portforward?ports=8000,99999999999999999999,0,x", b"\x09x"),
        ("portforward", b"\x00"),
        ("log", b""),
        ("nope", b""),
    ],
)
def test_odd_streams_leave_the_sandbox_well(sandbox: SandboxInfo, core: Any, query: str, sent: bytes) -> None:
    import ssl

    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    document = json.loads(sandbox.kubeconfig.read_text())
    context = ssl.create_default_context(
        cadata=base64.b64decode(document["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    )
    headers = {"Authorization": f"Bearer {document['users'][0]['user']['token']}"}
    url = f"{sandbox.url.replace('https', 'wss')}/api/v1/namespaces/todo-app/pods/{pod_of(core, 'backend')}/{query}"
    with (
        contextlib.suppress(WebSocketException),
        connect(url, ssl=context, additional_headers=headers, subprotocols=["v5.channel.k8s.io"]) as socket,  # type: ignore[list-item]
    ):
        for _ in range(3):
            socket.send(sent)
    assert core.list_namespaced_pod("todo-app").items
    assert "Traceback" not in sandbox.kubeconfig.with_name("log").read_text()


def test_a_container_that_is_added_to_debug_a_pod_runs_logs_and_takes_commands(core: Any) -> None:
    from kubernetes.stream import stream

    pod = pod_of(core, "backend")
    debuggers: list[dict[str, Any]] = [
        {"name": "shell", "image": "busybox", "stdin": True, "tty": True, "targetContainerName": "todo-app"},
        {"name": "speaker", "image": "busybox", "command": ["sh", "-c", "echo here I am; sleep 100"]},
    ]
    debuggers[0]["targetContainerName"] = core.read_namespaced_pod(pod, "todo-app").spec.containers[0].name
    core.patch_namespaced_pod_ephemeralcontainers(pod, "todo-app", {"spec": {"ephemeralContainers": debuggers}})

    def running() -> Any:
        found = core.read_namespaced_pod(pod, "todo-app").status.ephemeral_container_statuses or []
        return len(found) == len(debuggers) and all(item.state.running for item in found)

    until(running)
    assert core.read_namespaced_pod_log(pod, "todo-app", container="speaker") == "here I am\n"
    words = ["echo", "hello"]
    said = stream(core.connect_get_namespaced_pod_exec, pod, "todo-app", container="shell", command=words, stdout=True)
    assert said == "hello\n"
    shell = stream(
        core.connect_get_namespaced_pod_attach,
        pod,
        "todo-app",
        container="shell",
        stdin=True,
        stdout=True,
        tty=True,
        _preload_content=False,
    )
    shell.write_stdin("echo attached $((1))\r")
    shell.write_stdin("exit 3\r")
    shell.run_forever(timeout=10)
    assert "attached" in shell.read_all()
    statuses = until(
        lambda: [
            item.state.terminated.exit_code
            for item in core.read_namespaced_pod(pod, "todo-app").status.ephemeral_container_statuses
            if item.state.terminated
        ]
    )
    assert statuses == [3]

"""Finding a cluster and speaking to it: what goes wrong is a typed error that says what to do, and soon."""

from __future__ import annotations

import base64
import gzip
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hands_helpers import answer, http_server, write_kubeconfig

from mcp_tools.cluster import credentials
from mcp_tools.cluster import kubeconfig as kubeconfig_module
from mcp_tools.cluster.connection import Connection, connect
from mcp_tools.cluster.target import Target
from mcp_tools.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NoCluster,
    NotFound,
    ShipmateError,
    Unauthenticated,
    Unreachable,
    UsageError,
)

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_without_a_cluster_the_sandbox_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, str(tmp_path / "absent"), ""):
        if value is not None:
            monkeypatch.setenv("KUBECONFIG", value)
        with pytest.raises(NoCluster, match="--sandbox"):
            connect(Target())
    with pytest.raises(NoCluster, match=r"'prod'.*--sandbox"):
        connect(Target(context="prod"))


def test_no_context_is_picked_for_the_user(tmp_path: Path) -> None:
    path = write_kubeconfig(tmp_path / "config", "https://127.0.0.1:1", name="prod", current=False)
    with pytest.raises(NoCluster, match=r"no current context.*prod"):
        connect(Target(kubeconfig=str(path)))
    with pytest.raises(UsageError, match=r"no context 'produ'.*prod"):
        connect(Target(kubeconfig=str(path), context="produ"))


@pytest.mark.parametrize(
    "text",
    ["{", "", "[]", "just words", "contexts: [{}]", "contexts: 7", "contexts: [1]", "clusters: [{}]", "\0"],
)
def test_a_broken_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises((UsageError, NoCluster)) as caught:
        connect(Target(kubeconfig=str(path)))
    assert caught.value.hint


def test_a_context_without_its_cluster_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "config"
    context = {"name": "x", "context": {"cluster": "gone", "user": "gone"}}
    path.write_text(yaml.safe_dump({"contexts": [context], "current-context": "x"}))
    with pytest.raises(UsageError, match="gone"):
        connect(Target(kubeconfig=str(path)))


def test_a_kubeconfig_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no kubeconfig at"):
        connect(Target(kubeconfig=str(tmp_path / "absent")))


def version(handler: Any) -> None:
    answer(handler, 200, {"gitVersion": "v1.34.0", "path": handler.path})


def test_a_list_of_kubeconfigs_is_merged_and_the_first_current_context_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server(version) as one, http_server(version) as two:
        first = write_kubeconfig(tmp_path / "a", one, name="one", namespace="team")
        second = write_kubeconfig(tmp_path / "b", two, name="two")
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'absent'}{os.pathsep}{first}{os.pathsep}{second}")
        found = connect(Target())
        assert (found.context, found.server, found.namespace) == ("one", one, "team")
        assert found.server_version == "v1.34.0"
        found = connect(Target(context="two", namespace="mine"))
        assert (found.context, found.server, found.namespace) == ("two", two, "mine")


@pytest.mark.timeout(60)
def test_a_port_where_nobody_listens_is_unreachable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = port_of(server)
    path = write_kubeconfig(tmp_path / "config", f"https://127.0.0.1:{port}")
    with pytest.raises(Unreachable, match=rf"context 'here' does not answer at https://127.0.0.1:{port}.*refused"):
        connect(Target(kubeconfig=str(path)))


@pytest.mark.timeout(30)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_accepts_and_never_answers_is_given_up(
    tmp_path: Path, listening: socket.socket, scheme: str
) -> None:
    path = write_kubeconfig(tmp_path / "config", f"{scheme}://127.0.0.1:{port_of(listening)}")
    with pytest.raises(Unreachable, match="timed out"):
        connect(Target(kubeconfig=str(path)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_speaks_something_else_is_unreachable(
    tmp_path: Path, listening: socket.socket, said: bytes, scheme: str
) -> None:
    def speak() -> None:
        peer, _ = listening.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(said)

    threading.Thread(target=speak, daemon=True).start()
    path = write_kubeconfig(tmp_path / "config", f"{scheme}://127.0.0.1:{port_of(listening)}")
    with pytest.raises(Unreachable):
        connect(Target(kubeconfig=str(path)))


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"[]"), (200, b""), (200, b"{}"), (404, b"<html>"), (302, b"")]
)
def test_a_web_server_is_no_api_server(tmp_path: Path, status: int, body: bytes) -> None:
    with http_server(lambda handler: answer(handler, status, body)) as url:
        path = write_kubeconfig(tmp_path / "config", url)
        with pytest.raises(Unreachable, match="not a Kubernetes API server"):
            connect(Target(kubeconfig=str(path)))


def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path, sandbox: SandboxInfo) -> None:
    path = write_kubeconfig(tmp_path / "config", sandbox.url)
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        connect(Target(kubeconfig=str(path)))


STATUS = {"kind": "Status", "message": "the server's own words", "reason": "AlreadyExists", "code": 0}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (422, Invalid),
        (429, ApiError),
        (500, ApiError),
        (503, ApiError),
    ],
)
@pytest.mark.parametrize("body", [STATUS, b"upstream <b>gone</b>", b"", b"[]", b"\xff\xfe"])
def test_each_refusal_is_its_own_error(tmp_path: Path, status: int, kind: type[ShipmateError], body: Any) -> None:
    seen: list[str] = []

    def reply(handler: Any) -> None:
        if handler.path == "/version":
            return version(handler)
        seen.append(handler.command)
        return answer(handler, status, body)

    with http_server(reply) as url:
        connection = connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url))))
        with pytest.raises(kind) as caught:
            connection.write("PATCH", "/api/v1/x", {})
        assert seen == ["PATCH"], "a write must never be sent twice"
        if body == STATUS and status != 401:
            assert "the server's own words" in str(caught.value)
        if isinstance(caught.value, ApiError):
            assert caught.value.status == status
        assert str(caught.value).strip()


def test_a_busy_server_is_asked_again_when_nothing_is_written(tmp_path: Path) -> None:
    answers = [429, 503, 200]

    def reply(handler: Any) -> None:
        if handler.path == "/version":
            return version(handler)
        return answer(handler, answers.pop(0), {"ok": True})

    with http_server(reply) as url:
        connection = connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url))))
        assert connection.get_object("/api/v1/x") == {"ok": True}
        assert not answers


def test_refused_credentials_are_not_a_silent_server(tmp_path: Path) -> None:
    path = tmp_path / "config"
    with http_server(lambda handler: answer(handler, 401, STATUS)) as url, pytest.raises(Unauthenticated, match="here"):
        connect(Target(kubeconfig=str(write_kubeconfig(path, url))))
    with http_server(lambda handler: answer(handler, 403, STATUS)) as url:
        assert connect(Target(kubeconfig=str(write_kubeconfig(path, url)))).server_version == "unknown"


def plugin(tmp_path: Path, code: str) -> dict[str, Any]:
    script = tmp_path / "plugin.py"
    script.write_text(code)
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(script)],
            "interactiveMode": "Never",
        }
    }


CREDENTIAL = """
import json
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"token": "from-the-plugin"}}))
"""


def test_a_credential_plugin_logs_in(tmp_path: Path) -> None:
    def reply(handler: Any) -> None:
        known = handler.headers["Authorization"] == "Bearer from-the-plugin"
        answer(handler, 200 if known else 401, {"gitVersion": "v1.34.0"})

    with http_server(reply) as url:
        path = write_kubeconfig(tmp_path / "config", url, user=plugin(tmp_path, CREDENTIAL))
        assert connect(Target(kubeconfig=str(path))).server_version == "v1.34.0"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit('please log in again')", "please log in again"),
        ("print('no json')", "decode"),
        ("print('{}')", "malformed"),
        (CREDENTIAL.replace("token", "nothing"), "missing token"),
    ],
)
def test_a_credential_plugin_that_fails_says_why_and_nobody_goes_on_without(
    tmp_path: Path, code: str, words: str
) -> None:
    with http_server(version) as url:
        path = write_kubeconfig(tmp_path / "config", url, user=plugin(tmp_path, code))
        with pytest.raises(Unauthenticated, match=words):
            connect(Target(kubeconfig=str(path)))


def test_a_credential_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    user = plugin(tmp_path, "")
    user["exec"]["command"] = "no-such-plugin"
    with http_server(version) as url:
        path = write_kubeconfig(tmp_path / "config", url, user=user)
        with pytest.raises(Unauthenticated, match="no-such-plugin"):
            connect(Target(kubeconfig=str(path)))


@pytest.mark.timeout(30)
def test_a_credential_plugin_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "PLUGIN_SECONDS", 0.5)
    path = write_kubeconfig(
        tmp_path / "config", "https://127.0.0.1:1", user=plugin(tmp_path, "import time; time.sleep(20)")
    )
    with pytest.raises(Unauthenticated, match="did not answer"):
        connect(Target(kubeconfig=str(path)))


def test_inside_a_pod_the_service_account_is_used(
    tmp_path: Path, sandbox: SandboxInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.config import incluster_config

    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    (tmp_path / "token").write_text(config["users"][0]["user"]["token"])
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]))
    (tmp_path / "namespace").write_text("todo-app\n")
    host, _, port = sandbox.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    # The kubelet mounts these at a fixed place, which belongs to the machine that the tests run on.
    monkeypatch.setattr(kubeconfig_module, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    found: Connection = connect(Target())
    assert (found.context, found.namespace) == ("in-cluster", "todo-app")
    assert found.get_object("/apis/apps/v1/namespaces/todo-app/deployments/backend")["kind"] == "Deployment"
    (tmp_path / "ca.crt").write_text("")
    with pytest.raises(ShipmateError, match="service account"):
        connect(Target())


def test_a_long_answer_that_comes_compressed_and_in_chunks_is_read(tmp_path: Path) -> None:
    body = json.dumps({"items": ["x" * 100] * 3000}).encode()

    def reply(handler: Any) -> None:
        if handler.path == "/version":
            return version(handler)
        assert handler.headers["Accept-Encoding"] == "gzip"
        packed = gzip.compress(body)
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))
        return None

    with http_server(reply) as url:
        connection = connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url))))
        assert connection.get("/api/v1/pods") == body


def test_lines_come_as_they_are_written(tmp_path: Path) -> None:
    def reply(handler: Any) -> None:
        if handler.path == "/version":
            return version(handler)
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for chunk in (b"one\ntw", b"o\n", b"three"):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            handler.wfile.flush()
            time.sleep(0.05)
        handler.wfile.write(b"0\r\n\r\n")
        return None

    with http_server(reply) as url:
        connection = connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url))))
        assert list(connection.stream_lines("/log")) == [b"one", b"two", b"three"]

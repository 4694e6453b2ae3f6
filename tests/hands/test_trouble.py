"""A wire that misbehaves: busy and failing servers, connections that break, credentials that end in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hands_helpers import answer, http_server, write_kubeconfig

from mcp_tools.cluster import connection as connection_module
from mcp_tools.cluster.connection import connect
from mcp_tools.cluster.target import Target
from mcp_tools.errors import ApiError, ShipmateError, Unauthenticated, Unreachable

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

THING = "/api/v1/namespaces/x/configmaps/c"
Step = Callable[[Any], None]


class Script:
    """A server that meets each request but `/version` with the next of its steps, and keeps what it saw."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.seen: list[str] = []

    def __call__(self, handler: Any) -> None:
        if handler.path == "/version":
            return answer(handler, 200, {"gitVersion": "v1.34.0"})
        self.seen.append(handler.command)
        return self.steps.pop(0)(handler)


def fine(handler: Any) -> None:
    answer(handler, 200, {"kind": "ConfigMap", "ok": True})


def refuse(status: int, wait: str | None = None) -> Step:
    def reply(handler: Any) -> None:
        raw = b'{"message": "not now"}'
        handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        handler.send_response(status)
        if wait is not None:
            handler.send_header("Retry-After", wait)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return reply


def hang_up(handler: Any) -> None:
    handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    handler.close_connection = True


def break_off(handler: Any) -> None:
    handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"kind": "Config')
    handler.close_connection = True


def babble(handler: Any) -> None:
    answer(handler, 200, b"<html>gateway</html>")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[[Script], Connection]]:
    """Connections to scripted servers."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(script: Script) -> Connection:
            url = stack.enter_context(http_server(script))
            found = connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url))))
            stack.callback(found.close)
            return found

        yield make


Served = Callable[[Script], "Connection"]


@pytest.mark.parametrize("step", [refuse(429), refuse(500), refuse(503, "0"), refuse(504), hang_up, break_off])
def test_a_read_is_asked_again_and_a_write_is_not(served: Served, step: Step) -> None:
    reads = Script(step, step, fine)
    assert served(reads).get_object(THING)["ok"]
    assert len(reads.seen) == 3
    dry = Script(step, fine)
    assert served(dry).write("PATCH", THING, {}, repeatable=True)["ok"]
    writes = Script(step, fine)
    with pytest.raises((Unreachable, ApiError)):
        served(writes).write("PATCH", THING, {})
    assert writes.seen == ["PATCH"]


def test_a_write_that_was_turned_away_unread_is_sent_when_the_server_says(served: Served) -> None:
    script = Script(refuse(429, "0"), fine)
    assert served(script).write("PATCH", THING, {})["ok"]
    # Without a time to wait it may be the refusal of an eviction, or a proxy's that did pass it on.
    with pytest.raises(ApiError, match="not now"):
        served(Script(refuse(429), fine)).write("PATCH", THING, {})


def test_a_server_that_stays_in_trouble_is_given_up_with_its_own_words(served: Served) -> None:
    with pytest.raises(ApiError, match="not now") as caught:
        served(Script(*[refuse(503)] * 9)).get(THING)
    assert caught.value.status == 503
    with pytest.raises(ApiError, match="busy"):
        served(Script(refuse(429, "3600"))).get(THING)
    with pytest.raises(Unreachable):
        served(Script(*[break_off] * 9)).get(THING)
    with pytest.raises(ApiError, match="cannot be read"):
        served(Script(babble)).get_object(THING)


def test_an_answer_that_never_ends_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "WHOLE_SECONDS", 0.5)

    def trickle(handler: Any) -> None:
        import time

        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            for _ in range(60):
                handler.wfile.write(b"1\r\n \r\n")
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    with pytest.raises(Unreachable, match="did not end"):
        served(Script(trickle)).get(THING)


def test_an_expired_page_is_not_called_trouble(served: Served) -> None:
    with pytest.raises(ApiError) as caught:
        served(Script(refuse(410))).get(THING)
    assert "from its beginning" in caught.value.hint


def test_followed_lines_that_break_off_are_a_typed_error(served: Served) -> None:
    with pytest.raises(Unreachable):
        list(served(Script(break_off)).stream_lines(THING))
    with pytest.raises(ApiError):
        list(served(Script(refuse(503))).stream_lines(THING))


COUNTING = """
import json, pathlib, sys
place = pathlib.Path(sys.argv[1])
number = int(place.read_text()) + 1 if place.exists() else 1
place.write_text(str(number))
heard = "" if sys.stdin.isatty() else sys.stdin.read()
status = {"token": f"token-{number}", **json.loads(sys.argv[2])}
pathlib.Path(sys.argv[1] + ".heard").write_text(heard)
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


class Login:
    """A server that knows one token at a time."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.seen: list[str] = []

    def __call__(self, handler: Any) -> None:
        given = str(handler.headers["Authorization"])
        self.seen.append(f"{handler.command} {given}")
        known = given.lower() == f"bearer {self.token}".lower()
        answer(handler, 200 if known else 401, {"gitVersion": "v1.34.0", "message": "Unauthorized"})


def plugin(tmp_path: Path, status: str = "{}", **more: Any) -> dict[str, Any]:
    script = tmp_path / "plugin.py"
    script.write_text(COUNTING)
    arguments = [str(script), str(tmp_path / "asked"), status]
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": arguments,
            **more,
        }
    }


def test_a_refused_token_makes_the_plugin_be_asked_again_once(tmp_path: Path) -> None:
    login = Login("token-1")
    with http_server(login) as url:
        path = write_kubeconfig(tmp_path / "config", url, user=plugin(tmp_path))
        found = connect(Target(kubeconfig=str(path)))
        login.token = "token-2"
        assert found.write("PATCH", THING, {})["gitVersion"]
        login.token = "revoked"
        login.seen.clear()
        with pytest.raises(Unauthenticated, match="refused the credentials"):
            found.get(THING)
        assert login.seen == ["GET Bearer token-2", "GET Bearer token-3"]


def test_a_credential_that_ended_is_renewed_before_it_is_used(tmp_path: Path) -> None:
    login = Login("token-2")
    with http_server(login) as url:
        user = plugin(tmp_path, '{"expirationTimestamp": "2020-01-01T00:00:00Z"}')
        connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url, user=user))))
    assert login.seen == ["GET Bearer token-2"]


def test_a_token_file_that_rotates_is_read_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    login = Login("first")
    with http_server(login) as url:
        found = connect(
            Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url, user={"tokenFile": str(token)})))
        )
        login.token = "second"
        with pytest.raises(Unauthenticated):
            found.get(THING)
        token.write_text("second")
        assert found.get_object(THING)
        assert [line.split()[-1] for line in login.seen] == ["first", "first", "first", "second"]


def test_a_context_that_became_another_cluster_is_not_followed(tmp_path: Path) -> None:
    login, other = Login("first"), Login("second")
    with http_server(login) as url, http_server(other) as elsewhere:
        place = tmp_path / "config"
        found = connect(Target(kubeconfig=str(write_kubeconfig(place, url, user={"token": "first"}))))
        write_kubeconfig(place, elsewhere, user={"token": "second"})
        login.token = "changed"
        with pytest.raises(Unauthenticated, match="now") as caught:
            found.write("PATCH", THING, {})
        assert elsewhere in str(caught.value)
        assert not other.seen


def test_a_current_context_that_moves_is_not_followed(tmp_path: Path) -> None:
    login, other = Login("first"), Login("first")
    with http_server(login) as url, http_server(other) as elsewhere:
        place = tmp_path / "config"
        found = connect(Target(kubeconfig=str(write_kubeconfig(place, url, user={"token": "first"}))))
        config = yaml.safe_load(write_kubeconfig(place, elsewhere, name="other", user={"token": "first"}).read_text())
        mine = yaml.safe_load(write_kubeconfig(place, url, user={"token": "second"}).read_text())
        for key in ("clusters", "users", "contexts"):
            mine[key] += config[key]
        mine["current-context"] = "other"
        place.write_text(yaml.safe_dump(mine))
        login.token = "second"
        assert found.get_object(THING)
        assert not other.seen


def test_a_plugin_is_given_neither_the_input_of_the_process_nor_a_word_of_it(tmp_path: Path) -> None:
    code = (
        "import sys; from mcp_tools.cluster.connection import connect; from mcp_tools.cluster.target import Target;"
        "connect(Target(kubeconfig=sys.argv[1])); print(sys.stdin.read())"
    )
    with http_server(Login("token-1")) as url:
        path = write_kubeconfig(tmp_path / "config", url, user=plugin(tmp_path))
        ended = subprocess.run(
            [sys.executable, "-c", code, str(path)], input="json-rpc", capture_output=True, text=True, check=True
        )
    assert ended.stdout.strip() == "json-rpc"
    assert (tmp_path / "asked.heard").read_text() == ""


def test_a_plugin_is_told_of_the_cluster_and_found_beside_the_kubeconfig(tmp_path: Path) -> None:
    tell = tmp_path / "tell"
    tell.write_text(
        f"#!{sys.executable}\nimport json, os\nspec = json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec']\n"
        "token = spec['cluster']['server'] + os.environ['MORE'] + str(spec['interactive'])\n"
        "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'status': {'token': token}}))\n"
    )
    tell.chmod(0o700)
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": f".{os.sep}tell",
            "provideClusterInfo": True,
            "interactiveMode": "Never",
            "env": [{"name": "MORE", "value": "-and-more-"}],
        }
    }
    login = Login("")
    with http_server(login) as url:
        login.token = f"{url}-and-more-False"
        assert connect(Target(kubeconfig=str(write_kubeconfig(tmp_path / "config", url, user=user))))


def test_a_plugin_that_needs_a_terminal_or_an_installation_says_so(tmp_path: Path) -> None:
    def fail(**more: Any) -> ShipmateError:
        path = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1", user=plugin(tmp_path, **more))
        with pytest.raises(Unauthenticated) as caught:
            connect(Target(kubeconfig=str(path)))
        return caught.value

    assert "terminal" in fail(interactiveMode="Always").message
    assert fail(command="no-such-plugin", installHint="Get it from the shop.").hint == "Get it from the shop."

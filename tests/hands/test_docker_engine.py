"""The Docker engine over the wire: one that is absent, that fails, with many containers, or guarded by the policy."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hands_helpers import Person, answer, http_server

from mcp_tools.changes.policy import Policy
from mcp_tools.cluster.target import Target
from mcp_tools.errors import ApiError, NoEngine, NotAllowed, UsageError
from mcp_tools.toolbox import Toolbox

MANY = 300
Engine = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toolbox]:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    box = Toolbox(Target(kubeconfig="/dev/null"), approver=Person().approve, journal=tmp_path / "journal.db")
    yield box
    box.close()


@pytest.fixture
def engine(box: Toolbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that gives fixed answers by path; a status stands for an error. Gives the paths that were asked for."""
    servers = []

    def start(answers: dict[str, Any]) -> list[str]:
        asked: list[str] = []

        def reply(handler: BaseHTTPRequestHandler) -> None:
            path = re.sub(r"^/v[\d.]+", "", handler.path).partition("?")[0]
            asked.append(path)
            found = answers.get(path, 404)
            if isinstance(found, int):
                answer(handler, found, {"message": f"the engine says {found}"})
            else:
                answer(handler, 200, found)

        answers = {"/version": {"ApiVersion": "1.44", "Version": "25.0.0"}, **answers}
        server = http_server(reply)
        monkeypatch.setenv("DOCKER_HOST", server.__enter__().replace("http:", "tcp:"))
        servers.append(server)
        return asked

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "Id": f"{number:064x}",
        "Names": [f"/shop-{number:03}-backend-1"],
        "Image": "registry.example.com/shop/backend:1.4.2",
        "ImageID": "sha256:" + "a" * 64,
        "State": "running",
        "Status": "Up 3 hours (healthy)",
        "Ports": [
            {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8000 + number, "Type": "tcp"},
            {"IP": "::", "PrivatePort": 80, "PublicPort": 8000 + number, "Type": "tcp"},
        ],
        "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": f"backend-{number}"},
        **more,
    }


def inspected(number: int, **state: Any) -> dict[str, Any]:
    return {
        "Id": f"{number:064x}",
        "Name": f"/shop-{number:03}-backend-1",
        "Image": "sha256:" + "a" * 64,
        "RestartCount": 4,
        "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-01-01T00:00:00Z", **state},
        "Config": {"Image": "backend", "Env": ["DB_PASSWORD=hunter22hunter22"], "Labels": {}},
        "HostConfig": {"RestartPolicy": {"Name": "no"}},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
    }


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:1", "unix:///var/run/no-such-engine.sock"])
def test_an_engine_that_is_not_there_is_said_with_what_to_do(
    box: Toolbox, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    for tool, given in (("inspect_docker", {"action": "containers"}), ("change_docker", {"action": "prune"})):
        with pytest.raises(NoEngine, match="No Docker engine answers at") as met:
            box.call(tool, given)
        assert "DOCKER_HOST" in met.value.hint
        assert host.rpartition("/")[2] in met.value.message


def test_the_docker_context_is_the_one_that_docker_uses(
    box: Toolbox, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = engine({"/containers/json": [row(1)]})
    host = os.environ["DOCKER_HOST"]
    monkeypatch.delenv("DOCKER_HOST")
    place = tmp_path / "docker" / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
    place.mkdir(parents=True)
    (tmp_path / "docker" / "config.json").write_text("{}")
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    (place / "meta.json").write_text(json.dumps({"Name": "far", "Metadata": {}, "Endpoints": endpoints}))
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    assert box.call("inspect_docker", {"action": "containers"}).data["total"] == 1
    assert asked
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    with pytest.raises(UsageError, match="no Docker context 'nowhere'"):
        box.call("inspect_docker", {"action": "containers"})


def test_what_the_engine_answers_with_is_told_in_its_words(box: Toolbox, engine: Engine) -> None:
    engine({"/containers/json": 500})
    with pytest.raises(ApiError, match="the engine says 500") as met:
        box.call("inspect_docker", {"action": "containers"})
    assert met.value.status == 500


def test_many_containers_are_one_request_and_one_bounded_answer(box: Toolbox, engine: Engine) -> None:
    rows = [row(number) for number in range(MANY - 1)]
    rows.append(row(MANY, State="restarting", Status="Restarting (1) 3 seconds ago", Ports=[]))
    asked = engine({"/containers/json": rows, f"/containers/{MANY:064x}/json": inspected(MANY)})
    data = box.call("inspect_docker", {"action": "containers"}).data
    assert asked.count("/containers/json") == 1
    assert [path for path in asked if path.endswith("/json")] == ["/containers/json", f"/containers/{MANY:064x}/json"]
    assert (data["total"], len(data["rows"])) == (MANY, 100)
    first = dict(zip(data["columns"], data["rows"][0], strict=True))
    assert first["name"] == "shop-300-backend-1"
    assert first["restarts"] == 4
    assert dict(zip(data["columns"], data["rows"][1], strict=True))["ports"] == "8000:80"
    assert len(json.dumps(data["rows"])) / 4 <= 3_500


def test_a_name_that_is_none_has_its_neighbours_and_one_that_is_several_its_candidates(
    box: Toolbox, engine: Engine
) -> None:
    same = {"com.docker.compose.service": "db"}
    engine({"/containers/json": [row(1), row(2, Labels=same), row(3, Labels=same)]})
    with pytest.raises(UsageError, match="shop-001-backend-1"):
        box.call("inspect_docker", {"action": "logs", "target": "shop-001-backend"})
    with pytest.raises(UsageError, match="'db' is 2 containers"):
        box.call("inspect_docker", {"action": "diagnose", "target": "db"})


def test_the_disk_is_read_as_engines_before_and_after_api_1_52_tell_it(box: Toolbox, engine: Engine) -> None:
    image = {"Id": "sha256:" + "b" * 64, "RepoTags": None, "Size": 50 * 1024**2, "SharedSize": 0, "Containers": 0}
    old = {"Images": [image], "LayersSize": 50 * 1024**2, "Containers": [], "Volumes": None, "BuildCache": None}
    new = {"ImageUsage": {"Items": [image]}, "ContainerUsage": {"Items": []}}
    for told in (old, new):
        engine({"/system/df": told, "/networks": []})
        data = box.call("inspect_docker", {"action": "disk"}).data
        assert data["usage"]["images"] == {"number": 1, "size_mib": 50.0, "unused": 1, "unused_mib": 50.0}
        assert [one["name"] for one in data["would_go"]] == ["b" * 12]


def test_over_http_the_engine_of_the_server_is_nobodys(box: Toolbox) -> None:
    box.local_files = False
    for tool, given in (("inspect_docker", {"action": "images"}), ("change_docker", {"action": "prune"})):
        with pytest.raises(NotAllowed, match="Over HTTP"):
            box.call(tool, given)


@pytest.mark.parametrize(
    ("policy", "more", "said"),
    [
        (Policy(read_only=True), {}, "read-only"),
        (Policy(contexts=["minikube"]), {}, "Nothing may be changed in context 'docker"),
        (Policy(namespaces=["todo-app"]), {}, "outside of certain namespaces"),
        (Policy(), {"Labels": {"shipmate/protected": "true"}}, "is protected"),
        (Policy(), {"Names": ["/kind-control-plane"]}, "kind-control-plane is protected"),
    ],
)
def test_the_users_policy_holds_for_containers(
    tmp_path: Path, engine: Engine, policy: Policy, more: dict[str, Any], said: str
) -> None:
    asked = engine({"/containers/json": [row(1, **more)], f"/containers/{1:064x}/json": inspected(1)})
    person = Person()
    box = Toolbox(Target(), approver=person.approve, journal=tmp_path / "other.db", policy=policy)
    name = more.get("Names", ["/shop-001-backend-1"])[0].removeprefix("/")
    with pytest.raises(NotAllowed, match=said):
        box.call("change_docker", {"action": "stop", "target": name})
    box.close()
    assert not person.plans
    assert not [path for path in asked if path.endswith("/stop")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"action": "stop", "target": "web", "name": "other"}, "no name"),
        ({"action": "run"}, "needs target"),
        ({"action": "exec", "target": "web"}, "needs command"),
        ({"action": "tag", "target": "todo:1"}, "needs name"),
        ({"action": "prune", "target": "web"}, "no target"),
        ({"action": "prune", "kinds": ["swarms"]}, "kinds"),
    ],
)
def test_an_argument_of_another_action_is_refused(box: Toolbox, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        box.call("change_docker", given)

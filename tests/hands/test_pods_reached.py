"""Reaching into pods on the sandbox: what is asked for, what is refused, and what a local port leads to."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hands_helpers import Kube, Person, deployment, deployments, done

from mcp_tools.changes.model import Decision
from mcp_tools.changes.policy import Policy
from mcp_tools.errors import NotAllowed, UsageError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox

SAYING = {
    "image": "busybox:latest",
    "command": ["sh", "-c", "while true; do echo password=hunter22 here; sleep 1; done"],
}


def test_a_file_of_a_pod_is_written_only_after_a_yes(box: Toolbox, web: str, person: Person, tmp_path: Path) -> None:
    given = {"target": "web", "action": "copy_out", "path": "/etc/hosts", "local_path": f"{tmp_path}/"}
    person.decision = Decision.DECLINED
    assert box.call("connect_pod", given).data["status"] == "declined"
    assert not (tmp_path / "hosts").exists()
    person.decision = Decision.APPROVED
    data = done(box, "connect_pod", **given)
    text = (tmp_path / "hosts").read_text()
    assert "localhost" in text
    assert text not in str(data)


@pytest.mark.parametrize("path", ["etc/hosts", "/etc/", "/etc/no-such-file", "/tmp/x\n"])
def test_a_path_that_is_no_file_in_the_container_is_refused(box: Toolbox, web: str, path: str, tmp_path: Path) -> None:
    given = {"target": "web", "action": "copy_out", "path": path, "local_path": str(tmp_path / "x")}
    if path.endswith("\n"):
        given["path"] = "/tmp/x\ny"
    with pytest.raises(UsageError, match="no file"):
        box.call("connect_pod", given)
    assert not list(tmp_path.glob("x*"))


def test_where_the_disk_is_not_the_users_no_file_is_copied(box: Toolbox, web: str, tmp_path: Path) -> None:
    box.local_files = False
    with pytest.raises(NotAllowed, match="Over HTTP"):
        box.call("connect_pod", {"target": "web", "action": "copy_out", "path": "/etc/hosts", "local_path": "x"})


def test_a_policy_that_changes_nothing_opens_no_debug_container_and_copies_nothing(
    make_box: Callable[..., Toolbox], web: str, tmp_path: Path
) -> None:
    box = make_box(policy=Policy(read_only=True))
    (tmp_path / "x").write_text("x")
    with pytest.raises(NotAllowed):
        box.call("connect_pod", {"action": "exec", "target": "web", "command": ["ps"], "debug_image": "busybox:latest"})
    for action in ("copy_out", "copy_in"):
        local = str(tmp_path / ("x" if action == "copy_in" else "y"))
        with pytest.raises(NotAllowed):
            box.call("connect_pod", {"target": "web", "action": action, "path": "/etc/hosts", "local_path": local})


def test_a_debug_container_is_planned_as_what_it_adds(box: Toolbox, web: str, person: Person) -> None:
    person.decision = Decision.DEFERRED
    given = {"action": "exec", "target": "web", "command": ["ps"], "debug_image": "busybox:latest"}
    data = box.call("connect_pod", given).data
    assert data["status"] == "planned"
    assert "spec.ephemeralContainers" in data["diff"][0]["path"]
    assert "goes when the pod goes" in data["warnings"][0]
    with pytest.raises(UsageError, match="no image"):
        box.call("connect_pod", {**given, "debug_image": "not an image"})


def test_ports_are_opened_listed_and_closed_with_the_toolbox(
    make_box: Callable[..., Toolbox], kube: Kube, space: str
) -> None:
    box = make_box()
    port = {"ports": [{"containerPort": 80}]}
    kube.make(deployments(space), deployment("site", replicas=1, container=port))
    while not kube.get(deployments(space, "site")).get("status", {}).get("readyReplicas"):
        pass
    opened = box.call("connect_pod", {"action": "forward", "target": "site"}).data["forwards"][0]
    address = f"http://127.0.0.1:{opened['local_port']}/"
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert answer.status == 200
    assert [one["number"] for one in box.call("connect_pod", {"action": "list_forwards"}).data["forwards"]] == [1]
    with pytest.raises(UsageError, match="cannot be used"):
        box.call("connect_pod", {"action": "forward", "target": "site", "local_port": opened["local_port"]})
    with pytest.raises(UsageError, match="No such port forward"):
        box.call("connect_pod", {"action": "close_forward", "target": "other"})
    box.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


def test_a_service_that_has_no_such_port_says_which_it_has(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}
    kube.make(f"/api/v1/namespaces/{space}/services", {"metadata": {"name": "web"}, "spec": spec})
    with pytest.raises(UsageError, match=r"Which port.*80, 81"):
        box.call("connect_pod", {"action": "forward", "target": "svc/web"})
    with pytest.raises(UsageError, match=r"no port 9.*80, 81"):
        box.call("connect_pod", {"action": "forward", "target": "svc/web", "port": 9})


def test_followed_lines_are_redacted_and_pods_that_join_are_told(box: Toolbox, kube: Kube, space: str) -> None:
    kube.make(deployments(space), deployment("talker", replicas=1, container=SAYING))
    while not kube.get(deployments(space, "talker")).get("status", {}).get("readyReplicas"):
        pass
    stop = threading.Event()
    pods: set[str] = set()
    joined = False
    for line in box.follow({"target": "talker"}, stop):
        if line.remark:
            joined = joined or line.text == "joins"
            continue
        assert line.text == "password=[redacted] here"
        if not pods:
            kube.merge(deployments(space, "talker"), {"spec": {"replicas": 2}})
        pods.add(line.source)
        if len(pods) == 2:
            stop.set()
    assert joined

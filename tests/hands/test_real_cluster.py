"""The transaction on a real cluster: real containers, a real kubelet, other writers; a namespace for each test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hands_helpers import Kube, Person, deployment, deployments

from mcp_tools.changes.diff import compare
from mcp_tools.changes.model import Phase
from mcp_tools.cluster.target import Target
from mcp_tools.errors import Conflict, Forbidden
from mcp_tools.toolbox import Toolbox

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

BUSYBOX = "busybox:latest"
SAME_BUSYBOX = "docker.io/library/busybox:latest"
PYTHON = "python:3.13-slim"
# Serves in one image and crashes in the other: a bad release with everything else equal.
SERVE = "command -v python3 && { echo no database >&2; exit 3; }; echo serving; exec httpd -f -p 8080 -h /"
WEB: dict[str, Any] = {
    "image": BUSYBOX,
    "imagePullPolicy": "IfNotPresent",
    "command": ["sh", "-c", SERVE],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
}


@pytest.fixture
def space(real: Kube) -> Iterator[str]:
    name = f"shipmate-test-{uuid.uuid4().hex[:8]}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    real.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def box(real: Kube, space: str, person: Person, tmp_path: Path) -> Iterator[Toolbox]:
    target = Target(namespace=space)
    box = Toolbox(target, approver=person.approve, reporter=person.hear, journal=tmp_path / "journal.db")
    yield box
    box.close()


@pytest.fixture
def web(real: Kube, space: str) -> str:
    real.make(deployments(space), deployment("web", container=WEB))
    wait(lambda: len(ready_pods(real, space)) == 2)
    return deployments(space, "web")


def wait(done: Callable[[], object]) -> None:
    """Until it is so; the test's own time limit says when to give up."""
    while not done():
        time.sleep(0.3)


def pods_of(real: Kube, space: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = real.get(f"/api/v1/namespaces/{space}/pods")["items"]
    return found


def ready_pods(real: Kube, space: str) -> set[str]:
    return {
        pod["metadata"]["name"]
        for pod in pods_of(real, space)
        if not pod["metadata"].get("deletionTimestamp")
        and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
    }


def image_of(real: Kube, path: str) -> str:
    return str(real.get(path)["spec"]["template"]["spec"]["containers"][0]["image"])


def test_scaling_is_verified_and_undone(real: Kube, space: str, box: Toolbox, web: str, person: Person) -> None:
    result = box.call("scale", {"target": "web", "replicas": 3})
    assert result.data["status"] == "verified"
    assert result.data["replicas"] == {"desired": 3, "ready": 3}
    assert len(ready_pods(real, space)) == 3
    assert {Phase.APPLYING, Phase.WATCHING, Phase.DONE} <= {progress.phase for progress in person.progress}
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert real.get(web)["spec"]["replicas"] == 2
    assert box.call("scale", {"target": "web", "replicas": 0}).data["status"] == "verified"
    assert ready_pods(real, space) == set()


def test_a_new_image_and_a_restart_are_verified_by_their_own_pods(
    real: Kube, space: str, box: Toolbox, web: str
) -> None:
    before = ready_pods(real, space)
    result = box.call("configure_workload", {"target": "web", "image": SAME_BUSYBOX})
    assert result.data["status"] == "verified"
    middle = ready_pods(real, space)
    assert len(middle) == 2
    assert not middle & before
    assert box.call("rollout", {"target": "web", "action": "restart"}).data["status"] == "verified"
    assert len(ready_pods(real, space)) == 2
    assert not ready_pods(real, space) & middle
    undone = box.call("undo_change", {"change_id": result.data["change_id"]})
    assert undone.data["status"] == "verified"
    assert image_of(real, web) == BUSYBOX


def test_an_image_that_does_not_exist_is_rolled_back_and_no_pod_is_lost(
    real: Kube, space: str, box: Toolbox, web: str
) -> None:
    before = ready_pods(real, space)
    lost: list[set[str]] = []

    def watch(_: Any) -> None:
        if missing := before - ready_pods(real, space):
            lost.append(missing)

    given = {"target": "web", "image": "registry.invalid/shop/web:no-such-tag"}
    result = box.call("configure_workload", given, reporter=watch)
    assert result.data["status"] == "rolled_back"
    assert "ImagePull" in result.data["reason"]
    assert "registry.invalid" in result.data["reason"]
    assert lost == []
    assert ready_pods(real, space) == before
    assert image_of(real, web) == BUSYBOX


def test_a_release_that_crashes_is_rolled_back_with_its_exit_code(
    real: Kube, space: str, box: Toolbox, web: str
) -> None:
    before = ready_pods(real, space)
    result = box.call("configure_workload", {"target": "web", "image": PYTHON})
    assert result.data["status"] == "rolled_back"
    assert "CrashLoopBackOff" in result.data["reason"]
    assert "exit code 3" in result.data["reason"]
    assert ready_pods(real, space) == before
    assert image_of(real, web) == BUSYBOX


def test_a_stateful_set_comes_back_past_the_broken_pod_that_its_controller_waits_for(
    real: Kube, space: str, box: Toolbox, person: Person
) -> None:
    body = deployment("store", container={**WEB, "command": ["sh", "-c", "exec httpd -f -p 8080 -h /"]})
    body |= {"kind": "StatefulSet", "spec": {**body["spec"], "serviceName": "store"}}
    real.make(f"/apis/apps/v1/namespaces/{space}/statefulsets", body)
    wait(lambda: len(ready_pods(real, space)) == 2)
    result = box.call("configure_workload", {"target": "statefulset/store", "image": "registry.invalid/web:1"})
    assert result.data["status"] == "rolled_back"
    assert "deleted what the rollout waits for in vain: store-1" in [item.message for item in person.progress]
    assert ready_pods(real, space) == {"store-0", "store-1"}
    assert "healthy" not in result.summary


def test_other_writers_are_not_trampled_on(real: Kube, box: Toolbox, web: str) -> None:
    meddler = Person(before=lambda plan: real.merge(web, {"spec": {"replicas": 1}}))
    with pytest.raises(Conflict, match=r"spec\.replicas was changed by somebody-else"):
        box.call("scale", {"target": "web", "replicas": 3}, approver=meddler.approve)
    assert real.get(web)["spec"]["replicas"] == 1
    assert box.call("scale", {"target": "web", "replicas": 2}).data["status"] == "verified"
    real.merge(web, {"spec": {"replicas": 3}})
    with pytest.raises(Conflict, match=r"spec\.replicas was changed by somebody-else"):
        box.call("undo_change", {})
    assert real.get(web)["spec"]["replicas"] == 3


def test_why_a_container_died_is_seen_and_its_last_words_are_read(real: Kube, space: str, box: Toolbox) -> None:
    hog = {
        "image": BUSYBOX,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "echo eating; tail /dev/zero"],
        "resources": {"limits": {"memory": "24Mi"}},
    }
    crash = {**WEB, "image": PYTHON}
    real.make(deployments(space), deployment("hog", replicas=1, container=hog))
    real.make(deployments(space), deployment("crash", replicas=1, container=crash))

    def died() -> dict[str, str]:
        return {
            pod["metadata"]["labels"]["app"]: pod["metadata"]["name"]
            for pod in pods_of(real, space)
            for status in pod["status"].get("containerStatuses") or []
            if status["restartCount"] and status["lastState"].get("terminated")
        }

    wait(lambda: len(died()) == 2)
    described = box.call("describe_resource", {"target": f"pod/{died()['hog']}"}).data
    assert "OOMKilled" in str(described["status"])
    # Between two runs the kubelet has no log to give for a moment.
    last_words = {"target": "crash", "previous": True}
    wait(lambda: box.call("get_logs", last_words).data["lines"][-1:] == ["no database"])
    overview = box.call("cluster_overview", {}).summary
    assert "crash" in overview
    assert "hog" in overview


def test_reads_of_a_real_api_server(real: Kube, space: str, box: Toolbox, web: str) -> None:
    listed = box.call("list_resources", {"kind": "po"}).data
    assert listed["columns"][:3] == ["Name", "Ready", "Status"]
    assert listed["counts"] == {"Running": 2}
    assert box.call("get_logs", {"target": "web"}).data["lines"][0].endswith("serving")
    rollout = box.call("describe_resource", {"target": "web", "rollout": True}).data
    assert rollout["complete"]
    assert rollout["replicas"]["ready"] == 2
    assert "2 of 2 pods ready" in box.call("describe_resource", {"target": "web"}).summary
    replicas = box.call("describe_resource", {"target": "deployment.spec.replicas", "explain": True})
    assert "number of desired pods" in str(replicas.data).lower()
    assert box.call("list_resources", {"kind": "events"}).data["events"]


def test_each_operation_once_with_its_undo(real: Kube, space: str, box: Toolbox, web: str, person: Person) -> None:
    before = real.get(web)
    autoscaler = {"target": "web", "min": 2, "max": 3}
    for tool, arguments in (
        ("configure_workload", {"target": "web", "env": {"MODE": "fast"}, "requests": {"cpu": "10m"}}),
        ("patch_resource", {"target": "web", "labels": {"team": "blue"}, "fields": {"spec.minReadySeconds": 1}}),
        ("rollout", {"target": "web", "action": "pause"}),
        ("scale", autoscaler),
        ("apply_manifest", {"manifest": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}"}),
        ("delete_resource", {"target": "configmap/kube-root-ca.crt"}),
    ):
        data = box.call(tool, arguments).data
        assert data["status"] == "verified", (tool, data)
        if tool == "delete_resource":
            # Its controller has made it again by now, which is not ours to overrule.
            continue
        undone = box.call("undo_change", {"change_id": data["change_id"]}).data
        assert undone["status"] == "verified", (tool, undone)
    assert compare(before, real.get(web)) == ()

    gone = box.call("delete_resource", {"target": "deployment/web"}).data
    assert gone["status"] == "verified"
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert compare(before, real.get(web)) == ()
    assert len(ready_pods(real, space)) == 2


def test_an_earlier_revision_comes_back(real: Kube, box: Toolbox, web: str) -> None:
    box.call("configure_workload", {"target": "web", "env": {"MODE": "fast"}})
    data = box.call("rollout", {"target": "web", "action": "undo"}).data
    assert data["status"] == "verified"
    assert "env" not in real.get(web)["spec"]["template"]["spec"]["containers"][0]
    assert [
        row["revision"] for row in box.call("describe_resource", {"target": "web", "rollout": True}).data["revisions"]
    ] == [3, 2]


def test_commands_run_in_real_containers(box: Toolbox, web: str, person: Person) -> None:
    looked = box.call("connect_pod", {"action": "exec", "target": "web", "command": ["ls", "/"]}).data
    assert looked["exit_code"] == 0
    assert "etc" in looked["stdout"].split()
    assert not person.plans
    ran = box.call(
        "connect_pod", {"action": "exec", "target": "web", "command": ["sh", "-c", "echo out; echo err >&2; exit 3"]}
    ).data
    assert (ran["status"], ran["exit_code"], ran["stdout"], ran["stderr"]) == ("failed", 3, "out\n", "err\n")
    assert len(person.plans) == 1


def test_a_refusal_names_the_rule_that_is_missing(real: Kube, space: str, web: str, tmp_path: Path) -> None:
    real.make(f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": "weak"}})
    token = real.make(f"/api/v1/namespaces/{space}/serviceaccounts/weak/token", {"spec": {}})["status"]["token"]
    with open(os.environ["KUBECONFIG"]) as file:  # noqa: PTH123  a fixture's own reading
        config = yaml.safe_load(file)
    config["users"][0]["user"] = {"token": token}
    place = tmp_path / "weak"
    place.write_text(yaml.safe_dump(config))
    weak = Toolbox(Target(kubeconfig=str(place), namespace=space), journal=tmp_path / "weak.db")
    with pytest.raises(Forbidden) as caught:
        weak.call("scale", {"target": "deployment/web", "replicas": 3})
    assert 'resources: ["deployments"]' in caught.value.hint
    assert 'verbs: ["get"]' in caught.value.hint
    answer = Toolbox(Target(namespace=space), journal=tmp_path / "b.db")
    asked = {"verb": "list", "resource": "pods", "who": "serviceaccount/weak"}
    assert answer.call("check_access", asked).data["allowed"] is False


def test_a_typed_sentence_scales_and_undo_puts_it_back(real: Kube, space: str, web: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}

    def shipmate(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "assistant.cli", "-n", space, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    scaled = shipmate("ask", "scale web to 3", "--yes", "--model", "offline")
    assert scaled.returncode == 0, scaled.stderr
    assert "3 of 3 replicas ready" in scaled.stdout
    assert real.get(web)["spec"]["replicas"] == 3
    assert shipmate("undo", "--yes").returncode == 0
    assert real.get(web)["spec"]["replicas"] == 2

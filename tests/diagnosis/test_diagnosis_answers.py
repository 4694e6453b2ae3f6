"""What a diagnosis says: its scope, its bounds, its evidence; and what a user of fewer rights is told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from diagnosis_worlds import InMemory, broken, causes_in, injector

from assistant.offline.brain import OfflineBrain
from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.diagnosis.engine import examine
from mcp_tools.diagnosis.graph import Graph
from mcp_tools.diagnosis.looks import Looks
from mcp_tools.diagnosis.model import Evidence, Finding, Ref, Symptom
from mcp_tools.diagnosis.modes import all_modes
from mcp_tools.diagnosis.report import report
from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.diagnosis.taking import take
from mcp_tools.errors import Forbidden, NotFound
from mcp_tools.sandbox import lifecycle
from mcp_tools.sandbox.faults import over_https
from mcp_tools.sandbox.world import boot
from mcp_tools.toolbox import Toolbox

CHARACTERS_A_TOKEN = 3


class Blinkered(InMemory):
    """A user who may see no Secrets and no nodes."""

    def _send(self, method: str, path: str, *more: object, **options: object) -> bytes:
        if path.endswith(("/secrets", "/nodes")):
            raise Forbidden(f"{path} is forbidden", status=403)
        return super()._send(method, path, *more, **options)  # type: ignore[arg-type]


def test_an_answer_says_the_cause_what_follows_when_and_what_heals_it() -> None:
    world = broken("image-tag")
    data = report(InMemory(world), "todo-app").data
    [finding] = data["findings"]
    assert finding["mode"] == "image-not-found"
    assert "todo-backend:9.9.9" in finding["cause"]
    assert finding["chain"].startswith("deployment/backend")
    assert any("manifest unknown" in fact for fact in finding["evidence"])
    assert "todo-backend:1.0.0 → todo-backend:9.9.9" in finding["changed"]
    assert finding["certainty"] == "proven"
    assert finding["fixes"][0]["tool"] == "rollout"


def test_a_healthy_namespace_gives_an_empty_report_that_says_what_was_looked_at() -> None:
    answer = report(InMemory(boot(seed=1)), "todo-app")
    assert answer.data["findings"] == []
    assert answer.data["scope"]["namespace"] == "todo-app"
    assert "5 pods looked at" in answer.summary


def test_what_may_not_be_seen_is_said_and_the_rest_is_still_found() -> None:
    world = broken("config-missing")
    answer = report(Blinkered(world), "todo-app")
    assert any("Secret" in text for text in answer.data["scope"]["not_seen"])
    assert answer.data["findings"][0]["mode"] == "config-missing"
    assert "secret-missing" not in {finding["mode"] for finding in answer.data["findings"]}


def test_only_what_touches_the_object_that_was_named_is_told() -> None:
    world = broken("image-tag")
    connection = InMemory(world)
    assert report(connection, "todo-app", "svc/backend").data["findings"]
    assert not report(connection, "todo-app", "mcp-server").data["findings"]
    with pytest.raises(NotFound):
        report(connection, "todo-app", "nobody")


def test_an_answer_stays_short_however_much_is_broken() -> None:
    world = boot(seed=1)
    box = injector(world)
    for number in range(40):
        box.deployment(f"broken-{number}", {"image": f"nothing-{number}:{'9' * 60}"}, replicas=2)
    world.clock.advance(150)
    answer = report(InMemory(world), None)
    assert len(json.dumps(answer.data)) / CHARACTERS_A_TOKEN < 1600
    assert answer.data["more"] > 0
    assert "other causes" in answer.summary


def test_one_cause_is_one_finding_whatever_follows_from_it() -> None:
    causes = causes_in(broken("config-missing"))
    assert len(causes) == 1
    assert {item.mode for item in causes[0].follows} >= {"pod-not-ready", "rollout-stuck"}


def test_a_failure_that_has_healed_is_not_told_any_more() -> None:
    world = broken("image-tag")
    injector(world).container("backend", image="todo-backend:1.0.0")
    world.clock.advance(60)
    assert causes_in(world) == []


def test_two_faults_are_two_findings() -> None:
    world = broken("image-tag")
    injector(world).container("mcp-server", readinessProbe={"httpGet": {"port": 9999}})
    world.clock.advance(120)
    assert {cause.finding.mode for cause in causes_in(world)} == {"image-not-found", "probe-port"}


def test_secrets_are_never_kept_only_the_names_of_their_keys() -> None:
    snapshot = take(InMemory(boot(seed=1)), "todo-app")
    secret = snapshot.get("Secret", "todo-app", "backend-secrets")
    assert secret is not None
    assert set(secret.body["data"]) >= {"DATABASE_URL"}
    assert set(secret.body["data"].values()) == {""}


def test_what_points_at_a_cause_hangs_under_it() -> None:
    pod = Resource("Pod", {"metadata": {"name": "a-1", "namespace": "x", "uid": "1", "labels": {"app": "a"}}})
    service = Resource("Service", {"metadata": {"name": "a", "namespace": "x"}, "spec": {"selector": {"app": "a"}}})
    cause = Finding("image-name", "Bad name", Ref("Deployment", "x", "a"), affected=(pod.ref,))
    caller = Finding("flapping", "b fails", Ref("Deployment", "x", "b"), blames=(service.ref,), confidence=0.7)
    far = Symptom(Ref("Deployment", "x", "c"), "is slow", evidence=(Evidence(pod.ref, "log", "?"),))
    causes = Graph(Snapshot([pod, service])).join([caller, cause, far])
    assert [(item.finding.object.name, len(item.follows)) for item in causes] == [("a", 1), ("c", 0)]


def test_every_finding_has_a_known_mode() -> None:
    world = broken("node-lost")
    connection = InMemory(world)
    modes = all_modes()
    for cause in examine(take(connection, None), Looks(connection)):
        assert cause.finding.mode in modes


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[lifecycle.SandboxInfo]:
    state = tmp_path_factory.mktemp("sandbox")
    yield lifecycle.ensure_running(state)
    assert lifecycle.stop(state)


def run(sandbox: lifecycle.SandboxInfo, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assistant.cli", "diagnose", "--kubeconfig", str(sandbox.kubeconfig), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_exits_with_1_once_something_is_wrong(sandbox: lifecycle.SandboxInfo, tmp_path: Path) -> None:
    well = run(sandbox, "-n", "todo-app")
    assert (well.returncode, "Nothing is wrong" in well.stdout) == (0, True), well.stderr
    box = over_https(sandbox.kubeconfig)
    box.spec("Deployment", "backend", replicas=0)
    box.settle()
    ill = run(sandbox, "-n", "todo-app", "--json")
    assert ill.returncode == 1
    assert json.loads(ill.stdout)["findings"][0]["mode"] == "replicas-zero"
    ticket = run(sandbox, "-n", "todo-app", "--format", "markdown")
    assert "deployment/backend is scaled to 0" in ticket.stdout
    assert "```mermaid" in ticket.stdout
    page = run(sandbox, "-n", "todo-app", "--format", "html")
    assert "<h2>deployment/backend is scaled to 0" in page.stdout


def test_what_was_changed_by_shipmate_is_named_and_its_undoing_heals(
    sandbox: lifecycle.SandboxInfo, tmp_path: Path
) -> None:
    target = Target(kubeconfig=str(sandbox.kubeconfig), namespace="todo-app")
    hands = Toolbox(target, approver=lambda _: Decision.APPROVED, journal=tmp_path / "journal.db")
    fields = {"spec.selector": {"app.kubernetes.io/name": "front-end"}}
    made = hands.call("patch_resource", {"target": "service/frontend", "fields": fields})
    found = hands.call("diagnose", {"target": "service/frontend"}).data["findings"][0]
    number = made.data["change_id"]
    assert (found["mode"], found["object"]) == ("service-selector", "service/frontend")
    assert found["changed"].startswith(f"change {number} of Shipmate")
    assert (found["fixes"][0]["tool"], found["fixes"][0]["arguments"]) == ("undo_change", {"change_id": number})
    OfflineBrain(hands).respond("fix service/frontend", lambda _: None)
    assert hands.journal.get(number).undone_by
    left = hands.call("diagnose", {"target": "service/frontend"}).data["findings"]
    hands.close()
    assert "service-selector" not in {item["mode"] for item in left}

"""The todo stack on minikube: its dialogue as recorded, and the deployment in the sandbox behind its context."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from stack_helpers import Person

from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.errors import UsageError
from mcp_tools.sandbox import lifecycle
from mcp_tools.stack import minikube
from mcp_tools.stack.images import way_to
from mcp_tools.stack.locate import MARKS
from mcp_tools.stack.preflight import NotReady
from mcp_tools.stack.settings import StackSettings
from mcp_tools.toolbox import Toolbox

RECORDED = Path(__file__).parent / "recorded"
START = "start --cpus=4 --memory=8g --addons=ingress,metrics-server --keep-context"


@dataclass
class Machine:
    """A machine with a minikube that answers as it once did."""

    box: Toolbox
    person: Person
    notes: Path

    def ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        return self.box.call("todo_stack", {"action": action, "minikube": True, **arguments}).data

    def asked(self) -> list[str]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        assert all(line.startswith("--profile=minikube ") for line in lines)
        return [line.partition(" ")[2] for line in lines]


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One whose context `minikube` is the sandbox, and whose current context leads nowhere."""
    state = tmp_path_factory.mktemp("sandbox")
    config = yaml.safe_load(lifecycle.ensure_running(state).kubeconfig.read_text())
    name = config["contexts"][0]["name"]
    config["contexts"][0]["name"] = "minikube"
    config["clusters"].append({"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}})
    config["contexts"].append({"name": "nowhere", "context": {"cluster": "nowhere", "user": name}})
    config["current-context"] = "nowhere"
    path = state / "config"
    path.write_text(yaml.safe_dump(config))
    yield path
    assert lifecycle.stop(state)


@pytest.fixture
def machine(kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Machine]]:
    boxes: list[Toolbox] = []

    def make(recording: str) -> Machine:
        program = tmp_path / "bin" / "minikube"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable}\n{(RECORDED / 'minikube.py').read_text()}")
        program.chmod(0o755)
        answers = json.loads((RECORDED / "minikube.json").read_text())[recording]
        monkeypatch.setenv("MINIKUBE_ANSWERS", json.dumps(answers))
        monkeypatch.setenv("MINIKUBE_ASKED", str(tmp_path / "asked"))
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        person = Person()
        target = Target(kubeconfig=str(kubeconfig))
        boxes.append(Toolbox(target, approver=person.approve, reporter=person.hear, journal=tmp_path / "journal.db"))
        return Machine(boxes[-1], person, tmp_path / "asked")

    monkeypatch.delenv("MINIKUBE_PROFILE", raising=False)
    root = tmp_path / "checkout"
    for mark in MARKS:
        (root / mark).parent.mkdir(parents=True)
        (root / mark).write_text("FROM scratch\n")
    monkeypatch.chdir(root)
    yield make
    for box in boxes:
        box.close()


def test_it_is_made_after_a_yes_and_the_stack_deployed_there(machine: Callable[[str], Machine]) -> None:
    here = machine("absent")
    done = here.ask("deploy", namespace="on-minikube")
    assert done["status"] == "verified", done
    first, second = here.person.plans
    assert (first.context, first.title) == (
        "minikube",
        "Make and start minikube with 4 CPUs and 8 GB of memory (profile minikube)",
    )
    assert not first.reversible
    assert second.context == "minikube"
    assert second.action == "deploy_stack"
    assert here.asked()[:3] == ["status --output=json", START, "status --output=json"]
    assert any("Verifying ingress addon" in step.message for step in here.person.progress)
    changes = here.box.call("list_changes", {"limit": 5}).data["changes"]
    assert [(one["action"], one["status"]) for one in changes] == [
        ("deploy_stack", "verified"),
        ("minikube_start", "verified"),
    ]
    with pytest.raises(UsageError, match="minikube made it, outside of any cluster"):
        here.box.journal.undoable(changes[1]["id"], "minikube")
    assert here.ask("status", namespace="on-minikube")["ready"]
    assert "minikube dashboard --url" in here.ask("status", namespace="on-minikube")["summary"]
    assert here.ask("destroy", namespace="on-minikube")["status"] == "verified"


@pytest.mark.parametrize("decision", [Decision.DECLINED, Decision.DEFERRED])
def test_without_a_yes_nothing_is_started_and_nothing_deployed(
    machine: Callable[[str], Machine], decision: Decision
) -> None:
    here = machine("absent")
    here.person.decision = decision
    answer = here.ask("deploy")
    assert answer["status"] == {Decision.DECLINED: "declined", Decision.DEFERRED: "planned"}[decision]
    assert here.asked() == ["status --output=json"]
    if decision is Decision.DEFERRED:
        assert "again" in answer["summary"]
        here.person.decision = Decision.APPROVED
        assert here.box.call("apply_plan", {"plan_id": answer["plan_id"]}).data["status"] == "verified"
        assert START in here.asked()


def test_a_start_that_fails_says_why_in_minikubes_words(machine: Callable[[str], Machine]) -> None:
    failed = machine("too small").ask("deploy")
    assert failed["status"] == "rolled_back"
    assert "Requested cpu count 4 is greater than the available cpus of 2" in failed["reason"]
    assert "`minikube delete -p minikube`" in failed["reason"]


def test_one_that_was_stopped_is_stopped_again_where_it_does_not_start(machine: Callable[[str], Machine]) -> None:
    here = machine("stopped")
    failed = here.ask("deploy")
    assert failed["status"] == "rolled_back"
    assert failed["reason"].endswith("it is stopped again, as before")
    assert here.asked()[-1] == "stop"


def test_looking_starts_nothing(machine: Callable[[str], Machine]) -> None:
    here = machine("paused")
    for action in ("status", "destroy", "rollback"):
        with pytest.raises(UsageError, match="does not run"):
            here.ask(action)
    assert set(here.asked()) == {"status --output=json"}
    work = minikube.start(minikube.look())
    assert work is not None
    assert "unpause" in work.notes[0]


def test_what_runs_gets_only_what_it_lacks(machine: Callable[[str], Machine]) -> None:
    here = machine("running without ingress")
    work = minikube.start(minikube.look())
    assert work is not None
    change = here.box.outside.run(work, here.person.approve, here.person.hear)
    assert change.outcome.value == "verified"
    lines = [line for line in here.asked() if not line.startswith(("status", "addons list"))]
    assert lines == ["update-context", "addons enable ingress"]


def test_images_are_loaded_by_minikube_itself(machine: Callable[[str], Machine]) -> None:
    here = machine("running")
    assert minikube.start(minikube.look()) is None
    way = way_to("minikube", [], minikube.settings_there(StackSettings()), "dev")
    assert way is not None
    way.bring(["todo-backend:1.0.0", "todo-frontend:1.0.0"], lambda *_: None, threading.Event())
    assert here.asked()[-1] == "image load todo-backend:1.0.0 todo-frontend:1.0.0"


def test_without_minikube_it_says_so(machine: Callable[[str], Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine("running")
    monkeypatch.setenv("PATH", "/nowhere")
    assert shutil.which("minikube") is None
    with pytest.raises(NotReady, match="no minikube on this machine"):
        here.ask("deploy")

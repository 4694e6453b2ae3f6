"""The todo stack with Docker Compose on a real engine: used as a user would, taken back when it fails, taken down."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from stack_helpers import ROOT, Object, Person, free_port, journey, ok, run

from mcp_tools.changes.model import Decision, Phase
from mcp_tools.changes.policy import Policy
from mcp_tools.cluster.target import Target
from mcp_tools.errors import NotAllowed, NotFound, PlanExpired, UsageError
from mcp_tools.stack.images import PROGRAMS
from mcp_tools.stack.preflight import NotReady
from mcp_tools.stack.programs import ProgramFailed
from mcp_tools.stack.smoke import through
from mcp_tools.toolbox import Toolbox

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(500)]
PASSWORD = "known-to-nobody-but-env-7"


@dataclass
class Here:
    """A checkout whose images are built on those that are there, and a toolbox that asks a person."""

    root: Path
    name: str
    url: str
    model_port: int
    box: Toolbox
    person: Person

    def ask(self, action: str, **arguments: Any) -> dict[str, Any]:
        return self.box.call("todo_stack", {"action": action, "how": "compose", **arguments}).data

    def works(self) -> str:
        """Sign up, add a task, list it."""
        return through(self.url, self.url, threading.Event())

    def running(self, service: str) -> str:
        return ok("docker", "inspect", "--format={{.Config.Image}} {{.Image}}", f"{self.name}-{service}-1").strip()

    def dockerfile(self, program: str, *more: str) -> None:
        """Sources that nobody else builds, so that their tag is this test's own."""
        lines = [f"FROM todo-{program}:1.0.0", f"LABEL made-by={self.name}", *more]
        (self.root / "apps" / program / "Dockerfile").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def here(images: dict[str, Object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    del images  # they are there
    place = tmp_path_factory.mktemp("compose")
    root, name, port = place / "checkout", f"todo-test-{uuid.uuid4().hex[:6]}", free_port()
    person = Person()
    box = Toolbox(Target(), approver=person.approve, reporter=person.hear, journal=place / "journal.db")
    found = Here(root, name, f"http://localhost:{port}", free_port(), box, person)
    for program in PROGRAMS:
        (root / "apps" / program).mkdir(parents=True)
        found.dockerfile(program)
    # Checks that answer late are no failure of the stack's on a machine that is busy with other tests.
    patient = (ROOT / "docker-compose.yml").read_text().replace("timeout: 3s", "timeout: 60s")
    (root / "docker-compose.yml").write_text(patient.replace("interval: 3s", "interval: 1s"))
    model = f"http://host.docker.internal:{found.model_port}/v1/"
    (root / ".env").write_text(
        f"POSTGRES_PASSWORD={PASSWORD}\nTODO_PORT={port}\n"
        f"OPENAI_API_KEY=not-a-key\nOPENAI_BASE_URL={model}\nCHAT_MODEL=stand-in\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("COMPOSE_PROJECT_NAME", name)
        try:
            assert found.ask("deploy")["status"] == "verified"
            yield found
        finally:
            run("docker", "compose", "--project-directory", str(root), "down", "--volumes", "--timeout=1")
            box.close()
            tags = ok("docker", "images", "--filter", f"label=made-by={name}", "--format={{.Repository}}:{{.Tag}}")
            if tags.split():
                run("docker", "rmi", "--force", *tags.split())


def test_it_is_used_as_a_user_would_and_told_how_it_is(here: Here) -> None:
    assert here.works()
    data = here.ask("status")
    assert data["ready"], data
    assert data["answers"], data
    assert (data["namespace"], data["url"]) == (here.name, here.url)
    assert [part["name"] for part in data["parts"]] == ["postgres", *PROGRAMS]
    assert here.ask("deploy")["status"] == "unchanged"


def test_a_browser_goes_the_whole_journey(here: Here) -> None:
    journey(here.url, here.model_port)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"environment": "staging"}, "for development"),
        ({"namespace": "elsewhere"}, "knows no namespaces"),
        ({"url": "http://todo.example.com"}, "on this machine only"),
    ],
)
def test_what_compose_cannot_do_is_refused(here: Here, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        here.ask("deploy", **arguments)


def test_the_users_policy_holds_here_too(here: Here, tmp_path: Path) -> None:
    for policy in (Policy(read_only=True), Policy(contexts=["minikube"]), Policy(namespaces=["todo-app"])):
        box = Toolbox(Target(), approver=here.person.approve, journal=tmp_path / "journal.db", policy=policy)
        with pytest.raises(NotAllowed):
            box.call("todo_stack", {"action": "destroy", "how": "compose"})
        box.close()
    assert here.works()


def test_all_that_is_wrong_is_named_before_anybody_is_asked(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.person.plans.clear()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("TODO_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("POSTGRES_PASSWORD", "another-one-8")
        monkeypatch.setenv("BETTER_AUTH_SECRET", "too-short-9")
        with pytest.raises(NotReady) as error:
            here.ask("deploy")
    for part in ("shorter than 32 characters", "made with another POSTGRES_PASSWORD", "cannot be used"):
        assert part in error.value.message
    assert "another-one-8" not in str(error.value)
    assert "too-short-9" not in str(error.value)
    assert not here.person.plans


def test_a_build_that_fails_leaves_what_runs_alone(here: Here) -> None:
    before = here.running("backend")
    here.dockerfile("backend", "RUN echo no such module >&2 && exit 7")
    with pytest.raises(ProgramFailed, match="exit code"):
        here.ask("upgrade")
    here.dockerfile("backend")
    assert here.running("backend") == before
    assert here.works()
    last = here.box.call("list_changes", {"limit": 1}).data["changes"][0]
    assert (last["context"], last["status"], last["target"]) == ("docker-compose", "failed", f"project/{here.name}")


def test_a_version_that_never_becomes_healthy_is_taken_back_and_the_former_answers(here: Here) -> None:
    before = {name: here.running(name) for name in PROGRAMS}
    here.dockerfile(
        "backend", """CMD ["sh", "-c", "echo 'ERROR no table tasks; password=hunter2hunter2' >&2; exit 3"]"""
    )
    here.person.progress.clear()
    failed = here.ask("upgrade")
    here.dockerfile("backend")
    assert failed["status"] == "rolled_back", failed
    assert f"container {here.name}-backend-1 ended" in failed["reason"]
    assert "no table tasks" in failed["reason"]
    assert {name: here.running(name) for name in PROGRAMS} == before
    assert here.works()
    assert {step.phase for step in here.person.progress} >= {Phase.PREPARING, Phase.WATCHING, Phase.ROLLING_BACK}
    told = repr((failed, here.person.plans, here.person.progress))
    assert PASSWORD not in told
    assert "hunter2" not in told


def test_an_upgrade_waits_for_its_yes_by_its_plan_and_goes_back(here: Here) -> None:
    before = here.running("backend")
    here.dockerfile("backend", "LABEL second=yes")
    here.person.decision = Decision.DEFERRED
    planned = here.ask("upgrade")
    assert planned["status"] == "planned"
    assert any(row["path"] == "backend.image" for row in planned["diff"]), planned["diff"]
    assert here.running("backend") == before
    here.person.decision = Decision.APPROVED
    done = here.box.call("apply_plan", {"plan_id": planned["plan_id"]}).data
    assert done["status"] == "verified", done
    assert here.running("backend").startswith("todo-backend:1.0.0-")
    with pytest.raises(PlanExpired):
        here.box.call("apply_plan", {"plan_id": planned["plan_id"]})
    with pytest.raises(UsageError, match="`roll back the todo stack with compose` goes back"):
        here.box.journal.undoable(done["change_id"], "docker-compose")
    assert here.ask("rollback")["status"] == "verified"
    assert here.running("backend") == before
    assert here.works()
    with pytest.raises(NotFound, match="No version of the todo stack before"):
        here.ask("rollback")


def test_taking_it_down_keeps_the_data_and_says_so(here: Here) -> None:
    here.person.plans.clear()
    here.person.decision = Decision.DECLINED
    assert here.ask("destroy")["status"] == "declined"
    here.person.decision = Decision.APPROVED
    assert here.ask("destroy")["status"] == "verified"
    assert f"{here.name}_database" in here.person.plans[0].warnings[0]
    assert ok("docker", "volume", "ls", "--quiet", f"--filter=name={here.name}_database").strip()
    with pytest.raises(NotFound, match="does not run with Docker Compose"):
        here.ask("status")

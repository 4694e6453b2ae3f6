"""Ctrl-C while a program of this machine is at work: nothing is left half done, and the journal says what stands."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
from needs import missing
from stack_helpers import free_port, ok, run

from mcp_tools.cluster.connection import connect
from mcp_tools.cluster.target import Target
from mcp_tools.helm import releases
from mcp_tools.sandbox import lifecycle
from mcp_tools.stack.images import PROGRAMS
from mcp_tools.stack.programs import is_there, output

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
SHIPMATE = [sys.executable, "-P", "-m", "assistant.cli", "--model", "offline"]
QUESTION = r"\[k\]eep it, \[r\]oll it back, or \[w\]atch on\?"
COMPOSE = """
name: {name}
services:
  postgres: {{image: "busybox:latest", command: [sleep, "7200"], init: true, environment: {{POSTGRES_PASSWORD: x}}}}
  mcp-server: &program
    image: "{name}-mcp-server:1"
    build: apps/mcp-server
    command: [sleep, "7200"]
    init: true
    healthcheck: {{test: ["CMD", "false"], interval: 1s, start_period: 600s}}
  backend: {{<<: *program, image: "{name}-backend:1", build: apps/backend}}
  frontend:
    <<: *program
    image: "{name}-frontend:1"
    build: apps/frontend
    environment: {{BETTER_AUTH_SECRET: only-for-this-test-and-not-a-secret}}
    ports: ["127.0.0.1:{port}:3000"]
"""


def until(holds: Callable[[], Any]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError("it never came to that")


def running(root: Path) -> list[str]:
    """The command lines of the programs that are at work in a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # One that ended meanwhile, or that is somebody else's.
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == root:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def anywhere(words: str) -> bool:
    """Whether a command line, in a container even, is these words."""
    return run("pgrep", "--full", "--exact", words).returncode == 0


@dataclass
class Here:
    """Somebody in a checkout, with a home of their own and a terminal."""

    root: Path
    name: str
    environment: dict[str, str]

    def ask(self, sentence: str) -> pexpect.spawn[str]:
        """Ask, and say yes to the plan."""
        command, *rest = [*SHIPMATE, "ask", sentence]
        child = pexpect.spawn(
            command, rest, env=self.environment, encoding="utf-8", timeout=60, cwd=str(self.root), dimensions=(60, 160)
        )
        child.expect(r"Apply th[^?]*\? \[y/N\]")
        child.sendline("y")
        return child

    def ended(self, child: pexpect.spawn[str]) -> tuple[int | None, str]:
        child.expect(pexpect.EOF)
        child.close()
        return child.exitstatus, str(child.before)

    @property
    def last(self) -> dict[str, Any]:
        """The last change in the journal."""
        told = subprocess.run(
            [*SHIPMATE, "history", "--json"],
            env=self.environment, cwd=self.root, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return dict(json.loads(told.stdout)["calls"][0]["result"]["changes"][0])

    def containers(self) -> list[str]:
        return ok("docker", "ps", "--all", "--quiet", f"--filter=label=com.docker.compose.project={self.name}").split()

    def dockerfile(self, program: str, *lines: str) -> None:
        place = self.root / "apps" / program
        place.mkdir(parents=True, exist_ok=True)
        (place / "Dockerfile").write_text("\n".join(["FROM busybox:latest", f"LABEL made-by={self.name}", *lines]))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    if output("docker", "image", "inspect", "busybox:latest") is None:
        missing("no image busybox:latest in a Docker engine: `docker pull busybox`")
    name = f"stopping-{uuid.uuid4().hex[:6]}"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "COMPOSE_", "TODO_"))}
    here = Here(tmp_path / "checkout", name, {**kept, "HOME": str(tmp_path), "TERM": "xterm", "NO_COLOR": "1"})
    plugins = Path.home() / ".docker"
    here.environment |= {"DOCKER_CONFIG": os.environ.get("DOCKER_CONFIG") or str(plugins)}
    for program in PROGRAMS:
        here.dockerfile(program)
    (here.root / "docker-compose.yml").write_text(COMPOSE.format(name=name, port=free_port()))
    try:
        yield here
    finally:
        run("docker", "compose", "--project-directory", str(here.root), "down", "--volumes", "--timeout=1")
        made = ok("docker", "images", "--filter", f"label=made-by={name}", "--format={{.Repository}}:{{.Tag}}")
        if made.split():
            run("docker", "rmi", "--force", *made.split())


def test_a_build_ends_with_all_that_it_started_and_nothing_is_changed(here: Here) -> None:
    # A number that is in no other command line of this machine.
    work = f"sleep 7{int(here.name[-6:], 16)}"
    here.dockerfile("backend", f"RUN {work}")
    child = here.ask("deploy the todo stack with compose")
    until(lambda: anywhere(work))
    child.sendintr()
    code, said = here.ended(child)
    assert code == 130, said
    assert "Nothing was changed." in said
    assert running(here.root) == []
    until(lambda: not anywhere(work))
    assert here.containers() == []
    assert (here.last["status"], here.last["reason"]) == (
        "declined", "it was stopped while it was prepared, and nothing was changed"
    )  # fmt: skip


def test_compose_ends_and_what_it_did_stays_or_goes_as_the_user_says(here: Here) -> None:
    for answer, status in (("r", "rolled_back"), ("k", "interrupted")):
        child = here.ask("deploy the todo stack with compose")
        child.expect_exact("waiting until they are healthy")
        until(here.containers)
        child.sendintr()
        child.expect(QUESTION)
        assert any("compose" in line for line in running(here.root)), "it works on while the user thinks"
        child.sendline(answer)
        _, said = here.ended(child)
        assert running(here.root) == [], said
        assert here.last["status"] == status, said
        assert bool(here.containers()) is (answer == "k")
    assert "may have run in part" in here.last["reason"]


@pytest.fixture
def sandbox(here: Here, tmp_path: Path) -> Iterator[Path]:
    if not is_there("helm"):
        missing("no helm on the PATH: install it")
    yield lifecycle.ensure_running(tmp_path / "sandbox").kubeconfig
    lifecycle.stop(tmp_path / "sandbox")


def test_helm_takes_its_release_back_or_is_left_to_bring_it_to_its_end(here: Here, sandbox: Path) -> None:
    """What is kept must not be left as a release that failed, or that is pending for ever."""
    here.environment["KUBECONFIG"] = str(sandbox)
    connection = connect(Target(kubeconfig=str(sandbox)))

    def state() -> tuple[int, str] | None:
        found = releases.latest(connection, "todo", here.name)
        return (found.stored.version, found.stored.info.status) if found else None

    def cordon(*, on: bool = True) -> None:
        """Whether no further pod is placed."""
        for node in connection.get_object("/api/v1/nodes")["items"]:
            path = f"/api/v1/nodes/{node['metadata']['name']}"
            connection.write(
                "PATCH", path, {"spec": {"unschedulable": on}}, content_type="application/merge-patch+json"
            )

    def has_a_database() -> bool:
        pods = connection.get_object(f"/api/v1/namespaces/{here.name}/pods")["items"]
        return any(pod["spec"].get("nodeName") for pod in pods)

    at_work = f".*helm upgrade --install todo .*{here.name}.*"
    try:
        for answer, status, end in (("r", "rolled_back", None), ("k", "interrupted", (1, "deployed"))):
            child = here.ask(f"deploy the todo stack with helm in namespace {here.name}")
            until(has_a_database)
            cordon()
            until(lambda: state() == (1, "pending-install"))
            child.expect(r"deployment/[\w-]+ in namespace")
            child.sendintr()
            child.expect(QUESTION)
            child.sendline(answer)
            _, said = here.ended(child)
            assert here.last["status"] == status, said
            assert anywhere(at_work) is (answer == "k")
            assert ("which helm brings about by itself" in here.last["reason"]) is (answer == "k")
            cordon(on=False)
            until(lambda end=end: state() == end and not anywhere(at_work))
    finally:
        connection.close()

"""`shipmate health`: an answer and an exit code for scripts, and a live dashboard in a terminal."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from faces_helpers import User, shown

from mcp_tools.sandbox import lifecycle

Api = Callable[..., Any]
LEFT = r"\x1b\[\?1049l"
"""The terminal shows what it showed before."""
PATIENCE_SECONDS = 90


def watching(user: User, *arguments: str, size: tuple[int, int] = (24, 80)) -> pexpect.spawn[str]:
    """A shell in a terminal in which the dashboard runs, and which then tells how it left the terminal."""
    command = " ".join(f"'{word}'" for word in user.arguments("health", "--watch", "--every", "1", *arguments))
    return pexpect.spawn(
        "bash",
        ["--norc", "-c", f"{command}; echo CODE=$?; stty -a"],
        # Some shells export the size that they began with.
        env={**user.environment, "COLUMNS": str(size[1]), "LINES": str(size[0])},
        encoding="utf-8",
        timeout=PATIENCE_SECONDS,
        dimensions=size,
        cwd=str(user.home),
    )


def ended(child: pexpect.spawn[str]) -> int:
    """Its exit code, once the terminal is as it was."""
    child.expect(LEFT)
    child.expect(r"CODE=(\d+)")
    code = int(child.match[1])
    child.expect(pexpect.EOF)
    assert "\nisig icanon iexten echo " in child.before
    return code


def test_the_answer_is_for_people_and_for_programs(user: User) -> None:
    told = user("health")
    assert told.code == 0
    assert f"of 100  Namespace {user.namespace}" in told.out
    assert "deployment/backend" in told.out
    assert "Do first" in told.out
    data = user("health", "--json").json
    assert data["workloads"][0]["object"] == "deployment/backend"
    assert 0 < data["health"]["score"] < 100
    assert data["health"]["was"] == data["health"]["score"]


def test_a_score_below_the_wanted_one_is_an_exit_code(user: User) -> None:
    score = user("health", "backend", "--json").json["health"]["score"]
    assert user("health", "backend", "--fail-below", str(score)).code == 0
    assert user("health", "backend", "--fail-below", str(score + 1)).code == 1
    assert user("health", "--fail-below", "101").code == 2
    assert user("health", "nobody").code == 2


def test_what_does_not_go_together_is_refused(user: User) -> None:
    assert "whole cluster" in user("health", "-A").err
    assert "--watch shows" in user("health", "--watch", "--json").err
    no_terminal = user("health", "--watch")
    assert no_terminal.code == 2
    assert "needs a terminal" in no_terminal.err


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_the_dashboard_shows_pods_and_leaves_the_terminal_as_it_was(user: User, key: str) -> None:
    child = watching(user)
    child.expect("of 100")
    child.expect(r"backend-\w+")
    child.send(key)
    assert ended(child) == 0


def test_the_dashboard_fits_a_terminal_that_grows(user: User) -> None:
    child = watching(user)
    child.expect("of 100")
    child.expect("STATUS")
    child.setwinsize(40, 130)
    child.expect(shown("AGE CPU"))  # Only a wide one has room for the pods' age.
    child.setwinsize(10, 40)
    child.setwinsize(24, 80)
    child.expect("of 100")
    child.send("q")
    assert ended(child) == 0


def test_a_trouble_appears_while_one_watches(user: User, api: Api) -> None:
    child = watching(user)
    child.expect("of 100")
    path = f"/apis/apps/v1/namespaces/{user.namespace}/deployments/backend"
    container = {"name": "app", "image": "nginx:no-such-tag"}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    api("PATCH", path, patch, "application/strategic-merge-patch+json")
    child.expect("ImagePull")
    child.expect(shown("Go back to the revision of deployment/backend"))
    child.send("q")
    assert ended(child) == 0


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[tuple[User, int]]:
    """Somebody with a sandbox of their own, and its process."""
    state = tmp_path / "own"
    info = lifecycle.ensure_running(state)
    yield User(tmp_path, info.kubeconfig, "todo-app"), info.pid
    lifecycle.stop(state)


def test_the_dashboard_says_that_the_cluster_does_not_answer_and_goes_on_when_it_does(lonely: tuple[User, int]) -> None:
    user, cluster = lonely
    child = watching(user)
    child.expect("of 100")
    os.kill(cluster, signal.SIGSTOP)
    try:
        child.expect("No answer for")
    finally:
        os.kill(cluster, signal.SIGCONT)
    child.expect("seen [0-3] s ago")
    os.kill(cluster, signal.SIGSTOP)
    try:
        child.expect("No answer yet")
        child.send("q")
        assert ended(child) == 0
    finally:
        os.kill(cluster, signal.SIGCONT)


def test_the_dashboard_waits_for_a_cluster_that_is_not_there_yet(stranger: User, cluster: Path) -> None:
    away = stranger.home / "away"
    away.write_text(re.sub(r"(https://127\.0\.0\.1):\d+", r"\1:9", cluster.read_text(encoding="utf-8")))
    child = watching(User(stranger.home, away, None))
    child.expect("No answer for")
    child.send("q")
    assert ended(child) == 0

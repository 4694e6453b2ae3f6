"""Runbooks and agents as a user runs them: processes with an exit code."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from faces_helpers import User, replicas

Api = Callable[..., Any]
EVERY_MINUTE = """\
name: watcher
description: Looks every minute.
instructions: Look.
task: Look.
offline: [status]
tools: [looking]
schedule: "* * * * *"
"""


def test_a_runbook_is_listed_shown_and_run_with_an_exit_code(user: User, api: Api) -> None:
    assert "| scale |" in user("runbook", "list").out
    assert "on_failure: undo" in user("runbook", "show", "scale").out
    ended = user("runbook", "run", "scale", "--set", "workload=backend", "--set", "replicas=3", "--yes")
    assert ended.code == 0, ended.err
    assert "3/4 Scale" in ended.err
    assert "✔ replicas.ready is 3 (equal to 3)" in ended.err
    assert replicas(api, str(user.namespace)) == 3
    assert "runbook scale, run" in user("history").out


def test_a_runbook_of_ones_own_stops_at_a_failed_check_and_says_how_to_go_on(user: User, api: Api) -> None:
    own = user.home / "double.md"
    own.write_text(
        "---\nname: double\ndescription: Twice as many.\n---\n# Double\n\n1. Scale.\n\n    ```yaml\n"
        "    tool: scale\n    arguments: {target: backend, replicas: 4}\n    expect:\n"
        "      - {path: replicas.ready, operator: equals, value: 5}\n    ```\n"
    )
    ended = user("runbook", "run", "--file", str(own), "--yes")
    assert ended.code == 1
    assert "replicas.ready is 4, and should be equal to 5" in ended.err
    assert "Undo with `shipmate undo 1`" in ended.err
    assert replicas(api, str(user.namespace)) == 4
    assert user("undo", "1", "--yes").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["runbook", "run", "scael"], 2, "no runbook 'scael'"),
        (["runbook", "run", "scale", "--set", "workload=backend"], 2, "needs replicas"),
        (["runbook", "run", "scale", "--set", "replicas"], 2, "--set NAME=VALUE"),
        (["runbook", "run", "rotate-secret", "--set", "value=hunter2"], 2, "everybody on the machine"),
        (["runbook", "run"], 2, "Which runbook?"),
        (["runbook", "run", "scale", "--set", "workload=backend", "--set", "replicas=3"], 4, "Step 3 of 4"),
        (["agents", "run", "deploier"], 2, "no agent 'deploier'"),
        (["agents", "schedule", "deployer"], 2, "deployer has no schedule"),
    ],
)
def test_what_is_wrong_is_said_with_an_exit_code(user: User, arguments: list[str], code: int, says: str) -> None:
    ended = user(*arguments)
    assert (ended.code, says in ended.err) == (code, True), ended.err


def test_an_agent_is_run_and_its_run_is_listed(user: User) -> None:
    ended = user("agents", "run", "security-reviewer", "who can delete pods")
    assert ended.code == 0, ended.err
    assert "system:masters" in ended.out
    answer = user("agents", "run", "troubleshooter", "--json").json
    assert answer["exit_code"] == 0
    newest, oldest = user("agents", "runs", "--json").json["runs"]
    assert (newest["agent"], newest["status"], newest["started_by"]) == ("troubleshooter", "done", "hand")
    assert oldest["request"] == "who can delete pods"
    assert "security-reviewer" in user("agents", "runs").out


def test_an_agent_that_may_not_change_does_not_by_a_typed_request_either(user: User, api: Api) -> None:
    ended = user("agents", "run", "security-reviewer", "scale backend to 5")
    assert ended.code == 1
    assert "may not use scale" in ended.err
    planned = user("agents", "run", "deployer", "scale backend to 5")
    assert planned.code == 0
    assert "Left to you: Scale deployment/backend" in planned.err
    assert replicas(api, str(user.namespace)) == 2


@pytest.mark.timeout(400)
def test_the_scheduler_runs_what_is_due_until_it_is_stopped(user: User) -> None:
    own = user.home / ".config" / "shipmate" / "agents"
    own.mkdir(parents=True)
    (own / "watcher.yaml").write_text(EVERY_MINUTE)
    assert user("agents", "schedule", "watcher", "--once").code == 0
    with subprocess.Popen(
        user.arguments("agents", "schedule", "watcher"),
        env=user.environment,
        cwd=user.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        end = time.monotonic() + 150
        while len(user("agents", "runs", "--json").json["runs"]) < 2:
            assert time.monotonic() < end, "it was never due"
            time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr
        assert "watcher: next at" in process.stderr.read()
    assert {run["started_by"] for run in user("agents", "runs", "--json").json["runs"]} == {"schedule"}

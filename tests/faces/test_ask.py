"""`shipmate ask` and the commands beside it: what goes where, what changes, and how the process ends."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pexpect
import pytest
from faces_helpers import User, deployment, replicas, shown

Api = Callable[..., Any]


def test_an_answer_goes_to_standard_output_and_nothing_else_does(user: User) -> None:
    ended = user("ask", "get deployments")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split()[:2] == ["NAME", "READY"]
    assert lines[1].split()[:2] == ["backend", "2/2"]
    assert not ended.err
    assert "\x1b" not in ended.out


def test_a_change_is_verified_listed_and_undone(user: User, api: Api) -> None:
    done = user("ask", "scale backend to 3", "--yes")
    assert done.code == 0
    assert "Done and verified" in done.out
    assert "3 of 3 replicas ready" in done.out
    assert "spec.replicas: 2 → 3" in done.err
    assert replicas(api, str(user.namespace)) == 3
    assert "verified" in user("history").out

    undone = user("undo", "--yes")
    assert undone.code == 0
    assert replicas(api, str(user.namespace)) == 2
    again = user("undo", "1", "--yes")
    assert again.code == 2
    assert "undone already" in again.err


def test_without_anybody_to_ask_nothing_changes(user: User, api: Api) -> None:
    ended = user("ask", "scale backend to 3")
    assert ended.code == 4
    assert not ended.out
    assert "spec.replicas: 2 → 3" in ended.err
    assert "--yes" in ended.err
    assert replicas(api, str(user.namespace)) == 2


def test_a_dry_run_shows_the_diff_and_its_plan_can_be_applied_later(user: User, api: Api) -> None:
    planned = user("ask", "scale backend to 3", "--dry-run", "--json")
    assert planned.code == 0
    data = planned.json["calls"][0]["result"]
    assert data["status"] == "planned"
    assert data["diff"] == [{"path": "spec.replicas", "old": 2, "new": 3}]
    assert replicas(api, str(user.namespace)) == 2
    assert user("ask", f"apply plan {data['plan_id']}", "--yes").code == 0
    assert replicas(api, str(user.namespace)) == 3
    assert user("ask", f"apply plan {data['plan_id']}", "--yes").code == 1


@pytest.mark.parametrize(("answer", "code", "after"), [("n", 3, 2), ("", 3, 2), ("y", 0, 3)])
def test_a_person_at_the_terminal_decides(user: User, api: Api, answer: str, code: int, after: int) -> None:
    command, *arguments = user.arguments("ask", "scale backend to 3")
    child = pexpect.spawn(command, arguments, env=user.environment, encoding="utf-8", timeout=30, cwd=str(user.home))
    child.expect(shown("spec.replicas: 2 → 3"))
    child.expect(shown("Apply this? [y/N]"))
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == code
    assert replicas(api, str(user.namespace)) == after


def test_a_rollout_that_fails_is_rolled_back_with_its_reason(user: User, api: Api) -> None:
    ended = user("ask", "set image of backend to todo-backend:absent", "--yes")
    assert ended.code == 1
    assert "Failed and rolled back" in ended.out
    assert "image cannot be pulled" in ended.out
    live = api("GET", f"/apis/apps/v1/namespaces/{user.namespace}/deployments/backend")
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"


@pytest.mark.parametrize(
    ("request_text", "says"),
    [
        ("scale bakend to 3", "Did you mean deployment/backend"),
        ("make me a sandwich", "I do not understand"),
        ("", "There is nothing to do"),
        ("scale backend to 3 or 4", "I do not understand"),
        ("scale backend", "how many"),
    ],
)
def test_what_is_not_certain_is_refused_with_what_to_do(user: User, api: Api, request_text: str, says: str) -> None:
    ended = user("ask", request_text, "--yes", text="")
    assert says in ended.err + ended.out
    assert ended.code == 2
    assert replicas(api, str(user.namespace)) == 2


def test_a_request_is_read_from_standard_input(user: User) -> None:
    assert "backend" in user("ask", text="get deployments\n").out
    assert "backend" in user("ask", "-", text="get deployments\n").out


def test_as_json_also_an_error_is_one_object(user: User) -> None:
    ended = user("ask", "scale bakend to 3", "--yes", "--json")
    assert ended.json["error"]["code"] == "not_found"
    assert ended.json["error"]["candidates"] == [f"deployment/backend in namespace {user.namespace}"]
    assert ended.json["exit_code"] == ended.code == 2


def test_without_a_cluster_the_sandbox_is_offered_and_nothing_is_started(stranger: User) -> None:
    ended = stranger("ask", "status")
    assert ended.code == 1
    assert "--sandbox" in ended.err
    assert not ended.out
    assert "not running" in stranger("doctor").out


def test_a_cluster_that_never_answers_is_an_error_and_no_hang(stranger: User, tmp_path: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        stranger.kubeconfig = tmp_path / "config"
        stranger.kubeconfig.write_text(
            f"apiVersion: v1\nkind: Config\ncurrent-context: silent\n"
            f"clusters: [{{name: c, cluster: {{server: '{address}'}}}}]\n"
            "users: [{name: u, user: {}}]\ncontexts: [{name: silent, context: {cluster: c, user: u}}]\n"
        )
        ended = stranger("ask", "status")
    assert ended.code == 1
    assert "does not answer" in ended.err
    assert "doctor" in ended.err


def test_what_a_cluster_holds_cannot_drive_the_terminal(user: User, api: Api) -> None:
    body = deployment("evil", note="\x1b]0;owned\x07\x1b[2Jplain \u202egnp.exe")
    api("POST", f"/apis/apps/v1/namespaces/{user.namespace}/deployments", body)
    command, *arguments = user.arguments("ask", "describe evil")
    child = pexpect.spawn(command, arguments, env={**user.environment, "NO_COLOR": "1"}, encoding="utf-8", timeout=30)
    child.expect(pexpect.EOF)
    output = str(child.before)
    assert "plain" in output
    assert "\x1b]" not in output
    assert "\x07" not in output
    assert "\x1b[2J" not in output
    assert "\u202e" not in output


def test_a_secret_is_masked_on_every_way_out(user: User, api: Api) -> None:
    api(
        "POST",
        f"/api/v1/namespaces/{user.namespace}/secrets",
        {"metadata": {"name": "db"}, "stringData": {"password": "hunter2-hunter2"}},
    )
    told = user("ask", "describe secret db")
    as_json = user("ask", "describe secret db", "--json")
    encoded = "aHVudGVyMi1odW50ZXIy"
    for ended in (told, as_json):
        assert ended.code == 0
        assert "password" in ended.out
        assert "hunter2" not in ended.out
        assert encoded not in ended.out


def test_a_reader_that_hangs_up_is_no_crash(user: User) -> None:
    asked = subprocess.Popen(
        user.arguments("ask", "describe backend"), env=user.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert asked.stdout is not None
    asked.stdout.close()
    assert asked.stderr is not None
    complaint = asked.stderr.read().decode()
    asked.wait(timeout=30)
    assert "Traceback" not in complaint
    assert "Exception ignored" not in complaint


def test_a_change_is_seen_through_though_nobody_reads_its_end(user: User, api: Api) -> None:
    asked = subprocess.Popen(
        user.arguments("ask", "scale backend to 3", "--yes"), env=user.environment, stdout=subprocess.PIPE
    )
    assert asked.stdout is not None
    asked.stdout.close()
    asked.wait(timeout=60)
    assert replicas(api, str(user.namespace)) == 3
    assert "verified" in user("history").out
    assert user("undo", "--yes").code == 0


def test_a_settings_file_that_is_wrong_is_named(user: User) -> None:
    place = user.home / ".config/shipmate/config.toml"
    place.parent.mkdir(parents=True)
    place.write_text("modle = 'openai:gpt-5-mini'\n")
    ended = user("ask", "status")
    assert ended.code == 2
    assert str(place) in ended.err
    assert "modle" in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("scale", "backend", "to", "3"), 'shipmate ask "scale backend to 3"'),
        (("ask", "status", "--yes", "--dry-run"), "exclude each other"),
        (("ask", "status", "--sandbox", "--context", "x"), "cluster of its own"),
        (("ask", "status", "--model", "nobody:x"), "There is no model provider"),
        (("ask", "status", "--model", "openai"), "OPENAI_API_KEY"),
        (("ask", "status", "--context", "absent"), "no context 'absent'"),
    ],
)
def test_a_wrong_command_line_says_what_would_be_right(user: User, arguments: tuple[str, ...], says: str) -> None:
    ended = user(*arguments)
    assert ended.code == 2
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_the_doctor_says_what_is_configured_reachable_and_broken(user: User, stranger: User) -> None:
    healthy = user("doctor", "--json")
    found = {item["subject"]: item for item in healthy.json["findings"]}
    assert healthy.code == 0
    assert found["cluster"]["state"] == found["rights"]["state"] == "good"
    assert found["model"]["state"] == "absent"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    broken = user(
        "doctor",
        "--model",
        "openai",
        OPENAI_API_KEY="sk-aaaaaaaaaaaaaaaaaaaa",
        OPENAI_BASE_URL=f"http://127.0.0.1:{port}",
    )
    assert broken.code == 1
    assert "nothing answers" in broken.out
    assert "sk-aaaa" not in broken.out + broken.err


def test_the_demo_shows_the_main_job_without_a_terminal(stranger: User) -> None:
    try:
        ended = stranger("demo")
        assert ended.code == 0
        assert "deployment/backend      2/2" in ended.out
        assert "spec.replicas: 2 → 3" in ended.err
        assert "Done and verified" in ended.out
        kubeconfig = stranger("sandbox", "kubeconfig").out.strip()
        assert kubeconfig.startswith(str(stranger.home))
        assert "3/3" in stranger("ask", "get deployments", "--sandbox").out
    finally:
        assert "stopped" in stranger("sandbox", "stop").out

"""The chat, in a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pexpect
import pytest
from faces_helpers import User, replicas, shown

Api = Callable[..., Any]
PROMPT = "❯ "


class Terminal:
    """A terminal with the chat in it."""

    def __init__(self, user: User, *arguments: str, **environment: str) -> None:
        command, *rest = user.arguments(*arguments)
        self.child = pexpect.spawn(
            command,
            rest,
            env={**user.environment, **environment},
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 120),
            cwd=str(user.home),
        )
        self.child.expect_exact(PROMPT)

    def type(self, text: str) -> None:
        self.child.send(text)

    def enter(self, text: str) -> None:
        # prompt_toolkit reads what was typed ahead as a paste would be: a pause makes it keys.
        self.child.send(text)
        time.sleep(0.2)
        self.child.send("\r")

    def expect(self, text: str) -> str:
        self.child.expect(shown(text))
        return str(self.child.before) + text

    def leave(self) -> int | None:
        self.child.expect_exact(PROMPT)
        self.child.sendeof()
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus)


@pytest.fixture
def chat(user: User) -> Iterator[Terminal]:
    terminal = Terminal(user)
    yield terminal
    terminal.child.close(force=True)


def test_a_change_is_shown_approved_watched_and_undone(chat: Terminal, user: User, api: Api) -> None:
    chat.enter("scale backend to 3")
    chat.expect("spec.replicas: 2 → 3")
    chat.expect("Apply this? [y/N]")
    chat.child.sendline("y")
    chat.expect("Done and verified")
    assert replicas(api, str(user.namespace)) == 3
    chat.expect(PROMPT)
    chat.enter("/undo")
    chat.expect("Apply this? [y/N]")
    chat.child.sendline("y")
    chat.expect("Done and verified")
    assert replicas(api, str(user.namespace)) == 2
    assert chat.leave() == 0


def test_it_remembers_what_was_talked_about(chat: Terminal, user: User, api: Api) -> None:
    chat.enter("describe backend")
    chat.expect("Deployment/backend")
    chat.expect(PROMPT)
    chat.enter("scale it to 1")
    chat.expect("spec.replicas: 2 → 1")
    chat.expect("Apply this? [y/N]")
    chat.child.sendline("n")
    chat.expect("Declined")
    assert replicas(api, str(user.namespace)) == 2


def test_ctrl_c_stops_the_turn_and_not_the_program(chat: Terminal) -> None:
    chat.type("half a sentence")
    chat.child.sendintr()
    chat.expect(PROMPT)
    chat.enter("set image of backend to todo-backend:absent")
    chat.expect("Apply this? [y/N]")
    chat.child.sendline("y")
    chat.expect("replicas updated")
    chat.child.sendintr()
    chat.expect("[k]eep it, [r]oll it back, or [w]atch on?")
    chat.child.sendline("k")
    chat.expect("Applied, not verified")
    chat.expect(PROMPT)
    chat.enter("/undo")
    chat.expect("Apply this? [y/N]")
    chat.child.sendintr()
    chat.expect("Declined")
    chat.enter("get deployments")
    chat.expect("backend")
    assert chat.leave() == 0


def test_a_rollout_can_be_stopped_and_taken_back_or_watched_on(chat: Terminal, user: User, api: Api) -> None:
    question = "[k]eep it, [r]oll it back, or [w]atch on?"
    chat.enter("restart backend")
    chat.expect("Apply this? [y/N]")
    chat.child.sendline("y")
    chat.expect("replicas updated")
    chat.child.sendintr()
    chat.expect(question)
    chat.child.sendline("w")
    chat.expect("Done and verified")
    chat.expect(PROMPT)
    chat.enter("set image of backend to todo-backend:absent")
    chat.expect("Apply this? [y/N]")
    chat.child.sendline("y")
    chat.expect("replicas updated")
    chat.child.sendintr()
    chat.expect(question)
    chat.child.sendline("r")
    chat.expect("Failed and rolled back")
    chat.expect("wanted it back")
    live = api("GET", f"/apis/apps/v1/namespaces/{user.namespace}/deployments/backend")
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"


def test_a_line_that_ends_in_a_backslash_goes_on(chat: Terminal) -> None:
    chat.enter("get \\")
    chat.expect("…")
    chat.enter("deployments")
    chat.expect("READY")
    chat.expect("backend")


def test_tab_completes_what_the_cluster_holds(chat: Terminal) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        chat.type("describe backe\t")
        time.sleep(0.5)
        chat.child.send("\r")
        if chat.child.expect_exact(["Deployment/backend", "There is no"]) == 0:
            return
        chat.expect(PROMPT)
    raise AssertionError("the name was never completed")


def test_without_a_cluster_the_sandbox_is_offered(stranger: User) -> None:
    terminal = Terminal(stranger)
    terminal.enter("status")
    terminal.expect("No cluster is configured")
    terminal.expect("Use the embedded sandbox instead? [y/N]")
    terminal.child.sendline("n")
    terminal.expect(PROMPT)
    terminal.enter("status")
    terminal.expect("Use the embedded sandbox instead? [y/N]")
    terminal.child.sendline("y")
    terminal.expect("nothing is wrong")
    assert terminal.leave() == 0
    assert "stopped" in stranger("sandbox", "stop").out


def test_secrets_that_were_typed_are_not_kept(chat: Terminal, user: User) -> None:
    chat.enter("describe backend password=hunter2-hunter2")
    chat.expect(PROMPT)
    chat.leave()
    kept = b"".join(place.read_bytes() for place in user.home.rglob("*") if place.is_file())
    assert b"describe backend" in kept
    assert b"hunter2" not in kept


def test_a_pipe_is_answered_line_by_line(user: User) -> None:
    ended = user(text="get deployments\nmake me a sandwich\nget pods\n")
    assert ended.code == 2
    assert ended.out.count("READY") == 2
    assert "do not understand" in ended.err

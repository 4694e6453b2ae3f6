"""Logs that are followed and ports that are held open, as a user sees and ends them."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pexpect
import pytest
from faces_helpers import User, heard, shown

Api = Callable[..., Any]
PROMPT = "❯ "
SAYS = "while true; do echo token=abcdef123456 tick; sleep 1; done"


@pytest.fixture
def talker(user: User, api: Api) -> str:
    """The namespace of a user with a Deployment `talker` of two pods that write, and that serve port 80."""
    name = str(user.namespace)
    container = {
        "name": "app",
        "image": "busybox:latest",
        "command": ["sh", "-c", SAYS],
        "ports": [{"containerPort": 80}],
    }
    labels = {"app": "talker"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    path = f"/apis/apps/v1/namespaces/{name}/deployments"
    api("POST", path, {"metadata": {"name": "talker"}, "spec": spec})
    while api("GET", f"{path}/talker").get("status", {}).get("readyReplicas") != 2:
        time.sleep(0.1)
    return name


def terminal(user: User, *arguments: str) -> pexpect.spawn[str]:
    command, *rest = user.arguments(*arguments)
    return pexpect.spawn(
        command,
        rest,
        env=user.environment,
        encoding="utf-8",
        timeout=90,
        dimensions=(40, 120),
        cwd=str(user.home),
        preexec_fn=heard,
    )


def test_a_log_is_followed_in_the_chat_in_a_colour_for_each_pod_until_ctrl_c(user: User, talker: str) -> None:
    chat = terminal(user)
    chat.expect_exact(PROMPT)
    for words in ("logs -f deploy/talker", "/follow talker"):
        chat.send(words)
        time.sleep(0.2)
        chat.send("\r")
        chat.expect(shown("Following; Ctrl-C ends it."))
        lines = ""
        while len(colours := set(re.findall(r"(\x1b\[3\dm)talker-\S+\x1b\[0m", lines))) < 2:
            chat.expect(shown("token=[redacted] tick"))
            lines += chat.before
        assert len(colours) == 2
        chat.sendintr()
        chat.expect_exact(PROMPT)
        assert "Stopping" not in chat.before
        assert "rror" not in chat.before
    chat.sendeof()
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0


def test_a_log_is_followed_into_a_pipe_until_ctrl_c_or_until_nobody_reads(user: User, talker: str) -> None:
    command = user.arguments("ask", "tail talker logs")
    options: dict[str, Any] = {"env": user.environment, "cwd": user.home, "text": True}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as following:
        assert following.stdout is not None
        assert re.fullmatch(r"\[talker-\S+\] token=\[redacted\] tick\n", following.stdout.readline())
        following.send_signal(signal.SIGINT)
        assert following.wait(20) == 130
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options) as following:
        assert following.stdout is not None
        following.stdout.readline()
        following.stdout.close()
        assert following.wait(20) != 0


def test_ask_holds_a_port_open_until_ctrl_c(user: User, talker: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = terminal(user, "ask", f"forward talker to {port}")
    asked.expect(shown("Forwarding; Ctrl-C ends it."))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.status == 200
    asked.sendintr()
    asked.expect(pexpect.EOF)
    asked.close()
    assert asked.exitstatus == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)


def test_ask_leads_to_the_stack_until_ctrl_c(user: User, api: Api) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://localhost:{free.getsockname()[1]}"
    name = f"{user.namespace}-todo"
    deployed = terminal(user, "ask", f"deploy the todo stack at {url} in namespace {name}", "--yes")
    deployed.expect(pexpect.EOF, timeout=120)
    asked = terminal(user, "ask", f"open the todo stack in namespace {name}")
    try:
        asked.expect(shown("Forwarding; Ctrl-C ends it."))
        with urllib.request.urlopen(f"{url}/", timeout=10) as answer:
            assert answer.status == 200
        asked.sendintr()
        asked.expect(pexpect.EOF)
    finally:
        api("DELETE", f"/api/v1/namespaces/{name}")


def test_the_chat_keeps_a_port_open_between_requests_and_closes_it_when_it_ends(user: User, talker: str) -> None:
    chat = terminal(user)
    chat.expect_exact(PROMPT)

    def enter(text: str, answer: str) -> None:
        chat.send(text)
        time.sleep(0.2)
        chat.send("\r")
        chat.expect(shown(answer))

    enter("forward talker", "leads to port 80")
    port = int(re.findall(r"127\.0\.0\.1:(\d+)", chat.before)[-1])
    chat.expect_exact(PROMPT)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.status == 200
    enter("/forwards", "1 open port forward.")
    chat.expect_exact(PROMPT)
    chat.sendeof()
    chat.expect(pexpect.EOF)
    chat.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)

"""The tools, called with the official client."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import mcp
import pytest
from conftest import TASK, Backend, Service, Start, environment
from mcp.client.streamable_http import streamable_http_client

TOKEN = "header.claims-of-ada.signature"
ID = TASK["id"]
DONE = f"/api/tasks/{ID}/complete"


@asynccontextmanager
async def client(service: Service, token: str | None = TOKEN, **headers: str) -> AsyncIterator[mcp.Client]:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{service.url}/mcp", http_client=http)
        async with mcp.Client(transport) as connected:
            yield connected


def call(service: Service, tool: str, token: str | None = TOKEN, **arguments: Any) -> Any:
    async def calling() -> Any:
        async with client(service, token, **{"X-Request-ID": "from-the-agent"}) as connected:
            return await connected.call_tool(tool, arguments)

    return asyncio.run(calling())


def said(result: Any) -> str:
    assert result.is_error
    text: str = result.content[0].text
    return text


@pytest.mark.parametrize(
    ("tool", "arguments", "method", "path", "body"),
    [
        (
            "add_task",
            {"title": "Buy milk", "due_date": "2030-01-02", "tags": ["home"]},
            "POST",
            "/api/tasks",
            {
                "title": "Buy milk",
                "description": "",
                "priority": "medium",
                "tags": ["home"],
                "due_date": "2030-01-02",
                "recurrence": "none",
            },
        ),
        ("update_task", {"task_id": ID, "title": "New"}, "PATCH", f"/api/tasks/{ID}", {"title": "New"}),
        ("update_task", {"task_id": ID, "clear_due_date": True}, "PATCH", f"/api/tasks/{ID}", {"due_date": None}),
        ("update_task", {"task_id": ID, "description": ""}, "PATCH", f"/api/tasks/{ID}", {"description": ""}),
        ("complete_task", {"task_id": ID}, "POST", DONE, {"completed": True}),
        (
            "complete_task",
            {"task_id": ID, "completed": False},
            "POST",
            f"/api/tasks/{ID}/complete",
            {"completed": False},
        ),
    ],
)
def test_a_tool_becomes_the_request_it_means(
    service: Service, backend: Backend, tool: str, arguments: dict[str, Any], method: str, path: str, body: Any
) -> None:
    result = call(service, tool, **arguments)
    assert not result.is_error, result
    assert result.structured_content == TASK
    (seen,) = backend.seen
    assert (seen.method, seen.path, seen.body) == (method, path, body)
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["x-request-id"] == "from-the-agent"


def test_tasks_are_listed_with_every_filter(service: Service, backend: Backend) -> None:
    backend.answer = {"items": [TASK], "total": 1, "page": 1, "page_size": 20}
    result = call(service, "list_tasks", search="milk & eggs", status="open", due_before="2030-01-02", priority="high")
    assert result.structured_content == backend.answer
    query = httpx2.URL(backend.seen[0].path).params
    given = {name: value for name, value in query.items() if value}
    assert given == {
        "search": "milk & eggs",
        "status": "open",
        "priority": "high",
        "due_before": "2030-01-02",
        "sort": "created",
        "order": "desc",
        "page": "1",
        "page_size": "20",
    }


def test_a_deleted_task_is_named(service: Service, backend: Backend) -> None:
    backend.status = 204
    assert call(service, "delete_task", task_id=ID).structured_content == {"deleted": ID}
    assert (backend.seen[0].method, backend.seen[0].path) == ("DELETE", f"/api/tasks/{ID}")


def test_the_tools_say_what_they_do_to_tasks(service: Service) -> None:
    async def listing() -> Any:
        async with client(service, token=None) as connected:
            return (await connected.list_tools()).tools

    tools = {tool.name: tool.annotations for tool in asyncio.run(listing())}
    hints = {name: (said.read_only_hint, said.destructive_hint) for name, said in tools.items()}
    assert hints == {
        "add_task": (None, False),
        "list_tasks": (True, None),
        "update_task": (None, False),
        "complete_task": (None, False),
        "delete_task": (None, True),
    }


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (404, {"detail": "There is no such task."}, "There is no such task."),
        (401, {"detail": "The token has expired. Sign in again."}, "The token has expired. Sign in again."),
        (503, {"detail": "host=10.0.0.7 user=todo"}, "The task service has a problem. Try again soon."),
        (418, ["not", "a", "problem"], "I'm a Teapot"),
    ],
)
def test_a_refusal_reaches_the_agent_in_words(
    service: Service, backend: Backend, status: int, answer: Any, expected: str
) -> None:
    backend.status, backend.answer = status, answer
    assert said(call(service, "complete_task", task_id=ID)) == expected


def test_without_a_token_nothing_is_asked(service: Service, backend: Backend) -> None:
    assert "Nobody is signed in" in said(call(service, "list_tasks", token=None))
    assert backend.seen == []


@pytest.mark.parametrize("task_id", ["../../health", "1", "", f"{ID}/complete"])
def test_an_id_that_is_none_never_becomes_a_path(service: Service, backend: Backend, task_id: str) -> None:
    assert call(service, "delete_task", task_id=task_id).is_error
    assert backend.seen == []


def test_a_backend_that_does_not_answer_is_said_without_its_address(start: Start) -> None:
    with start(BACKEND_URL="http://127.0.0.1:9") as service:
        assert said(call(service, "list_tasks")) == "The task service does not answer. Try again soon."
        assert httpx2.get(f"{service.url}/health").status_code == 200


def test_two_users_at_once_keep_their_own_tokens(service: Service, backend: Backend) -> None:
    async def one(user: int) -> None:
        async with client(service, f"token-of-{user}") as connected:
            for number in range(5):
                await connected.call_tool("add_task", {"title": f"{user}-{number}"})

    async def everybody() -> None:
        await asyncio.gather(*(one(user) for user in range(8)))

    asyncio.run(everybody())
    assert len(backend.seen) == 40
    for seen in backend.seen:
        assert seen.headers["authorization"] == f"Bearer token-of-{seen.body['title'].split('-')[0]}"


def test_neither_token_nor_task_is_in_the_log_and_every_line_is_json(service: Service, backend: Backend) -> None:
    call(service, "add_task", title="A private title")
    backend.status, backend.answer = 500, {"detail": "boom"}
    call(service, "add_task", title="A private title")
    call(service, "delete_task", task_id="A private title")
    text = service.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines if line.get("path") == "/mcp"]
    assert "from-the-agent" in {line.get("request_id") for line in lines}
    for secret in (TOKEN, "claims-of-ada", "A private title", "Bearer"):
        assert secret not in text


def test_a_stop_finishes_the_calls_in_flight(start: Start, backend: Backend) -> None:
    backend.delay = 1

    async def calls(service: Service) -> list[Any]:
        async with client(service) as connected:
            await connected.list_tools()  # which the client would do after the first answer
            pending = [asyncio.create_task(connected.call_tool("add_task", {"title": str(n)})) for n in range(8)]
            while len(backend.seen) < len(pending):  # noqa: ASYNC110 - the backend is a thread
                await asyncio.sleep(0.01)
            service.process.send_signal(signal.SIGTERM)
            return await asyncio.gather(*pending)

    with start(BACKEND_URL=backend.url) as service:
        assert [result.is_error for result in asyncio.run(calls(service))] == [False] * 8
        service.process.wait(timeout=30)


def test_a_drain_is_seen_before_the_server_is_gone(start: Start, backend: Backend) -> None:
    with start(BACKEND_URL=backend.url, DRAIN_SECONDS="60") as service:
        service.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while httpx2.get(f"{service.url}/health").status_code != 503:
            assert time.monotonic() < deadline
        assert not call(service, "add_task", title="Late").is_error


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"BACKEND_URL": "backend:8000"}, "mcp-server: BACKEND_URL: must be a URL such as http://backend:8000"),
        ({"LOG_LEVEL": "loud"}, "mcp-server: LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(setting: dict[str, str], line: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "todo_mcp"],
        cwd=tmp_path,
        env=environment(**setting),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (2, line + "\n", "")

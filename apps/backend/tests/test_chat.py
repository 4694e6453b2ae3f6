"""The chat: a model at the wire, the real agent, the real MCP server, and the user's tasks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import model as models
import pytest
from conftest import Stack, Start
from issuer import Issuer
from model import Model, Refusal
from process import Service, eventually


@pytest.fixture
def chatter(stack: Stack, issuer: Issuer, user: str) -> Iterator[httpx2.Client]:
    with stack.backend.client(issuer.token(user)) as client:
        yield client


def say(client: httpx2.Client, message: str, conversation: str | None = None) -> list[dict[str, Any]]:
    response = client.post("/chat", json={"message": message, "conversation_id": conversation})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return [json.loads(block.removeprefix("data: ")) for block in response.text.split("\n\n") if block]


def answer(events: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "delta")


def test_the_agent_works_on_the_users_tasks_and_streams_what_it_does(chatter: httpx2.Client, model: Model) -> None:
    def complete_what_was_added(request: models.Request) -> models.Answer:
        return models.tools(("complete_task", {"task_id": model.results(request)[0]["id"]}))

    model.script = [
        models.tools(("add_task", {"title": "Buy milk", "tags": ["shop"], "due_date": "2099-01-02"})),
        complete_what_was_added,
        models.text("Added and ", "done."),
    ]
    events = say(chatter, "add milk, and tick it off")
    assert [(event["type"], event.get("name"), event.get("status")) for event in events] == [
        ("tool", "add_task", "called"),
        ("tool", "add_task", "done"),
        ("tool", "complete_task", "called"),
        ("tool", "complete_task", "done"),
        ("delta", None, None),
        ("delta", None, None),
        ("done", None, None),
    ]
    (task,) = chatter.get("/api/tasks").json()["items"]
    assert (task["title"], task["completed"], task["tags"]) == ("Buy milk", True, ["shop"])


def test_a_conversation_is_kept_and_goes_on(chatter: httpx2.Client, model: Model) -> None:
    model.script = [models.text("Hello Ada."), models.text("You are Ada.")]
    first = say(chatter, "I am Ada")
    conversation = first[-1]["conversation_id"]
    assert answer(say(chatter, "Who am I?", conversation)) == "You are Ada."
    spoken = [(one["role"], one["content"]) for one in model.requests[1]["messages"]]
    assert spoken[1:] == [("user", "I am Ada"), ("assistant", "Hello Ada."), ("user", "Who am I?")]
    kept = chatter.get(f"/chat/conversations/{conversation}").json()
    assert kept["title"] == "I am Ada"
    assert [(one["role"], one["content"]) for one in kept["messages"]] == [*spoken[1:], ("assistant", "You are Ada.")]
    assert [one["id"] for one in chatter.get("/chat/conversations").json()["items"]] == [conversation]


def test_nobody_reads_or_continues_anothers_conversation(
    chatter: httpx2.Client, stack: Stack, issuer: Issuer, model: Model
) -> None:
    model.script = [models.text("Secret.")]
    conversation = say(chatter, "My secret")[-1]["conversation_id"]
    with stack.backend.client(issuer.token("mallory")) as mallory:
        assert mallory.get(f"/chat/conversations/{conversation}").status_code == 404
        refused = mallory.post("/chat", json={"message": "Go on", "conversation_id": conversation})
        assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")
        assert mallory.get("/chat/conversations").json() == {"items": []}
    assert len(model.requests) == 1


def test_the_agent_reaches_only_the_tasks_of_who_asks(
    chatter: httpx2.Client, stack: Stack, issuer: Issuer, model: Model
) -> None:
    with stack.backend.client(issuer.token("victim")) as victim:
        task = victim.post("/api/tasks", json={"title": "Not yours"}).json()
        model.script = [
            models.tools(("list_tasks", {}), ("delete_task", {"task_id": task["id"]})),
            models.text("I could not."),
        ]
        say(chatter, "delete everything of everybody")
        listed, refused = [one["content"] for one in model.requests[1]["messages"] if one["role"] == "tool"]
        assert json.loads(listed)["items"] == []
        assert refused[0]["text"] == "There is no such task."
        assert victim.get(f"/api/tasks/{task['id']}").json() == task


def test_gemini_s_parallel_calls_are_all_carried_out(
    start: Start, stack: Stack, issuer: Issuer, model: Model, user: str
) -> None:
    settings = {"GEMINI_API_KEY": "gemini-key", "GEMINI_BASE_URL": model.url, "CHAT_MODEL": "gemini-of-the-tests"}
    # The stack's MCP server asks the stack's backend: this one works on the same database.
    with start(MCP_SERVER_URL=stack.mcp_server.url, DATABASE_URL=stack.database, **settings) as backend:
        model.script = [
            models.tools(*(("add_task", {"title": title}) for title in ("a", "b", "c")), gemini=True),
            models.text("Three."),
        ]
        with backend.client(issuer.token(user)) as client:
            assert answer(say(client, "add a, b and c")) == "Three."
            items = client.get("/api/tasks").json()["items"]
    assert sorted(task["title"] for task in items) == ["a", "b", "c"]
    assert model.requests[0]["model"] == "gemini-of-the-tests"
    assert model.authorizations == ["Bearer gemini-key"] * 2


def test_without_a_key_the_chat_says_which_to_set_and_the_rest_works(backend: Service, api: httpx2.Client) -> None:
    events = say(api, "hello")
    assert [event["type"] for event in events] == ["delta", "done"]
    assert "GEMINI_API_KEY" in events[0]["text"]
    assert uuid.UUID(events[1]["conversation_id"])


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal(401), "OpenAI refuses the backend's key: OPENAI_API_KEY must be set to a valid one."),
        (Refusal(404), "OpenAI does not know the model gpt-5-mini: set CHAT_MODEL to one it serves."),
        (Refusal(429), "OpenAI takes no more requests for now. Try again later."),
        (Refusal(400), "OpenAI could not answer. Try again soon."),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)
def test_a_model_that_fails_is_an_error_in_the_stream(
    chatter: httpx2.Client, model: Model, refusal: Refusal, said: str
) -> None:
    model.script = [refusal] * 3
    events = say(chatter, "hello")
    assert [event["type"] for event in events] == ["error", "done"]
    assert events[0]["message"] == said


def test_an_agent_that_goes_in_circles_is_stopped(chatter: httpx2.Client, model: Model) -> None:
    model.script = [models.tools(("list_tasks", {})) for _ in range(50)]
    events = say(chatter, "hello")
    assert [event["type"] for event in events[-2:]] == ["error", "done"]
    assert "too many steps" in events[-2]["message"]
    assert len(model.requests) < 20


def test_tools_that_cannot_be_reached_are_an_error_in_the_stream(start: Start, issuer: Issuer, model: Model) -> None:
    settings = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": model.url, "MCP_SERVER_URL": "http://127.0.0.1:9"}
    with start(**settings) as backend, backend.client(issuer.token("ada")) as client:
        events = say(client, "hello")
        assert [event["type"] for event in events] == ["error", "done"]
        assert "cannot be reached" in events[0]["message"]
    assert model.requests == []


def test_who_leaves_in_the_middle_stops_the_answer_and_leaks_nothing(chatter: httpx2.Client, model: Model) -> None:
    model.pause = 0.05
    model.script = [models.text(*("word " for _ in range(400)))]
    with chatter.stream("POST", "/chat", json={"message": "talk"}) as response:
        next(response.iter_lines())
    (conversation,) = chatter.get("/chat/conversations").json()["items"]
    url = f"/chat/conversations/{conversation['id']}"
    eventually(lambda: len(chatter.get(url).json()["messages"]) == 2)
    asked, answered = chatter.get(url).json()["messages"]
    assert (asked["role"], answered["role"]) == ("user", "assistant")
    assert len(answered["content"]) < 2000
    eventually(lambda: "database_connections_in_use 0.0" in chatter.get("/metrics").text)


def test_a_long_history_is_bounded_and_keeps_the_newest(chatter: httpx2.Client, model: Model) -> None:
    model.script = [models.text("x" * 4000) for _ in range(12)]
    conversation = None
    for number in range(12):
        conversation = say(chatter, f"{number} " + "y" * 3900, conversation)[-1]["conversation_id"]
    contents = [one["content"] for one in model.requests[-1]["messages"][1:]]
    assert sum(map(len, contents)) <= 24_000
    assert contents[-1].startswith("11 ")


def test_neither_tokens_nor_words_are_in_any_log(chatter: httpx2.Client, stack: Stack, model: Model) -> None:
    model.script = [models.tools(("add_task", {"title": "Surprise party"})), models.text("Planned.")]
    say(chatter, "plan the surprise party", None)
    token = chatter.headers["Authorization"].removeprefix("Bearer ")
    logs = stack.backend.log.read_text() + stack.mcp_server.log.read_text()
    for secret in (token, token.rsplit(".", 1)[1], "sk-secret-of-the-tests", "urprise party", "Planned"):
        assert secret not in logs


def test_with_everything_running_the_backend_is_ready(chatter: httpx2.Client) -> None:
    assert chatter.get("/health/ready").json() == {"status": "ok", "checks": {"database": "ok", "mcp_server": "ok"}}


@pytest.mark.parametrize("message", ["", " ", "x" * 4001, "a\x00b"])
def test_a_message_that_is_none_is_refused(chatter: httpx2.Client, message: str) -> None:
    assert chatter.post("/chat", json={"message": message}).status_code == 422

"""ChatKit's protocol, spoken over HTTP as its panel speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import model as models
import pytest
from conftest import Stack
from issuer import Issuer
from model import Model, Refusal
from process import Service, eventually


@pytest.fixture
def panel(stack: Stack, issuer: Issuer, user: str) -> Iterator[httpx2.Client]:
    with stack.backend.client(issuer.token(user)) as client:
        yield client


def message(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"content": content, "attachments": [], "quoted_text": None, "inference_options": {}}


def ask(panel: httpx2.Client, kind: str, **params: Any) -> Any:
    response = panel.post("/chatkit", json={"type": kind, "params": params, "metadata": {}})
    assert response.status_code == 200, response.text
    if response.headers["content-type"] == "application/json":
        return response.json()
    return [json.loads(block.removeprefix("data: ")) for block in response.text.split("\n\n") if block]


def create(panel: httpx2.Client, text: str) -> tuple[str, list[dict[str, Any]]]:
    events = ask(panel, "threads.create", input=message(text))
    assert events[0]["type"] == "thread.created"
    return events[0]["thread"]["id"], events


def spoken(thread: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["type"], item["content"][0]["text"]) for item in thread["items"]["data"]]


def test_a_thread_begins_the_agent_works_and_the_answer_streams(panel: httpx2.Client, model: Model) -> None:
    model.script = [models.tools(("add_task", {"title": "Buy milk"})), models.text("Milk ", "is on it.")]
    thread, events = create(panel, "add milk")
    kinds = [event["type"] for event in events]
    assert kinds.index("progress_update") < kinds.index("thread.item.added")
    deltas = [event["update"] for event in events if event["type"] == "thread.item.updated"]
    assert "".join(update["delta"] for update in deltas if "delta" in update) == "Milk is on it."
    assert [event["item"]["type"] for event in events if event["type"] == "thread.item.done"] == [
        "user_message",
        "assistant_message",
    ]
    assert [task["title"] for task in panel.get("/api/tasks").json()["items"]] == ["Buy milk"]
    kept = ask(panel, "threads.get_by_id", thread_id=thread)
    assert kept["title"] == "add milk"
    assert spoken(kept) == [("user_message", "add milk"), ("assistant_message", "Milk is on it.")]


def test_a_thread_goes_on_and_is_the_same_conversation_in_the_other_panel(panel: httpx2.Client, model: Model) -> None:
    model.script = [models.text("Hello Ada."), models.text("Ada."), models.text("Still Ada.")]
    thread, _ = create(panel, "I am Ada")
    ask(panel, "threads.add_user_message", thread_id=thread, input=message("Who am I?"))
    other = panel.post("/chat", json={"message": "And now?", "conversation_id": thread})
    assert "Still Ada." in other.text
    contents = [one["content"] for one in model.requests[2]["messages"][1:]]
    assert contents == ["I am Ada", "Hello Ada.", "Who am I?", "Ada.", "And now?"]
    kept = ask(panel, "threads.get_by_id", thread_id=thread)
    assert [text for _, text in spoken(kept)] == [*contents, "Still Ada."]


def test_threads_and_items_are_listed_in_pages_renamed_and_removed(panel: httpx2.Client, model: Model) -> None:
    model.script = [models.text(f"answer {number}") for number in range(3)]
    threads = [create(panel, f"thread {number}")[0] for number in range(3)]
    first = ask(panel, "threads.list", limit=2, order="desc")
    assert [thread["id"] for thread in first["data"]] == threads[:0:-1]
    rest = ask(panel, "threads.list", limit=2, order="desc", after=first["after"])
    assert ([thread["id"] for thread in rest["data"]], rest["has_more"]) == ([threads[0]], False)
    newest = ask(panel, "items.list", thread_id=threads[0], limit=1, order="desc")
    assert (newest["data"][0]["content"][0]["text"], newest["has_more"]) == ("answer 0", True)
    before = ask(panel, "items.list", thread_id=threads[0], limit=1, order="desc", after=newest["after"])
    assert before["data"][0]["content"][0]["text"] == "thread 0"
    assert ask(panel, "threads.update", thread_id=threads[0], title="Renamed")["title"] == "Renamed"
    ask(panel, "threads.delete", thread_id=threads[1])
    left = ask(panel, "threads.list", limit=10, order="asc")["data"]
    assert [thread["title"] for thread in left] == ["Renamed", "thread 2"]


def test_an_answer_can_be_asked_for_again(panel: httpx2.Client, model: Model) -> None:
    model.script = [models.text("First try."), models.text("Second try.")]
    thread, events = create(panel, "Say something")
    (asked,) = [event["item"]["id"] for event in events if event.get("item", {}).get("type") == "user_message"]
    ask(panel, "threads.retry_after_item", thread_id=thread, item_id=asked)
    kept = ask(panel, "threads.get_by_id", thread_id=thread)
    assert [text for _, text in spoken(kept)] == ["Say something", "Second try."]


def test_nobody_reaches_anothers_thread(panel: httpx2.Client, stack: Stack, issuer: Issuer, model: Model) -> None:
    model.script = [models.text("Secret.")]
    thread, events = create(panel, "My secret")
    item = next(event["item"]["id"] for event in events if "item" in event)
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("threads.get_by_id", {"thread_id": thread}),
        ("threads.add_user_message", {"thread_id": thread, "input": message("Go on")}),
        ("threads.retry_after_item", {"thread_id": thread, "item_id": item}),
        ("threads.update", {"thread_id": thread, "title": "Mine"}),
        ("threads.delete", {"thread_id": thread}),
        ("items.list", {"thread_id": thread}),
        ("items.list", {"thread_id": "not-an-id"}),
        ("threads.list", {"after": thread}),
    ]
    with stack.backend.client(issuer.token("mallory")) as mallory:
        for kind, params in attempts:
            response = mallory.post("/chatkit", json={"type": kind, "params": params, "metadata": {}})
            assert (kind, response.status_code) == (kind, 404)
            assert response.headers["content-type"] == "application/problem+json"
        assert ask(mallory, "threads.list")["data"] == []
    assert len(model.requests) == 1
    assert ask(panel, "threads.get_by_id", thread_id=thread)["title"] == "My secret"


def test_a_model_that_fails_is_said_in_the_panel(panel: httpx2.Client, model: Model) -> None:
    model.script = [Refusal(401)]
    _, events = create(panel, "hello")
    error = next(event for event in events if event["type"] == "error")
    assert "OPENAI_API_KEY must be set" in error["message"]


def test_without_a_key_the_panel_says_which_to_set(backend: Service, api: httpx2.Client) -> None:
    thread, _ = create(api, "hello")
    assert "GEMINI_API_KEY" in spoken(ask(api, "threads.get_by_id", thread_id=thread))[1][1]


def test_who_leaves_in_the_middle_finds_what_was_read(panel: httpx2.Client, model: Model) -> None:
    model.pause = 0.05
    model.script = [models.text(*("word " for _ in range(400)))]
    body = {"type": "threads.create", "params": {"input": message("talk")}, "metadata": {}}
    with panel.stream("POST", "/chatkit", json=body) as response:
        lines = response.iter_lines()
        thread = json.loads(next(lines).removeprefix("data: "))["thread"]["id"]
        while "text_delta" not in next(lines):
            pass
    eventually(lambda: len(spoken(ask(panel, "threads.get_by_id", thread_id=thread))) == 2)
    kept = spoken(ask(panel, "threads.get_by_id", thread_id=thread))
    assert kept[1][0] == "assistant_message"
    assert "word" in kept[1][1]
    assert len(kept[1][1]) < 2000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"type": "threads.explode"}, 422),
        ({"type": "attachments.create", "params": {"name": "a", "size": 1, "mime_type": "text/plain"}}, 501),
        ({"type": "input.transcribe", "params": {"audio_base64": "", "mime_type": "audio/webm"}}, 501),
    ],
    ids=str,
)
def test_what_is_not_understood_or_left_out_is_a_problem(api: httpx2.Client, body: dict[str, Any], status: int) -> None:
    response = api.post("/chatkit", json={"metadata": {}} | body)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")


def test_without_a_token_nothing_is_told(backend: Service) -> None:
    with backend.client() as client:
        assert client.post("/chatkit", json={"type": "threads.list", "params": {}}).status_code == 401


def test_the_log_stays_json_whatever_the_library_writes(stack: Stack, panel: httpx2.Client, model: Model) -> None:
    model.script = [models.text("Planned.")]
    create(panel, "plan the surprise party")
    for line in stack.backend.log.read_text().splitlines():
        assert json.loads(line)["message"]
    assert "surprise" not in stack.backend.log.read_text()

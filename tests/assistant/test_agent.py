"""A model on the wire drives the real loop, the real tools and a real API server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent_helpers import KEY, Talk
from wire_server import call, calls, chunk, silence, status, stream, text

from assistant.backends import errors
from assistant.brain import Cancelled
from assistant.conversation import Conversation
from assistant.events import Notice, TextDelta, ToolFailed, ToolReturned
from mcp_tools.changes.model import Decision, Phase


def scaled(replicas: int, **more: Any) -> dict[str, Any]:
    return call("scale", {"target": "web", "replicas": replicas}, **more)


def test_a_change_is_made_verified_told_and_journalled(talk: Talk) -> None:
    talk.wire.script = [stream(*calls(scaled(2))), stream(*text("Two ", "now."))]
    assert talk("scale web to 2") == "Two now."
    assert talk.replicas() == 2
    assert [change["status"] for change in talk.changes()] == ["verified"]
    (output,) = talk.wire.sent_back()
    assert '"status":"verified"' in output["content"]
    assert output["content"].count("Done and verified") == 1


@pytest.mark.parametrize("index", [None, 0])
def test_parallel_calls_of_gemini_stay_apart(talk: Talk, index: int | None) -> None:
    made = [
        call("describe_resource", {"target": "web"}, call_id="one", index=index),
        call("list_resources", {"kind": "events", "limit": 5}, call_id="two", index=index),
        call("describe_resource", {"target": "web", "rollout": True}, call_id="three", index=index),
    ]
    talk.wire.script = [stream(*calls(*made)), stream(*text("Fine."))]
    assert talk("how is web?") == "Fine."
    assert {event.name for event in talk.of(ToolReturned)} == {"describe_resource", "list_resources"}
    assert {output["tool_call_id"] for output in talk.wire.sent_back()} == {"one", "two", "three"}
    assert not talk.of(ToolFailed)


def test_arguments_may_come_byte_by_byte(talk: Talk) -> None:
    arguments = '{"target": "web", "replicas": 2}'
    first = call("scale", "", index=0)
    pieces = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": letter}}]}) for letter in arguments]
    end = calls()[-3:]
    events = b"".join([chunk({"role": "assistant", "tool_calls": [first]}), *pieces, *end])
    bytewise = [events[position : position + 1] for position in range(len(events))]
    talk.wire.script = [stream(*bytewise), stream(*text("Done."))]
    assert talk("scale web to 2") == "Done."
    assert talk.replicas() == 2


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (status(401, f"Incorrect API key provided: {KEY}"), errors.KeyRefused, "OPENAI_API_KEY"),
        (status(403, "no"), errors.KeyRefused, "OPENAI_API_KEY"),
        (status(404, "The model does not exist"), errors.UnknownModel, "--model"),
        (status(429, "You exceeded your current quota", error_code="insufficient_quota"), errors.QuotaUsedUp, "credit"),
        (status(400, "too long", error_code="context_length_exceeded"), errors.ContextTooLong, "/new"),
        (status(422, "no tools here"), errors.RequestRefused, "--model"),
        (stream(*text("half", finish="length")), errors.AnswerTooLong, "less"),
        (stream(*text(finish="content_filter")), errors.AnswerRefused, "other words"),
        (stream(chunk({"refusal": "I will not."}), *text()), errors.AnswerRefused, "other words"),
    ],
)
def test_a_fault_that_lasts_is_told_once_with_what_to_do(
    talk: Talk, reply: Any, error: type[errors.BackendError], says: str
) -> None:
    talk.wire.script = [reply]
    with pytest.raises(error) as caught:
        talk("how is web?")
    assert says in caught.value.hint
    assert KEY not in str(caught.value)
    assert len(talk.wire.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        status(429, "slow down", headers={"Retry-After": "0"}),
        status(503, "overloaded", headers={"Retry-After": "0"}),
        stream(*text("Half an ans")[:1], cut=True),
        stream(*text("Half an ans")[:1]),
    ],
    ids=["429", "503", "cut", "ended without an end"],
)
def test_a_fault_that_passes_is_asked_again_and_said(talk: Talk, fault: Any) -> None:
    talk.wire.script = [fault, stream(*text("Whole answer."))]
    assert talk("how is web?").endswith("Whole answer.")
    (notice,) = talk.of(Notice)
    assert "Asking again" in notice.text
    assert len(talk.wire.requests) == 2
    assert talk.wire.requests[0]["messages"] == talk.wire.requests[1]["messages"]


def test_a_wait_that_is_too_long_is_not_waited_for(talk: Talk) -> None:
    talk.wire.script = [status(429, "slow down", headers={"Retry-After": "3600"})]
    with pytest.raises(errors.RateLimited, match="3600"):
        talk("how is web?")


def test_a_server_that_is_not_there_or_does_not_answer_is_named(talk: Talk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    talk.timeout = 0.5
    talk.wire.script = [silence(3), silence(3)]
    with pytest.raises(errors.BackendSlow, match="did not answer"):
        talk("how is web?")
    talk.wire.url, talk._brain = address, None
    with pytest.raises(errors.BackendDown, match="cannot be reached"):
        talk("how is web?")


def test_a_stream_cut_after_a_change_repeats_the_question_and_not_the_change(talk: Talk) -> None:
    half = stream(*text("It is")[:1], cut=True)
    talk.wire.script = [stream(*calls(scaled(2))), half, stream(*text("It is done."))]
    assert talk("scale web to 2").endswith("It is done.")
    assert len(talk.changes()) == 1
    assert [output["tool_call_id"] for output in talk.wire.sent_back()] == ["call_a"]


def test_a_failure_after_a_change_says_that_the_change_stands(talk: Talk) -> None:
    talk.wire.script = [stream(*calls(scaled(2))), status(401, "expired")]
    with pytest.raises(errors.KeyRefused, match="Done and verified: Scale"):
        talk("scale web to 2")
    talk.wire.script = [stream(*text("Yes, two."))]
    assert talk("is it done?") == "Yes, two."
    assert "Done and verified" in talk.wire.sent_back()[0]["content"]


@pytest.mark.parametrize(
    "wrong",
    [
        call("scale", '{"target": "web", "replicas": '),
        call("scale", "[3]"),
        call("scale", {"target": "web", "replicas": "many"}),
        call("scale", {"target": "web", "replicas": 2, "force": True}),
        call("scale_deployment", {"name": "web"}),
    ],
    ids=["cut", "a list", "a word", "unknown argument", "unknown tool"],
)
def test_bad_calls_are_told_to_the_model_which_can_do_better(talk: Talk, wrong: dict[str, Any]) -> None:
    right = scaled(2, call_id="call_b")
    talk.wire.script = [stream(*calls(wrong)), stream(*calls(right)), stream(*text("Done."))]
    assert talk("scale web to 2") == "Done."
    assert talk.replicas() == 2
    assert len(talk.wire.sent_back(1)) == 1


def test_the_same_change_is_not_done_twice_in_a_turn(talk: Talk) -> None:
    restart = [call("rollout", {"target": "web", "action": "restart"}, call_id=name) for name in ("one", "two")]
    talk.wire.script = [stream(*calls(restart[0])), stream(*calls(restart[1])), stream(*text("Restarted."))]
    assert talk("restart web") == "Restarted."
    assert len(talk.changes()) == 1
    assert "not done twice" in talk.wire.sent_back()[1]["content"]


def test_what_was_declined_is_told_and_does_not_happen(talk: Talk) -> None:
    talk.toolbox.approver = lambda _: Decision.DECLINED
    talk.wire.script = [stream(*calls(scaled(5))), stream(*text("Left as it is."))]
    assert talk("scale web to 5") == "Left as it is."
    assert talk.replicas() == 1
    assert '"status":"declined"' in talk.wire.sent_back()[0]["content"]


def test_a_stream_is_stopped_at_once_and_the_talk_goes_on(talk: Talk) -> None:
    talk.wire.script = [stream(*[chunk({"content": "word "})] * 100, pause=0.1)]
    stopped = _cancelled_when(talk, lambda: bool(talk.of(TextDelta)))
    with pytest.raises(Cancelled):
        talk("tell me everything")
    stopped.join()
    talk.wire.script = [stream(*text("Yes?"))]
    assert talk("hello") == "Yes?"
    assert [message["role"] for message in talk.wire.requests[-1]["messages"]] == ["system", "user", "user"]


def test_a_change_that_is_stopped_is_told_as_it_stands(talk: Talk) -> None:
    wrong = call("configure_workload", {"target": "web", "image": "todo-backend:absent"})
    talk.wire.script = [stream(*calls(wrong))]
    begun = threading.Event()
    talk.toolbox.reporter = lambda progress: begun.set() if progress.phase is Phase.WATCHING else None
    stopped = _cancelled_when(talk, begun.is_set)
    with pytest.raises(Cancelled):
        talk("set the image")
    stopped.join()
    talk.wire.script = [stream(*text("It was applied, not verified."))]
    talk("what happened?")
    assert '"status":"interrupted"' in talk.wire.sent_back()[0]["content"]


def test_a_conversation_that_broke_off_in_a_call_can_be_gone_on_with(talk: Talk, home: Path) -> None:
    arguments = '{"target":"web","replicas":9}'
    talk.conversation.add(
        [
            {"role": "user", "content": "scale web to 9"},
            {"type": "function_call", "call_id": "lost", "name": "scale", "arguments": arguments},
        ]
    )
    talk.conversation = Conversation.resume(None, home / "talk.db")
    talk.wire.script = [stream(*text("I look again first."))]
    assert talk("go on") == "I look again first."
    (output,) = talk.wire.sent_back()
    assert output["tool_call_id"] == "lost"
    assert "interrupted" in output["content"]


def test_a_long_conversation_is_sent_within_bounds_in_whole_turns(talk: Talk) -> None:
    for number in range(60):
        call_id = f"c{number}"
        talk.conversation.add(
            [
                {"role": "user", "content": f"question {number}"},
                {"type": "function_call", "call_id": call_id, "name": "get_logs", "arguments": "{}"},
                {"type": "function_call_output", "call_id": call_id, "output": "x" * 20_000},
                {"role": "assistant", "content": "y" * 2_000},
            ]
        )
    talk.wire.script = [stream(*text("Short."))]
    talk("question 60")
    messages = talk.wire.requests[0]["messages"]
    assert len(talk.wire.raw[0]) < 200_000
    assert messages[0]["role"] == "system"
    assert messages[1]["role"] == "user"
    assert messages[-1]["content"] == "question 60"
    asked = {one["id"] for message in messages for one in message.get("tool_calls") or ()}
    assert asked == {message["tool_call_id"] for message in messages if message["role"] == "tool"}
    assert len(asked) > 5


def test_no_secret_ever_reaches_the_model(talk: Talk) -> None:
    secret = "hunter2-correct-horse"
    path = f"/api/v1/namespaces/{talk.namespace}/secrets"
    talk.toolbox.connection.write("POST", path, {"metadata": {"name": "db"}, "stringData": {"password": secret}})
    talk.wire.script = [
        stream(*calls(call("describe_resource", {"target": "secret/db"}))),
        stream(*text("It has one key, password.")),
        stream(*text("Noted.")),
    ]
    talk(f"what is in the secret? my password={secret}")
    talk("and?")
    sent = b"".join(talk.wire.raw)
    assert b"password" in sent
    assert secret.encode() not in sent
    assert b"aHVudGVyMi1jb3JyZWN0LWhvcnNl" not in sent
    assert secret not in str(talk.conversation.items())


def _cancelled_when(talk: Talk, ready: Callable[[], bool]) -> threading.Thread:
    def wait() -> None:
        while not ready():
            time.sleep(0.01)
        talk.brain.cancel()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread

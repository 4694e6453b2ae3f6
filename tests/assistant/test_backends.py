"""What servers send, and what is made of it."""

from __future__ import annotations

import itertools
import json
import logging
import subprocess
import sys
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wire_server import DONE, Reply, call, calls, chunk, status, stream, text

from assistant.backends import errors
from assistant.backends.registry import DIALECTS
from assistant.backends.stream import StreamRepair
from assistant.events import Notice
from assistant.settings import PROVIDERS

if TYPE_CHECKING:
    from agent_helpers import Talk


def piece(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    given = {"name": name, "arguments": arguments}
    return {**more, "function": {key: value for key, value in given.items() if value is not None}}


def answer(*pieces: dict[str, Any]) -> bytes:
    return b"".join([*(chunk({"tool_calls": [one]}) for one in pieces), chunk({}, "tool_calls"), DONE])


def passed_on(*chunks: bytes, taken: tuple[str, ...] = ()) -> bytes:
    repair = StreamRepair(taken)
    return b"".join([*map(repair.feed, chunks), repair.end()])


def mended(*chunks: bytes, taken: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The events that come out."""
    out = passed_on(*chunks, taken=taken)
    data = [event.removeprefix(b"data: ") for event in out.split(b"\n\n") if event.startswith(b"data: ")]
    return [json.loads(one) for one in data if one != b"[DONE]"]


def told_apart(*pieces: dict[str, Any], taken: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Name and arguments of the calls that a client puts together by their index."""
    whole: dict[int, list[str]] = {}
    ids: dict[int, str] = {}
    for event in mended(answer(*pieces), taken=taken):
        for one in event["choices"][0]["delta"].get("tool_calls", []):
            made = whole.setdefault(one["index"], ["", ""])
            made[0] = one["function"].get("name") or made[0]
            made[1] += one["function"].get("arguments") or ""
            assert ids.setdefault(one["index"], one["id"]) == one["id"]
    assert len(set(ids.values())) == len(ids)
    assert not set(ids.values()) & set(taken)
    return [(name, arguments) for name, arguments in whole.values()]


A, B = '{"target":"a"}', '{"target":"b"}'
TWO = [("look", A), ("look", B)]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("look", A, id="1", index=0), piece("look", B, id="2", index=1)],
        [piece("look", A, id="1"), piece("look", B, id="2")],
        [piece("look", A, id="1", index=0), piece("look", B, id="2", index=0)],
        [piece("look", A), piece("look", B)],
        [piece("look", A, id="", index=0), piece("look", B, id="", index=0)],
        [piece("look", A, id="same"), piece("look", B, id="same")],
        [piece("look", A, id="old"), piece("look", B, id="older")],
        [piece("look", {"target": "a"}, id="1"), piece("look", {"target": "b"}, id="2")],
        [
            piece("look", "", id="1", index=0),
            piece("look", "", id="2", index=1),
            piece(arguments=A[:5], index=0),
            piece(arguments=B[:7], index=1),
            piece(arguments=A[5:], index=0),
            piece(arguments=B[7:], index=1),
        ],
        [
            piece("look", A[:5], id="1", index=0),
            piece(arguments=A[5:], index=0),
            piece("look", B[:5], id="2", index=0),
            piece(arguments=B[5:], index=0),
        ],
        [piece("look", A[:5]), piece(arguments=A[5:]), piece("look", B[:5]), piece(arguments=B[5:])],
        [piece("look", A[:5], id="1"), piece("look", A[5:], id="1"), piece("look", B, id="2")],
        [piece("look", A[:5], index=0), piece("look", A[5:], index=0), piece("look", B, index=1)],
        [piece("look", "", id="1", index=0), piece(arguments=A, id="9", index=0), piece("look", B, id="2", index=1)],
    ],
    ids=[
        "as specified",
        "no index",
        "all of index 0",
        "no index and no id",
        "empty ids",
        "one id for both",
        "ids of calls before",
        "arguments that are no string",
        "interleaved",
        "in pieces, all of index 0",
        "in pieces, no index and no id",
        "the name repeated with the id",
        "the name repeated without an id",
        "an id for each piece",
    ],
)
def test_calls_are_told_apart(pieces: list[dict[str, Any]]) -> None:
    apart = told_apart(*pieces, taken=("old", "older"))
    assert [(name, json.loads(arguments)) for name, arguments in apart] == [(n, json.loads(a)) for n, a in TWO]


@example(list(range(1000)), b"\r\n")
@given(st.lists(st.integers(0, 1000)), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_a_stream_means_the_same_wherever_it_is_cut(cuts: list[int], line_end: bytes) -> None:
    events = [chunk({"content": "é\u2028\r\n"}), answer(piece("look", A, id="1"), piece("look", B, id="2"))]
    whole = b": hello\n\nevent: message\n" + b"".join(events)
    sent = whole.replace(b"\n", line_end)
    places = [0, *sorted(cuts), len(sent)]
    cut = [sent[begin:end] for begin, end in itertools.pairwise(places)]
    assert passed_on(*cut) == passed_on(whole)


def test_what_a_provider_says_beside_the_protocol_goes_through(talk: Talk) -> None:
    signed = call("describe_resource", {"target": "web", "rollout": True}, call_id="one", index=None)
    signed["extra_content"] = {"google": {"thought_signature": "c2lnbmF0dXJl"}}
    talk.provider, talk.model = "gemini", "gemini-3-flash"
    other = call("describe_resource", {"target": "web", "rollout": True}, call_id="two", index=None)
    talk.wire.script = [stream(*calls(signed, other)), stream(*text("Fine.")), stream(*text("Still."))]
    talk("how is web?")
    talk("and now?")
    for request in talk.wire.requests[1:]:
        (made,) = [message["tool_calls"] for message in request["messages"] if message.get("tool_calls")]
        assert made[0]["extra_content"] == signed["extra_content"]
        assert "extra_content" not in made[1]
        assert made[0]["function"]["arguments"] == '{"target": "web", "rollout": true}'


def test_a_server_that_gives_no_ids_can_call_in_every_answer(talk: Talk) -> None:
    nameless = call("describe_resource", {"target": "web", "rollout": True}, index=None)
    del nameless["id"]
    again = call("list_resources", {"kind": "events", "limit": 1}, index=None)
    del again["id"]
    talk.wire.script = [stream(*calls(nameless)), stream(*calls(again)), stream(*text("One."))]
    assert talk("how is web?") == "One."
    talk.wire.script = [stream(*calls(nameless)), stream(*text("Two."))]
    assert talk("and now?") == "Two."
    assert len({message["tool_call_id"] for message in talk.wire.sent_back()}) == 3


def raw(body: bytes, kind: str = "text/event-stream", code: int = 200, **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        for key, value in {"Content-Type": kind, "Content-Length": str(len(body)), **named}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.mark.parametrize(
    "body",
    [
        b"data: [DONE]\n\n",
        b"".join(text("")),
        b"data: nonsense\n\n",
        b"data: [1]\n\n",
        b'data: {"choices":[null]}\n\ndata: [DONE]\n\n',
        b'data: {"choices":[{"index":0,"delta":null,"finish_reason":"stop"}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[null]},"finish_reason":"tool_calls"}]}\n\n',
    ],
)
def test_an_answer_that_says_nothing_is_asked_for_again(talk: Talk, body: bytes) -> None:
    talk.wire.script = [raw(body), stream(*text("Here it is."))]
    assert talk("how is web?") == "Here it is."
    assert len(talk.of(Notice)) == 1


@pytest.mark.parametrize(
    "delta", [{"content": [{"type": "text", "text": "Fine."}]}, {"content": "Fine.", "tool_calls": None}]
)
def test_an_answer_in_an_unusual_shape_is_read(talk: Talk, delta: dict[str, Any]) -> None:
    talk.wire.script = [stream(chunk(delta), chunk({}, "stop"), DONE)]
    assert talk("how is web?") == "Fine."


def test_of_several_choices_the_first_is_the_answer_and_nothing_is_logged(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    other = json.loads(chunk({"content": "No."}, "stop").removeprefix(b"data: "))
    other["choices"][0]["index"] = 1
    talk.wire.script = [stream(b"data: " + json.dumps(other).encode() + b"\n\n", *text("Yes."))]
    with caplog.at_level(logging.WARNING):
        assert talk("how is web?") == "Yes."
    assert not caplog.records


@pytest.mark.parametrize(("kind", "body"), [("text/html", b"<html>Hello</html>"), ("application/json", b"{}")])
def test_an_address_of_something_else_is_told(talk: Talk, kind: str, body: bytes) -> None:
    talk.wire.script = [raw(body, kind)]
    with pytest.raises(errors.RequestRefused, match=kind) as caught:
        talk("how is web?")
    assert "address" in caught.value.hint


def google(code: int, message: str, reason: str, *details: dict[str, Any]) -> Reply:
    error = {"code": code, "message": message, "status": reason, "details": details}
    return raw(json.dumps([{"error": error}]).encode(), "application/json", code)


def google_retry(seconds: float) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}


PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}


@pytest.mark.parametrize(
    ("provider", "reply", "error", "says"),
    [
        ("gemini", google(400, "API key not valid.", "INVALID_ARGUMENT"), errors.KeyRefused, "GEMINI_API_KEY"),
        ("gemini", google(429, "Quota.", "RESOURCE_EXHAUSTED", PER_DAY), errors.QuotaUsedUp, "next day"),
        ("gemini", google(429, "Quota.", "RESOURCE_EXHAUSTED", google_retry(900)), errors.RateLimited, "900 s"),
        ("gemini", google(400, "The input token count (9) exceeds…", "X"), errors.ContextTooLong, "/new"),
        ("openrouter", status(402, "Insufficient credits"), errors.QuotaUsedUp, "credit"),
        ("openrouter", status(403, "moderated"), errors.NotPermitted, "OPENROUTER_API_KEY"),
        ("ollama", status(404, 'model "m" not found'), errors.UnknownModel, "ollama pull m"),
    ],
)
def test_a_provider_s_own_words_are_understood(
    talk: Talk, provider: str, reply: Reply, error: type[errors.BackendError], says: str
) -> None:
    talk.provider = provider
    talk.wire.script = [reply]
    with pytest.raises(error) as caught:
        talk("how is web?")
    assert says in caught.value.hint
    assert "--model" in caught.value.hint or "/new" in caught.value.hint
    assert len(talk.wire.requests) == 1


@pytest.mark.parametrize(
    "asks_to_wait",
    [
        google(429, "Please retry in 0.01s.", "RESOURCE_EXHAUSTED", google_retry(0.01)),
        status(429, "slow down", headers={"Retry-After-Ms": "10"}),
        status(429, "slow down", headers={"Retry-After": formatdate(time.time() - 60, usegmt=True)}),
        raw(b'data: {"error":{"message":"overloaded","code":503}}\n\n'),
    ],
    ids=["in Gemini's details", "in milliseconds", "until a date that has passed", "in the stream"],
)
def test_a_wait_is_found_wherever_it_is_said(talk: Talk, asks_to_wait: Reply) -> None:
    talk.provider = "gemini"
    talk.wire.script = [asks_to_wait, stream(*text("Fine."))]
    assert talk("how is web?") == "Fine."
    assert len(talk.wire.requests) == 2


def test_a_key_of_any_form_is_not_repeated(talk: Talk) -> None:
    talk.key = "plain words as a key"
    talk.wire.script = [status(401, f"The key '{talk.key}' is wrong.")]
    with pytest.raises(errors.KeyRefused) as caught:
        talk("how is web?")
    assert talk.key not in str(caught.value)


@pytest.mark.parametrize("provider", ["openai", "gemini"])
def test_the_openai_account_is_named_to_openai_only(talk: Talk, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    talk.provider = provider
    talk.wire.script = [stream(*text("Fine."))]
    talk("how is web?")
    assert (b"org-of-mine" in talk.wire.raw[0]) is (provider == "openai")
    assert (b"project-of-mine" in talk.wire.raw[0]) is (provider == "openai")
    assert "store" not in talk.wire.requests[0]


def test_openai_itself_is_told_to_keep_nothing() -> None:
    from assistant.backends.client import Backend
    from assistant.settings import ModelSettings

    assert Backend(ModelSettings("openai", "m", None, "sk-1")).parameters.store is False


def test_a_proxy_of_the_environment_is_used(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", talk.wire.url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    talk.address = "http://model.example/v1"
    talk.wire.script = [stream(*text("Through the proxy."))]
    assert talk("how is web?") == "Through the proxy."


def test_every_dialect_is_of_a_provider_that_can_be_named() -> None:
    assert set(DIALECTS) <= set(PROVIDERS)


def test_the_agent_s_libraries_load_with_the_brain_only() -> None:
    program = (
        "import sys, assistant.agent, assistant.brain, assistant.conversation, assistant.backends.errors;"
        "print([name for name in ('agents', 'openai', 'fastmcp', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

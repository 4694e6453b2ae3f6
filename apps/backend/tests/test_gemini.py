"""Gemini's streams, mended byte by byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from app.chat.gemini import MendedStream


class Parts(httpx2.AsyncByteStream):
    """A body that arrives in pieces of `size` bytes."""

    def __init__(self, body: bytes, size: int) -> None:
        self.parts = [body[start : start + size] for start in range(0, len(body), size)]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part


def mended(body: bytes, size: int) -> bytes:
    async def read() -> bytes:
        return b"".join([part async for part in MendedStream(Parts(body, size))])

    return asyncio.run(read())


def call(name: str | None, arguments: str, **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"function": function, **fields}


def stream(*deltas: list[dict[str, Any]], end: bytes = b"\n") -> bytes:
    lines = [json.dumps({"choices": [{"delta": {"tool_calls": calls}}]}, ensure_ascii=False) for calls in deltas]
    return b"".join(b"data: " + line.encode() + end + end for line in [*lines]) + b"data: [DONE]" + end + end


def calls(body: bytes) -> list[dict[str, Any]]:
    found = []
    for line in body.splitlines():
        if line.startswith(b"data: {"):
            found += json.loads(line[6:])["choices"][0]["delta"]["tool_calls"]
    return found


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([[call("a", "{}", id="x")], [call("b", "{}", id="y")]], [0, 1]),
        ([[call("a", "{}", id="x", index=0), call("b", '{"é": 1}', id="y", index=0)]], [0, 1]),
        ([[call("a", "{}")], [call("b", "{}", id="")]], [0, 1]),
        ([[call("a", '{"t"', id="x")], [call(None, ": 1}")], [call("b", "{}", id="y")]], [0, 0, 1]),
        ([[call("a", '{"t"', id="x", index=0)], [call(None, ": 1}", id="x", index=0)]], [0, 0]),
    ],
    ids=["no index", "all zero", "no id", "a call in pieces", "a call in pieces with its id"],
)
def test_each_call_has_its_own_index(
    sent: list[list[dict[str, Any]]], expected: list[int], size: int, end: bytes
) -> None:
    body = mended(stream(*sent, end=end), size)
    found = calls(body)
    assert [one["index"] for one in found] == expected
    assert [one["function"] for one in found] == [one["function"] for calls in sent for one in calls]
    starts = [one["id"] for one in found if "name" in one["function"]]
    assert all(starts)
    assert len(set(starts)) == len(starts)
    assert body.endswith(b"data: [DONE]" + end + end)


@pytest.mark.parametrize("body", [b"", b": ping\n\n", b"data: not json\n\n", b'data: {"choices": []}\n\ndata: 1'])
def test_what_holds_no_call_passes_untouched(body: bytes) -> None:
    assert mended(body, 3) == body


def test_a_signature_of_thought_is_kept() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    assert calls(mended(stream([call("a", "{}", id="x", extra_content=extra)]), 5))[0]["extra_content"] == extra

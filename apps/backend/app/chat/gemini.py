"""Gemini's streams, mended for clients that speak OpenAI's protocol.

Its OpenAI-compatible endpoint sends the tool calls of one answer without `index`, or all with 0; a client that merges
the pieces by index makes one broken call of several. Here each call gets an index of its own, by its id.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2


class ToolCallNumbers:
    """Numbers the tool calls of one answer."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, str], int] = {}
        self._latest: dict[int, int] = {}

    def mend(self, line: bytes) -> bytes:
        """One line of the stream, with the index of each tool call put right."""
        if not line.startswith(b"data:"):
            return line
        try:
            chunk = json.loads(line[5:])
        except ValueError:  # `[DONE]`
            return line
        calls = [
            (choice.get("index", 0), call)
            for choice in (chunk.get("choices") or [] if isinstance(chunk, dict) else [])
            for call in (choice.get("delta") or {}).get("tool_calls") or []
        ]
        if not calls:
            return line
        for choice, call in calls:
            self._number(choice, call)
        return b"data: " + json.dumps(chunk).encode() + (b"\r" if line.endswith(b"\r") else b"")

    def _number(self, choice: int, call: dict[str, Any]) -> None:
        count = sum(1 for known, _ in self._numbers if known == choice)
        starts = bool((call.get("function") or {}).get("name"))
        if not call.get("id") and starts:
            call["id"] = f"call_{choice}_{count}"
        if call.get("id"):
            self._latest[choice] = self._numbers.setdefault((choice, call["id"]), count)
        call["index"] = self._latest.get(choice, 0)


class MendedStream(httpx2.AsyncByteStream):
    """A streamed answer whose tool calls are numbered."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        numbers = ToolCallNumbers()
        rest = b""
        async for part in self._stream:
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                yield numbers.mend(line) + b"\n"
        if rest:
            yield numbers.mend(rest)

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._stream.aclose()


class GeminiTransport(httpx2.AsyncHTTPTransport):
    """A transport that mends streamed answers on their way in."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request`."""
        # The mended bytes are not those that were compressed.
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        if "event-stream" not in response.headers.get("content-type", ""):
            return response
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-length"]
        stream = response.stream
        if not isinstance(stream, httpx2.AsyncByteStream):
            return response
        return httpx2.Response(
            response.status_code, headers=headers, stream=MendedStream(stream), extensions=response.extensions
        )

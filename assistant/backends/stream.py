"""Mending a chat-completions stream on its way in, event by event.

Servers and proxies end a stream in the middle without a word, answer nothing, or send what is no event of this
protocol: taken as it is, half an answer looks like a whole one. Tool calls are told apart by `ToolCalls`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import Any

from assistant.backends.calls import ToolCalls
from assistant.backends.errors import AnswerCutOff, AnswerUnusable

DONE = "[DONE]"
MAX_EVENT = 8_000_000
SHOWN = 200
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return at the end of what has arrived may be half of an end of line."""


class StreamRepair:
    """Takes the bytes of one response's server-sent events and gives them back mended.

    Args:
        taken: Ids of tool calls earlier in the conversation.

    Attributes:
        finish_reason: Of choice 0; None while it streams.
    """

    def __init__(self, taken: Container[str] = ()) -> None:
        self.finish_reason: str | None = None
        self._calls = ToolCalls(taken)
        self._pending = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._said = False

    def feed(self, chunk: bytes) -> bytes:
        """Some more bytes; returns what is whole so far.

        Raises:
            AnswerUnusable: That is no event of the protocol, or the end of an answer that says nothing.
        """
        *lines, self._pending = _LINE_END.split(self._pending + chunk)
        if len(self._pending) > MAX_EVENT:
            raise AnswerUnusable(f"The model's answer has an event of more than {MAX_EVENT} bytes.", _HINT)
        return b"".join(self._events(lines))

    def end(self) -> bytes:
        """What is left when the stream ends.

        Raises:
            AnswerCutOff: The end was not announced, by a finish reason or by `[DONE]`.
            AnswerUnusable: As `feed`.
        """
        rest = b"".join(self._events([*_LINE_END.split(self._pending.removesuffix(b"\r")), b""]))
        self._pending = b""
        if not (self._ended or self.finish_reason):
            raise cut_off()
        self._check_said()
        return rest

    def _events(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            if line:
                self._lines.append(line)
                continue
            event, self._lines = self._lines, []
            if event:
                yield self._event(event)

    def _event(self, lines: list[bytes]) -> bytes:
        data = [line[len(b"data:") :].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        others = [line for line in lines if not line.startswith(b"data:")]
        if data:
            others.append(b"data: " + self._data(b"\n".join(data).decode(errors="replace")).encode())
        return b"\n".join(others) + b"\n\n"

    def _data(self, text: str) -> str:
        if text.startswith(DONE):
            self._ended = True
            self._check_said()
            return text
        try:
            event = json.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise AnswerUnusable(f"The model's answer cannot be read: {text[:SHOWN]!r}.", _HINT)
        if event.get("error"):
            return text
        self._mend(event)
        # ASCII: a text in JSON may hold what ends a line elsewhere.
        return json.dumps(event, separators=(",", ":"))

    def _mend(self, event: dict[str, Any]) -> None:
        choices = event.get("choices")
        # Of several choices the first is the answer; nobody asked for more.
        event["choices"] = [
            choice
            for choice in (choices if isinstance(choices, list) else [])
            if isinstance(choice, dict) and not choice.get("index")
        ]
        for choice in event["choices"]:
            choice["index"] = 0
            delta = choice["delta"] = choice["delta"] if isinstance(choice.get("delta"), dict) else {}
            if isinstance(delta.get("content"), list):
                parts = (part.get("text") for part in delta["content"] if isinstance(part, dict))
                delta["content"] = "".join(part for part in parts if isinstance(part, str))
            self._mend_calls(delta)
            self._said = self._said or any(delta.get(key) for key in ("content", "refusal", "tool_calls"))
            if choice.get("finish_reason"):
                self.finish_reason = str(choice["finish_reason"])

    def _mend_calls(self, delta: dict[str, Any]) -> None:
        pieces = delta.get("tool_calls")
        if not pieces:
            return
        delta["tool_calls"] = [piece for piece in pieces if isinstance(piece, dict)]
        for piece in delta["tool_calls"]:
            self._calls.mend(piece)

    def _check_said(self) -> None:
        if not self._said and self.finish_reason not in {"content_filter", "length"}:
            raise AnswerUnusable("The model answered nothing.", _HINT)


_HINT = "Ask again, check that the address is one of chat completions, or work without: --model offline."


def cut_off() -> AnswerCutOff:
    """What is raised where a stream or its connection ends in the middle."""
    return AnswerCutOff("The model's answer was cut off in the middle.", "Ask again, or work without: --model offline.")

"""Mending a chat-completions stream on its way in, line by line.

Gemini's compatible endpoint sends parallel tool calls without an index, or all with index 0; merged, they become one
call with broken arguments. Servers and proxies end a stream in the middle without a word; taken as it is, half an
answer looks like a whole one.
"""

from __future__ import annotations

import json
from typing import Any

DATA = b"data:"
DONE = b"[DONE]"
MAX_LINE = 8_000_000


class StreamRepair:
    """Takes the bytes of one response's server-sent events and gives them back mended.

    Attributes:
        complete: The end was announced: a finish reason for every choice, or `[DONE]`.
        finish_reason: Of choice 0; None while it streams.
    """

    def __init__(self) -> None:
        self.complete = False
        self.finish_reason: str | None = None
        self._pending = b""
        self._choices: dict[int, _Calls] = {}

    def feed(self, chunk: bytes) -> bytes:
        """Some more bytes; returns what is whole so far."""
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        if len(self._pending) > MAX_LINE:
            raise ValueError("A line of the stream is too long.")
        return b"".join(self._line(line) + b"\n" for line in lines)

    def end(self) -> bytes:
        """What is left when the stream ends."""
        rest, self._pending = self._pending, b""
        return self._line(rest) + b"\n\n" if rest else b""

    def _line(self, line: bytes) -> bytes:
        if not line.startswith(DATA):
            return line
        payload = line[len(DATA) :].strip()
        if payload == DONE:
            self.complete = True
            return line
        try:
            event = json.loads(payload)
        except ValueError:
            return line
        if not isinstance(event, dict) or not self._mend(event):
            return line
        return DATA + b" " + json.dumps(event, separators=(",", ":")).encode()

    def _mend(self, event: dict[str, Any]) -> bool:
        changed = False
        for choice in event.get("choices") or ():
            position = int(choice.get("index") or 0)
            calls = self._choices.setdefault(position, _Calls())
            for call in (choice.get("delta") or {}).get("tool_calls") or ():
                changed |= calls.number(call)
            if choice.get("finish_reason"):
                self.complete = True
                if position == 0:
                    self.finish_reason = str(choice["finish_reason"])
        return changed


class _Calls:
    """Gives each tool call of one choice an index of its own."""

    def __init__(self) -> None:
        self._of_id: dict[str, int] = {}
        self._last = 0
        self._shared = False
        """Two calls came with the same index: what has no id then belongs to the call that was begun last."""

    def number(self, call: dict[str, Any]) -> bool:
        """Set the index (and the id, where there is none) of one piece of a call; says whether it was another."""
        given, call_id = call.get("index"), call.get("id")
        if not call_id and (call.get("function") or {}).get("name"):
            # The client answers a call by its id.
            call["id"] = f"call_{len(self._of_id)}"
        if call.get("id"):
            call["index"] = self._of_id.setdefault(call["id"], self._free(given))
        elif self._shared or given not in self._of_id.values():
            call["index"] = self._last
        self._last = call["index"]
        return (given, call_id) != (call["index"], call.get("id"))

    def _free(self, given: Any) -> int:
        taken = self._of_id.values()
        if isinstance(given, int) and given not in taken:
            return given
        self._shared = self._shared or bool(taken)
        return max(taken, default=-1) + 1

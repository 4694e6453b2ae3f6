"""A model at the end of the wire: a loopback server that speaks the chat-completions protocol, scripted by a test."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]
Delta = dict[str, Any]


@dataclass
class Refusal:
    """An error instead of an answer."""

    status: int
    body: dict[str, Any] = field(default_factory=lambda: {"error": {"message": "refused", "code": "refused"}})


def text(*pieces: str) -> list[Delta]:
    return [{"content": piece} for piece in pieces]


def tools(*calls: tuple[str, dict[str, Any]], gemini: bool = False) -> list[Delta]:
    """Tool calls, streamed as OpenAI does or as Gemini does (each whole, and none with an index)."""
    deltas: list[Delta] = []
    for index, (name, arguments) in enumerate(calls):
        call: dict[str, Any] = {"id": f"call-{name}-{index}", "type": "function"}
        if gemini:
            deltas.append({"tool_calls": [call | {"function": {"name": name, "arguments": json.dumps(arguments)}}]})
            continue
        deltas.append({"tool_calls": [call | {"index": index, "function": {"name": name, "arguments": ""}}]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in json.dumps(arguments)
        ]
    return deltas


Answer = list[Delta] | Refusal
Script = list[Answer | Callable[[Request], Answer]]


@dataclass
class Model:
    """Gives the answers of `script`, one a request; a callable makes its answer of the request it sees."""

    url: str = ""
    script: Script = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    pause: float = 0

    def results(self, request: Request) -> list[Any]:
        """What the tools gave, read from a request."""
        return [json.loads(one["content"]) for one in request["messages"] if one["role"] == "tool"]


@contextmanager
def serve() -> Iterator[Model]:
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.requests.append(request)
            model.authorizations.append(self.headers["Authorization"])
            answer = model.script.pop(0) if model.script else Refusal(500)
            if callable(answer):
                answer = answer(request)
            if isinstance(answer, Refusal):
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer.body).encode())
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            reason = "tool_calls" if any("tool_calls" in delta for delta in answer) else "stop"
            for delta in answer:
                self._send({"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None})
                time.sleep(model.pause)
            self._send({"index": 0, "delta": {}, "finish_reason": reason})
            self.wfile.write(b"data: [DONE]\n\n")

        def _send(self, choice: dict[str, Any]) -> None:
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            self.wfile.flush()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield model
    server.shutdown()
    server.server_close()

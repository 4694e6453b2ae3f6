"""A loopback server that speaks the chat-completions protocol from a script: a model replaced at the wire only."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler], None]


class Wire:
    """Answers one request after the other by the script, and keeps what was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.script: list[Reply] = []
        self.requests: list[dict[str, Any]] = []
        self.raw: list[bytes] = []

    def sent_back(self, position: int = -1) -> list[dict[str, Any]]:
        """The tool outputs in a request."""
        return [message for message in self.requests[position]["messages"] if message["role"] == "tool"]


@contextmanager
def wire_server() -> Iterator[Wire]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            wire.raw.append(body + str(self.headers).encode())
            wire.requests.append(json.loads(body))
            reply = wire.script.pop(0) if wire.script else status(500, "the script is over")
            reply(self)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    wire = Wire(f"http://127.0.0.1:{server.server_address[1]}/v1")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()


def status(code: int, message: str, *, headers: dict[str, str] | None = None, error_code: str = "") -> Reply:
    """An error as OpenAI words it."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"error": {"message": message, "type": error_code, "code": error_code}}).encode()
        handler.send_response(code)
        for key, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def stream(*events: bytes, cut: bool = False, pause: float = 0.0) -> Reply:
    """Server-sent events; `cut` closes the connection where the end should be."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            for event in events:
                handler.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
                handler.wfile.flush()
                time.sleep(pause)
            if cut:
                handler.connection.close()
            else:
                handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass  # the client hung up, as a cancelled one does
        handler.close_connection = True

    return reply


def silence(seconds: float) -> Reply:
    """No answer at all."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return reply


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    event = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


USAGE = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n'
)
DONE = b"data: [DONE]\n\n"


def text(*pieces: str, finish: str = "stop") -> list[bytes]:
    """An answer in words."""
    return [*(chunk({"role": "assistant", "content": piece}) for piece in pieces), chunk({}, finish), USAGE, DONE]


def call(
    name: str, arguments: dict[str, Any] | str, *, call_id: str = "call_a", index: int | None = 0
) -> dict[str, Any]:
    """One whole tool call, as a piece of a delta; `index=None` leaves the index out, as Gemini does."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    piece = {"id": call_id, "type": "function", "function": {"name": name, "arguments": given}}
    return piece if index is None else {"index": index, **piece}


def calls(*made: dict[str, Any]) -> list[bytes]:
    """Whole tool calls, each in a delta of its own."""
    return [*(chunk({"role": "assistant", "tool_calls": [one]}) for one in made), chunk({}, "tool_calls"), USAGE, DONE]

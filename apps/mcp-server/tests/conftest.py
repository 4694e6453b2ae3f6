"""The MCP server as a process, in front of a small HTTP server that stands where the backend is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

SOURCE = Path(__file__).parents[1]
TASK = {
    "id": "7d4f7f0e-8f5c-4f7e-9a57-0d3c7b2f1a11",
    "title": "Buy milk",
    "description": "",
    "priority": "medium",
    "tags": [],
    "due_date": None,
    "recurrence": "none",
    "completed": False,
    "completed_at": None,
    "created_at": "2030-01-01T00:00:00Z",
    "updated_at": "2030-01-01T00:00:00Z",
}


@dataclass
class Seen:
    """One request that reached the backend."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Backend:
    """Answers with `status` and `answer`, `delay` seconds later, and keeps what it was asked."""

    url: str = ""
    status: int = 200
    answer: Any = field(default_factory=lambda: dict(TASK))
    delay: float = 0
    seen: list[Seen] = field(default_factory=list)


@pytest.fixture(scope="session")
def listening() -> Iterator[Backend]:
    backend = Backend()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            backend.seen.append(Seen(self.command, self.path, headers, body))
            time.sleep(backend.delay)
            content = b"" if backend.status == 204 else json.dumps(backend.answer).encode()
            self.send_response(backend.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    backend.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield backend
    server.shutdown()
    server.server_close()


@pytest.fixture
def backend(listening: Backend) -> Backend:
    """The backend as if nothing had happened before."""
    fresh = Backend(listening.url)
    vars(listening).update(vars(fresh))
    return listening


@dataclass
class Service:
    """The running MCP server and where it writes its log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **variables}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


Start = Callable[..., AbstractContextManager[Service]]


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    @contextmanager
    def starting(**settings: str) -> Iterator[Service]:
        port = free_port()
        folder = tmp_path_factory.mktemp("mcp-server")
        log = folder / "log"
        settings = {"HOST": "127.0.0.1", "PORT": str(port), "DRAIN_SECONDS": "0"} | settings
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "todo_mcp"],
                cwd=folder,
                env=environment(**settings),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        service = Service(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait(service)
            yield service
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    return starting


def _wait(service: Service) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and service.process.poll() is None:
        try:
            if httpx2.get(f"{service.url}/health").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not come up:\n{service.log.read_text()}")


@pytest.fixture(scope="session")
def service(start: Start, listening: Backend) -> Iterator[Service]:
    with start(BACKEND_URL=listening.url, LOG_LEVEL="DEBUG") as running:
        yield running

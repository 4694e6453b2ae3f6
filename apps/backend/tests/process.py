"""The services as processes, run as they are in production."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx2
from postgres import free_port

BACKEND = Path(__file__).parents[1]
MCP_SERVER = BACKEND.parent / "mcp-server"


@dataclass
class Service:
    """A running service and where it writes its log."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, token: str | None = None, **options: Any) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, **options)


def environment(**variables: str) -> dict[str, str]:
    """What a process needs to run at all, and `variables`: nothing of the person who runs the tests."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables}


def run(module: str, *arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a module to its end, in `folder`."""
    command = [sys.executable, "-m", module, *arguments]
    variables.setdefault("PYTHONPATH", str(BACKEND))
    return subprocess.run(
        command, cwd=folder, env=environment(**variables), capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def serve(module: str, source: Path, folder: Path, alive: str, **variables: str) -> Iterator[Service]:
    """Run a service until the block ends; `alive` is the path that answers when it is up."""
    port = variables.setdefault("PORT", str(free_port()))
    log = folder / f"{module}-{port}.log"
    settings = environment(PYTHONPATH=str(source), HOST="127.0.0.1", **variables)
    with log.open("wb") as output:
        process = _start(module, folder, settings, output)
        service = Service(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait(service, alive)
            yield service
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what happens a moment after an answer."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def _start(module: str, folder: Path, settings: dict[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module]
    return subprocess.Popen(command, cwd=folder, env=settings, stdout=output, stderr=subprocess.STDOUT)


def _wait(service: Service, alive: str) -> None:
    deadline = time.monotonic() + 60
    with service.client() as client:
        while time.monotonic() < deadline and service.process.poll() is None:
            try:
                if client.get(alive).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
    raise AssertionError(f"{service.url} did not come up:\n{service.log.read_text()}")

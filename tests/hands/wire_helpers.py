"""A wire between Shipmate and an API server that can be meddled with, and processes that die on it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import urllib3
import yaml
from hands_helpers import answer, http_server, write_kubeconfig

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

On = Callable[[], None]
Meddle = Callable[[Any, bytes, On], None]


def passing(handler: Any, body: bytes, on: On) -> None:
    """The wire as it should be."""
    on()


def is_write(handler: Any, body: bytes) -> bool:
    """Whether a request changes something for good."""
    return handler.command != "GET" and "dryRun" not in handler.path and b'"dryRun"' not in body


@contextmanager
def wire(kubeconfig: Path, meddle: Meddle = passing) -> Iterator[str]:
    """A proxy in front of the server of a kubeconfig with a token; `meddle` lets each request on, or not.

    Yields:
        Its address.
    """
    config = yaml.safe_load(kubeconfig.read_text())
    server, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
    urllib3.disable_warnings()
    pool = urllib3.PoolManager(cert_reqs="CERT_NONE", maxsize=8)

    def reply(handler: Any) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {key: handler.headers[key] for key in ("Accept", "Content-Type") if handler.headers[key]}
        headers["Authorization"] = f"Bearer {token}"

        def on() -> None:
            found = pool.request(handler.command, server + handler.path, body=body, headers=headers, retries=False)
            if "Content-Length" in handler.headers:
                handler.headers.replace_header("Content-Length", "0")
            answer(handler, found.status, found.data)

        meddle(handler, body, on)

    with http_server(reply) as url:
        yield url
    pool.clear()


def detour(kubeconfig: Path, url: str, place: Path) -> Path:
    """A kubeconfig with the same context by way of a wire."""
    return write_kubeconfig(place, url, name=yaml.safe_load(kubeconfig.read_text())["current-context"])


def lose_answer(handler: Any, on: On) -> None:
    """Let a request through and its answer not."""
    real = handler.wfile
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  no file
        handler.wfile = nowhere
        on()
    handler.wfile = real
    handler.close_connection = True


def lose_request(handler: Any) -> None:
    """Let a request not through."""
    handler.close_connection = True


@dataclass
class Death:
    """When a process dies: at its n-th request that counts, before it arrives or before it is answered."""

    at: int
    answered: bool
    writes_only: bool = False


def _act(kubeconfig: str, namespace: str, journal: str, tool: str, arguments: dict[str, Any]) -> None:
    from mcp_tools.changes.model import Decision
    from mcp_tools.cluster.target import Target
    from mcp_tools.toolbox import Toolbox

    box = Toolbox(
        Target(kubeconfig=kubeconfig, namespace=namespace),
        approver=lambda _: Decision.APPROVED,
        journal=Path(journal),
    )
    box.call(tool, arguments)


def die(
    sandbox_config: Path, namespace: str, folder: Path, death: Death, tool: str, arguments: dict[str, Any]
) -> tuple[bool, list[str]]:
    """Call a tool in a process of its own that is killed on the way.

    Returns:
        Whether it was killed (it may have ended before), and the writes that arrived.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mcp_tools.changes.engine", "mcp_tools.tools.registry", "kubernetes.config"])
    count, writes, killed, lock = 0, [], False, Lock()
    process: ForkServerProcess

    def meddle(handler: Any, body: bytes, on: On) -> None:
        nonlocal count, killed
        with lock:
            writing = is_write(handler, body)
            count += writing or not death.writes_only
            now = count == death.at and (writing or not death.writes_only) and not killed
            if now and not death.answered:
                killed = True
                os.kill(process.pid or 0, signal.SIGKILL)
                return lose_request(handler)
            if writing and not killed:
                writes.append(f"{handler.command} {handler.path.partition('?')[0]}")
            if now:
                killed = True
                lose_answer(handler, on)
                os.kill(process.pid or 0, signal.SIGKILL)
                return None
            return on() if not killed else lose_request(handler)

    with wire(sandbox_config, meddle) as url:
        config = detour(sandbox_config, url, folder / "dying")
        process = context.Process(
            target=_act, args=(str(config), namespace, str(folder / "journal.db"), tool, arguments)
        )
        process.start()
        process.join(60)
        assert process.exitcode is not None, "it hangs"
    return killed, writes

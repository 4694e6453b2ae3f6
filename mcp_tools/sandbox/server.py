"""Serves a world over HTTPS on loopback: in the foreground of a process, or on a thread of a test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.api.app import Api
from mcp_tools.sandbox.credentials import Authority, Credentials, kubeconfig, make_credentials, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mcp_tools.sandbox.world import World

KUBECONFIG = "kubeconfig"
_CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A sandbox that answers.

    Attributes:
        url: `https://127.0.0.1:<port>`.
        kubeconfig: The file to reach it with.
        world: What it serves; only for use on its own event loop.
        loop: That loop.
    """

    url: str
    kubeconfig: Path
    token: str
    world: World
    loop: asyncio.AbstractEventLoop


async def serve(
    state: Path,
    *,
    port: int = 0,
    idle_minutes: float = 0.0,
    empty: bool = False,
    data: Path | None = None,
    ready: Callable[[Serving], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until told to stop, or until nobody asked for a while.

    Args:
        state: The directory that receives the kubeconfig.
        port: On loopback; 0 takes a free one.
        idle_minutes: End after so many minutes without a request; 0 never does.
        empty: Without the todo stack.
        data: A folder in which the objects are kept for the next time.
        ready: Called once it answers.
        stop: Ends the serving when set.
    """
    import uvicorn

    from mcp_tools.sandbox.durable import Keeper
    from mcp_tools.sandbox.sockets import SocketProtocol
    from mcp_tools.sandbox.world import boot, revive

    loop = asyncio.get_running_loop()
    credentials = make_credentials()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # The protocol is named so that asyncio sees TCP and turns its delays off.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    keeper = Keeper(data) if data else None
    authority = Authority(credentials.ca, credentials.ca_key)
    world = (keeper and revive(keeper, authority)) or boot(empty=empty, authority=authority)
    if keeper:
        keeper.follow(world)
    last = loop.time()

    def touch() -> None:
        nonlocal last
        last = loop.time()

    config = uvicorn.Config(
        Api(world, credentials.token, touch),
        log_level="warning",
        access_log=False,
        lifespan="off",
        http="h11",
        ws=SocketProtocol,
        server_header=False,
        date_header=True,
    )
    config.load()
    config.ssl = _context(state, credentials)
    server = uvicorn.Server(config)
    world.clock.go_live(loop)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not running.done():  # noqa: ASYNC110
        await asyncio.sleep(0.002)  # uvicorn has no event to wait for
    path = state / KUBECONFIG
    if not running.done():
        write_private(path, kubeconfig(url, credentials))
        ready(Serving(url, path, credentials.token, world, loop))
    try:
        while not running.done() and not (stop and stop.is_set()):
            if idle_minutes and loop.time() - last > idle_minutes * 60:
                break
            await _pause(running, stop)
    finally:
        # Watches never end by themselves: nobody waits for them.
        server.should_exit = server.force_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await running
        listener.close()
        if keeper:
            keeper.close()


async def _pause(running: asyncio.Task[None], stop: asyncio.Event | None) -> None:
    waits: set[asyncio.Task[Any]] = {running}
    if stop:
        waits.add(asyncio.ensure_future(stop.wait()))
    await asyncio.wait(waits, timeout=_CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in waits - {running}:
        task.cancel()


def _context(state: Path, credentials: Credentials) -> ssl.SSLContext:
    # The ssl module reads certificates from files only; they are gone again before anybody connects.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    path = state / f".server.{os.getpid()}.pem"
    write_private(path, credentials.certificate + credentials.key)
    try:
        context.load_cert_chain(path)
    finally:
        path.unlink()
    return context


@contextlib.contextmanager
def serving(state: Path, *, empty: bool = False) -> Iterator[Serving]:
    """A sandbox on a thread of this process, for tests; `run_on` its loop whatever touches its world."""
    started = threading.Event()
    found: list[Serving] = []
    failure: list[BaseException] = []
    stops: list[asyncio.Event] = []

    def ready(answering: Serving) -> None:
        found.append(answering)
        started.set()

    async def main() -> None:
        stops.append(asyncio.Event())
        await serve(state, empty=empty, ready=ready, stop=stops[0])

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001  handed to the caller below
            failure.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    if not found:
        raise RuntimeError("the sandbox did not start") from (failure[0] if failure else None)
    try:
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(stops[0].set)
        thread.join(10)

"""Ports of this machine that lead to a pod, for as long as they are held open.

Each connection is a WebSocket of its own to the portforward subresource of a pod, which is looked up anew every time.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pump import Pump
from mcp_tools.cluster.resolve import WORKLOADS, find_object
from mcp_tools.cluster.route import Route
from mcp_tools.errors import ShipmateError, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

HOST = "127.0.0.1"
MAX_FORWARDS = 20
MAX_CONNECTIONS = 200
MAX_NEWS = 50
FORWARDABLE = (*WORKLOADS, "services", "pods")


@dataclass(frozen=True, slots=True)
class Opened:
    """A forward as it is told.

    Attributes:
        number: What closes it.
        target: The pod, Service or workload.
        pod: Where it leads now.
        connections: How many are open.
    """

    number: int
    target: str
    local_port: int
    remote_port: int
    pod: str
    connections: int


class Forwards:
    """The forwards that a process holds open. `tell` hears when one leads elsewhere or fails; from any thread."""

    def __init__(self) -> None:
        self._open: dict[int, _Forward] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._news: deque[str] = deque(maxlen=MAX_NEWS)
        self.tell: Callable[[str], None] = self._news.append

    def __len__(self) -> int:
        return len(self._open)

    def open(
        self, connection: Connection, target: str, namespace: str | None, remote_port: int | None, local_port: int
    ) -> Opened:
        """Listen on a local port and lead every connection to a pod.

        Args:
            remote_port: Of the Service, or of the pod; None for the only one.
            local_port: 0 for a free one.

        Raises:
            UsageError: The port is taken here or unknown there, or there are too many forwards.
            ShipmateError: As `find_object`; no pod is ready.
        """
        found = find_object(connection, target, namespace, FORWARDABLE)
        route = Route(connection, found, remote_port)
        first = route.pick()
        with self._lock:
            if len(self._open) >= MAX_FORWARDS:
                raise UsageError(f"{MAX_FORWARDS} ports are forwarded already.", "Close one first.")
            number = next(self._numbers)
            self._open[number] = forward = _Forward(number, route, first, local_port, self._say)
        return forward.told

    def all(self) -> list[Opened]:
        """What is open, oldest first."""
        with self._lock:
            return [forward.told for forward in self._open.values()]

    def close(self, wanted: Callable[[Opened], bool] = lambda _: True) -> list[Opened]:
        """Close those that are wanted, with their connections; without an argument all. Gives what was closed."""
        with self._lock:
            chosen = {number: forward for number, forward in self._open.items() if wanted(forward.told)}
            for number in chosen:
                del self._open[number]
        told = [forward.told for forward in chosen.values()]
        for forward in chosen.values():
            forward.close()
        return told

    def news(self) -> list[str]:
        """What happened since the last time, where nobody listened."""
        said = []
        with contextlib.suppress(IndexError):
            while True:
                said.append(self._news.popleft())
        return said

    def _say(self, text: str) -> None:
        self.tell(text)


class _Forward:
    """One local port."""

    def __init__(
        self, number: int, route: Route, first: tuple[str, int], local_port: int, say: Callable[[str], None]
    ) -> None:
        self._route = route
        self._pod, self._remote = first
        self._say = say
        self._number = number
        self._links: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._failing = False
        try:
            self._listener = socket.create_server((HOST, local_port))
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(
                f"Port {local_port} of this machine cannot be used: {why}.", "Take another, or 0."
            ) from error
        self._local = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name=f"forward-{self._local}", daemon=True).start()

    @property
    def told(self) -> Opened:
        return Opened(
            self._number, str(self._route.found), self._local, self._remote, self._pod, connections=len(self._links)
        )

    def close(self) -> None:
        with self._lock:
            self._closed = True
            links = list(self._links)
        # Closing alone would leave the thread in `accept`.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                refused = self._closed or len(self._links) >= MAX_CONNECTIONS
                if not refused:
                    self._links.add(near)
            if refused:
                near.close()
                continue
            threading.Thread(target=self._serve, args=(near,), name=f"link-{self._local}", daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        problem = ""
        try:
            far = self._connect()
            try:
                problem = Pump(near, far).run()
            finally:
                # Without the closing handshake, which would be waited for.
                far.sock.shutdown()
        except ShipmateError as error:
            problem = error.message
        except (OSError, ssl.SSLError) as error:
            problem = str(error)
        finally:
            with self._lock:
                self._links.discard(near)
                closed = self._closed
            near.close()
        if problem and not closed and not self._failing:
            self._failing = True
            self._say(f"{HOST}:{self._local} → {self._route.found}: {problem}")
        elif not problem:
            self._failing = False

    def _connect(self) -> Any:
        pod, port = self._route.pick(self._pod)
        if pod != self._pod:
            self._say(f"{HOST}:{self._local} → {self._route.found}: pod {self._pod} is gone, {pod} takes over")
        self._pod, self._remote = pod, port
        namespace = self._route.found.namespace
        path = built_in("pods").path(namespace, pod, "portforward")
        return self._route.connection.open_socket(path, [("ports", port)], binary=True)

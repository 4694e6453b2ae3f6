"""The cluster as it is, kept up to date by watches: every kind that a snapshot has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mcp_tools.diagnosis.snapshot import Resource, Snapshot
from mcp_tools.diagnosis.taking import NAMESPACED, OF_CLUSTER
from mcp_tools.monitoring.watching import Condition, Heard, Watching

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.kinds import Kind
    from mcp_tools.diagnosis.model import Ref

LISTS_AT_ONCE = 4
LOOK_SECONDS = 0.05
END_SECONDS = 5.0
KINDS: tuple[Kind, ...] = (*NAMESPACED, *OF_CLUSTER)


def _unheard(change: str, item: Resource) -> None:
    """Nobody wants to hear of changes."""


class Cache:
    """Watches of all kinds of one namespace and of the whole cluster, or of everything (None).

    Its memory is that of the objects, with at most 5,000 events of the last hour. Use it as a context manager.

    Args:
        heard: Told of every change, in the thread of its kind's watch.
    """

    def __init__(self, connection: Connection, namespace: str | None, heard: Heard = _unheard) -> None:
        self.namespace = namespace
        self._stop = threading.Event()
        turn = threading.Semaphore(LISTS_AT_ONCE)
        self.watching = tuple(
            Watching(connection, kind, namespace, stop=self._stop, turn=turn, heard=heard) for kind in KINDS
        )
        self._by_kind = {item.kind.name: item for item in self.watching}
        self._threads = [
            threading.Thread(target=item.run, name=f"watch {item.kind.plural}", daemon=True) for item in self.watching
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the watches and wait for their threads."""
        self._stop.set()
        for item in self.watching:
            item.close()
        until = time.monotonic() + END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def reconnect(self) -> None:
        """Begin every open watch anew, from the version it has: after an outage an open one may be dead."""
        for item in self.watching:
            item.reconnect()

    def nudge(self) -> None:
        """Let those watches that wait to be begun again do so at once."""
        for item in self.watching:
            item.nudge()

    def close_overdue(self) -> None:
        """Begin those watches anew that have stalled."""
        for item in self.watching:
            item.close_overdue()

    @property
    def behind(self) -> tuple[Watching, ...]:
        """The kinds whose objects may be out of date; what is not shown or not served to us is none of them."""
        return tuple(item for item in self.watching if item.condition in {Condition.LISTING, Condition.AWAY})

    @property
    def unseen(self) -> dict[str, str]:
        """Why a kind is not shown to us, by kind."""
        return {item.kind.name: item.message for item in self.watching if item.condition is Condition.UNSEEN}

    def wait(self, seconds: float, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Wait until nothing is behind; whether it came to that."""
        until = time.monotonic() + seconds
        while self.behind:
            if given_up() or time.monotonic() > until:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def snapshot(self) -> Snapshot:
        """Everything as it is at this moment."""
        items = [resource for item in self.watching for resource in item.shelf.items()]
        return Snapshot(items, self.namespace or "", self.unseen)

    def find(self, ref: Ref) -> Resource | None:
        """One object, if it is there."""
        found = self._by_kind.get(ref.kind)
        return found.shelf.get(ref.namespace, ref.name) if found else None

"""One kind of objects kept up to date: listed once, then watched from that version on, for as long as it takes.

What a reflector of client-go does, in its terms: a watch that ends is begun again from the last version heard of, also
after an outage; a version that the server has forgotten (410) means a new list, and so does a server that is younger
than what was heard from it (restored from a backup). Bookmarks keep the version young where nothing changes.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.diagnosis.snapshot import Resource
from mcp_tools.diagnosis.taking import METADATA_ONLY, PodBody, SecretBody, kept, read_pages, selection
from mcp_tools.errors import ApiError, Forbidden, NotFound, ShipmateError
from mcp_tools.monitoring.backoff import BackOff
from mcp_tools.monitoring.shelf import Shelf

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.kinds import Kind
    from mcp_tools.cluster.lines import Lines

WATCH_SECONDS = (120, 180)
"""A server is asked to end a watch after a time between these; each then begins again, and not all at once."""
GRACE_SECONDS = 15.0
"""A watch that lasts this much longer than was asked for has stalled."""
SHORTEST_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
REFUSED_SECONDS = 60.0
"""An API server that has just started may refuse what it allows a moment later: for so long nothing is forgotten."""
ASK_AGAIN_SECONDS = 300.0
LONGEST_LINE = 16 << 20
"""An object has at most about 1.5 MiB in etcd; as JSON it may be longer."""
GONE = 410
TROUBLE_FROM = 500
BUSY = 429
ONE_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
Heard = Callable[[str, Resource], None]
"""Told of each change: its type (ADDED, MODIFIED, DELETED) and the object, which is in the shelf already."""


class Condition(StrEnum):
    """What can be said of a kind's objects."""

    LISTING = "listing"
    CURRENT = "current"
    AWAY = "away"
    UNSEEN = "unseen"
    ABSENT = "absent"


class _Gone(Exception):
    """The version is one that the server has forgotten, or has not reached yet."""


class _Change(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Marked(msgspec.Struct):
    metadata: dict[str, Any] = {}
    code: int = 0
    message: str = ""


_change = msgspec.json.Decoder(_Change)
_marked = msgspec.json.Decoder(_Marked)
_bodies: dict[str, msgspec.json.Decoder[Any]] = {
    "Pod": msgspec.json.Decoder(PodBody),
    "Secret": msgspec.json.Decoder(SecretBody),
}
_body = msgspec.json.Decoder(dict[str, Any])


class Watching:
    """One kind, in a thread of its own.

    Attributes:
        condition: Read it beside `message`, which says why the objects are not current.
        since: When `condition` began, by `time.monotonic`.
        heard_at: When the server last said anything, by `time.monotonic`; 0 before that.
        reconnects: How often a watch broke or could not be begun.
        relists: How often all was listed anew after the first time.
    """

    def __init__(
        self,
        connection: Connection,
        kind: Kind,
        namespace: str | None,
        *,
        stop: threading.Event,
        turn: threading.Semaphore,
        heard: Heard,
    ) -> None:
        self.kind = kind
        self.shelf = Shelf(kind.name)
        self.condition = Condition.LISTING
        self.message = ""
        self.since = time.monotonic()
        self.heard_at = 0.0
        self.reconnects = 0
        self.relists = 0
        self._connection = connection
        self._path = kind.path(namespace if kind.namespaced else None)
        self._namespace = namespace if kind.namespaced else None
        self._stop = stop
        self._nudged = threading.Event()
        self._turn = turn
        self._heard = heard
        self._version = ""
        self._lines: Lines | None = None
        self._overdue = float("inf")
        self._back_off = BackOff(FIRST_PAUSE, LONGEST_PAUSE)
        self._refused_at: float | None = None
        self._listed = False

    def run(self) -> None:
        """List and watch until stopped."""
        broke = False
        while not self._stop.is_set():
            try:
                if broke and self._version:
                    self._compare_age()
                if not self._version:
                    self._list()
                broke = False
                began = time.monotonic()
                self._follow()
                if time.monotonic() - began < SHORTEST_SECONDS:
                    self._rest(SHORTEST_SECONDS)
            except _Gone:
                self._version = ""
                self._rest(max(SHORTEST_SECONDS, self._back_off.pause()))
            except (Forbidden, NotFound) as error:
                self._rest(self._refused(error))
            except ShipmateError as error:
                broke = True
                if isinstance(error, ApiError) and error.status == GONE:
                    self._version = ""
                self._failed(error)
                self._rest(self._back_off.pause())

    @property
    def seen(self) -> bool:
        """Whether its objects are served and shown to us."""
        return self.condition not in {Condition.UNSEEN, Condition.ABSENT}

    def reconnect(self) -> None:
        """Begin the watch anew; until that is done its objects may be out of date."""
        if self.condition is Condition.CURRENT:
            self._is(Condition.AWAY, "It is begun anew.")
        self.close()

    def nudge(self) -> None:
        """The server answers: whoever waits to try again need not wait any longer."""
        if self.condition is Condition.AWAY:
            self._back_off.reset()
            self._nudged.set()

    def close(self) -> None:
        """End the open stream, if there is one; unless stopped, another is begun."""
        self._nudged.set()
        if (lines := self._lines) is not None:
            lines.close()

    def close_overdue(self) -> None:
        """End a stream that lasts longer than it was asked to: nothing can be coming on it any more."""
        if time.monotonic() > self._overdue:
            self._overdue = float("inf")
            self.reconnects += 1
            self.close()

    def _rest(self, seconds: float) -> None:
        """Wait, unless stopped or nudged; then not all kinds come back in the same moment."""
        self._nudged.clear()
        if not self._stop.is_set() and self._nudged.wait(seconds):
            self._stop.wait(random.uniform(0.0, FIRST_PAUSE))  # noqa: S311  to spread the load

    def _list(self) -> None:
        with self._turn:
            version = ""

            def found() -> Any:
                nonlocal version
                for page, of_page in read_pages(self._connection, self.kind, self._namespace):
                    version = of_page
                    yield from page

            self.shelf.replace(found())
        self.relists += self._listed
        self._listed = True
        self._version = version
        self.heard_at = time.monotonic()
        self._is(Condition.CURRENT)

    def _follow(self) -> None:
        """Watch until the server ends it.

        Raises:
            _Gone: What came next is forgotten.
            ShipmateError: As `Connection.open_lines`.
        """
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311  to spread the load
        query = [
            *selection(self.kind),
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._version),
            ("timeoutSeconds", seconds),
        ]
        accept = ONE_METADATA if self.kind.name in METADATA_ONLY else "application/json"
        patience = seconds + GRACE_SECONDS
        lines = self._connection.open_lines(self._path, query, accept=accept, timeout=patience, longest=LONGEST_LINE)
        with lines:
            self._overdue = time.monotonic() + patience
            self._lines = lines
            try:
                if self._stop.is_set():
                    return
                self.heard_at = time.monotonic()
                self._is(Condition.CURRENT)
                for line in lines:
                    self._take(line)
            finally:
                self._lines = None
                self._overdue = float("inf")

    def _take(self, line: bytes) -> None:
        self.heard_at = time.monotonic()
        self._back_off.reset()
        try:
            change = _change.decode(line)
            if change.type in {"BOOKMARK", "ERROR"}:
                self._note(change.type, _marked.decode(change.object))
                return
            item = kept(self.kind.name, _bodies.get(self.kind.name, _body).decode(change.object))
            version = str(item.meta.get("resourceVersion") or "")
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise ApiError(
                f"The watch of {self.kind.plural} cannot be read: {error}.", "Is a proxy in between?"
            ) from error
        if change.type == "DELETED":
            self.shelf.remove(item.namespace, item.name)
        else:
            self.shelf.put(item)
        self._version = version or self._version
        self._heard(change.type, item)

    def _note(self, kind: str, said: _Marked) -> None:
        if kind == "BOOKMARK":
            self._version = str(said.metadata.get("resourceVersion") or self._version)
        elif said.code == GONE:
            raise _Gone
        else:
            raise ApiError(said.message or "The watch ended with an error.", status=said.code)

    def _compare_age(self) -> None:
        """After an outage: a server that has not reached our version yet would let us wait for it in silence."""
        raw = self._connection.get(self._path, [("limit", 1)])
        current = str(_marked.decode(raw).metadata.get("resourceVersion") or "")
        if current.isdecimal() and self._version.isdecimal() and int(current) < int(self._version):
            raise _Gone

    def _refused(self, error: ShipmateError) -> float:
        """Take note of a kind that is not shown or not served; how long to wait before it is asked for again."""
        now = time.monotonic()
        if self._refused_at is None:
            self._refused_at = now
        if self._listed and now - self._refused_at < REFUSED_SECONDS:
            self._is(Condition.AWAY, error.message)
            return self._back_off.pause()
        self._listed = False
        self._version = ""
        self.shelf.clear()
        if isinstance(error, NotFound):
            self._is(Condition.ABSENT, error.message)
        else:
            self._is(Condition.UNSEEN, error.message)
        return ASK_AGAIN_SECONDS

    def _failed(self, error: ShipmateError) -> None:
        self.reconnects += 1
        status = error.status if isinstance(error, ApiError) else 0
        if status and status < TROUBLE_FROM and status not in {BUSY, GONE} and not self._listed:
            # A server that takes our request for wrong will do so again; its other kinds can be watched.
            self._is(Condition.UNSEEN, error.message)
        else:
            self._is(Condition.AWAY, error.message)

    def _is(self, condition: Condition, message: str = "") -> None:
        if condition is Condition.CURRENT:
            self._refused_at = None
        if condition is not self.condition:
            self.since = time.monotonic()
        self.message = message
        self.condition = condition


def lag(change: str, item: Resource, now: dt.datetime) -> float | None:
    """How many seconds after its creation an object was heard of, at least; None where its change is not that.

    Kubernetes keeps whole seconds, so up to one more may have passed.
    """
    if change != "ADDED" or not item.created:
        return None
    created = dt.datetime.fromisoformat(item.created)
    return max(0.0, (now - created).total_seconds() - 1.0)

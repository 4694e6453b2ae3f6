"""Log lines as they are written: of all pods of a workload, of those that join, and across restarts, until stopped.

A container's log is read in a thread of its own into one bounded queue: a reader that is ahead of whoever shows the
lines waits. A read that breaks or stays silent begins again where it was, by the time of the last line.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.pods import ContainerStatus, Pod, list_pods, selector_of
from mcp_tools.cluster.resolve import WORKLOADS, Found, find_object
from mcp_tools.errors import ConnectionProblem, NotFound, ShipmateError, UsageError
from mcp_tools.reads.answer import LINE_WIDTH, clip
from mcp_tools.reads.lines import is_wanted
from mcp_tools.reads.logs import containers_of
from mcp_tools.redaction import MASK, redact_text

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MAX_SOURCES = 30
QUEUED = 1000
EARLIER_LINES = 10
LOOK_SECONDS = 1.0
SILENCE_SECONDS = 10.0
FIRST_SECONDS = 0.4
"""What comes in this time is put into its order: the last lines of several pods."""
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY")
_KEY_ENDS = re.compile(r"-----END [A-Z ]*PRIVATE KEY")


@dataclass(frozen=True, slots=True)
class Followed:
    """A line, redacted.

    Attributes:
        source: The pod, with the container where there are several; of a remark, what it is about.
        time: When it was written, in a form that sorts; empty where that is unknown.
        remark: It is not from the log: a pod joined, a container restarted.
    """

    source: str
    text: str
    time: str = ""
    remark: bool = False


def follow(
    connection: Connection,
    target: str,
    namespace: str | None,
    stop: threading.Event,
    *,
    container: str | None = None,
    tail_lines: int = EARLIER_LINES,
    since_seconds: int | None = None,
    contains: str | None = None,
    level: str | None = None,
) -> Iterator[Followed]:
    """Follow the logs of a pod or of a workload's pods.

    Args:
        stop: Set from another thread, it ends the lines within a moment.
        tail_lines: How many of each pod's lines from before are given first.
        container, since_seconds, contains, level: As `get_logs`.

    Raises:
        NotFound, Ambiguous, UsageError: No such object, or several containers and none named.
        ShipmateError: The cluster cannot be asked at the beginning; later that is a remark, and it is asked again.
    """
    found = find_object(connection, target, namespace, (*WORKLOADS, "jobs", "pods"))
    if found.kind.plural != "pods" and not selector_of(found.object):
        raise UsageError(f"{found} has no pods of its own.", "Name a pod or a workload.")
    names = containers_of(found, container)
    start = [("sinceSeconds", since_seconds)] if since_seconds else [("tailLines", tail_lines)]
    # What is left running when the caller goes away ends with this, and not with the caller's own event.
    done = threading.Event()
    following = _Following(connection, found, names, start, done)
    try:
        following.look()
        threading.Thread(target=following.watch, name="follow", daemon=True).start()
        for line in _ordered(following.lines(stop)):
            if line.remark or is_wanted(line.text, contains, level):
                yield line
    finally:
        done.set()


def _ordered(lines: Iterator[Followed | None]) -> Iterator[Followed]:
    """The lines, those of the first moment by their times; a None means that nothing came for a while."""
    first: list[Followed] = []
    until = time.monotonic() + FIRST_SECONDS
    for line in lines:
        if line is not None:
            first.append(line)
        if time.monotonic() > until or len(first) >= QUEUED:
            break
    yield from sorted(first, key=lambda line: line.time)
    yield from (line for line in lines if line is not None)


@dataclass(slots=True)
class _Source:
    """One container of one pod.

    Attributes:
        run: How often it had restarted when its log was read last; -1 before that.
        ended: The log of that run was read to its end.
        last: The time of the last line, and `seen` how many lines had it.
    """

    pod: str
    container: str
    label: str
    run: int = -1
    ended: bool = False
    last: str = ""
    seen: int = 0
    told_end: bool = False
    reader: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        return self.reader is not None and self.reader.is_alive()


class _Following:
    def __init__(
        self,
        connection: Connection,
        found: Found,
        containers: tuple[str, ...],
        start: list[tuple[str, Any]],
        stop: threading.Event,
    ) -> None:
        self._connection = connection
        self._found = found
        self._containers = containers
        self._start = start
        self._stop = stop
        self._queue: queue.Queue[Followed] = queue.Queue(QUEUED)
        self._sources: dict[tuple[str, str], _Source] = {}
        self._begun = False
        self._crowded = False
        self._over = threading.Event()

    def lines(self, stop: threading.Event) -> Iterator[Followed | None]:
        """What the readers put, until it is stopped or nothing can come any more."""
        while not stop.is_set():
            try:
                yield self._queue.get(timeout=0.1)
            except queue.Empty:
                if self._over.is_set() and self._queue.empty():
                    return
                yield None

    def watch(self) -> None:
        """Look for pods that join, leave or restart, until stopped."""
        silent = False
        while not self._stop.wait(LOOK_SECONDS):
            try:
                going_on = self.look()
            except ConnectionProblem as error:
                if not silent:
                    self._remark(str(self._found), f"{error.message} It is asked again.")
                silent = True
                continue
            except ShipmateError as error:
                self._remark(str(self._found), error.message)
                break
            silent = False
            if not going_on:
                break
        self._over.set()

    def look(self) -> bool:
        """Begin to read what is new; whether more can come."""
        pods = self._pods()
        living = set()
        for pod in pods:
            for container in self._containers:
                status = _status(pod, container)
                if status is not None:
                    living.add((pod.metadata.uid, container))
                    self._attend(pod, container, status)
        for key in [key for key in self._sources if key not in living and not self._sources[key].busy]:
            source = self._sources.pop(key)
            self._remark(source.label, "is gone")
        self._begun = True
        over = bool(pods) and all(pod.status.phase in {"Succeeded", "Failed"} for pod in pods)
        if self._found.kind.plural in {"pods", "jobs"} and over:
            return any(source.busy or not source.ended for source in self._sources.values())
        return bool(pods) or self._found.kind.plural != "pods"

    def _pods(self) -> list[Pod]:
        found = self._found
        if found.kind.plural != "pods":
            return list_pods(self._connection, found.namespace or "", selector_of(found.object))
        try:
            live = self._connection.get_object(found.kind.path(found.namespace, found.name))
        except NotFound:
            return []
        return [msgspec.convert(live, Pod)]

    def _attend(self, pod: Pod, container: str, status: ContainerStatus) -> None:
        if status.state.running is None and status.state.terminated is None and status.last_state.terminated is None:
            return  # nothing was written yet
        key = (pod.metadata.uid, container)
        source = self._sources.get(key)
        if source is None:
            if len(self._sources) >= MAX_SOURCES:
                if not self._crowded:
                    self._remark(str(self._found), f"only {MAX_SOURCES} containers are followed")
                self._crowded = True
                return
            name = pod.metadata.name
            several = len(self._containers) > 1
            source = self._sources[key] = _Source(name, container, f"{name}/{container}" if several else name)
            if self._begun:
                self._remark(source.label, "joins")
        if source.busy:
            return
        if status.restart_count > source.run >= 0:
            ended = status.last_state.terminated
            why = f" ({ended.reason or 'ended'}, exit code {ended.exit_code})" if ended else ""
            self._remark(source.label, f"restarted{why}")
            source.told_end = False
        elif source.ended and status.state.running is None:
            if status.state.terminated and not source.told_end and self._begun:
                self._remark(source.label, f"ended with exit code {status.state.terminated.exit_code}")
            source.told_end = True
            return
        source.run, source.ended = status.restart_count, False
        query = [("sinceTime", source.last)] if source.last else [] if self._begun else self._start
        source.reader = threading.Thread(target=self._read, args=(source, query), name="follow-log", daemon=True)
        source.reader.start()

    def _read(self, source: _Source, start: list[tuple[str, Any]]) -> None:
        query = [("follow", "true"), ("timestamps", "true"), ("container", source.container), *start]
        path = f"/api/v1/namespaces/{self._found.namespace}/pods/{source.pod}/log"
        before, given = _sortable(source.last), source.seen
        mask = _KeyMask()
        try:
            for raw in self._connection.stream_lines(path, query, timeout=SILENCE_SECONDS):
                stamp, space, text = raw.decode("utf-8", "replace").rstrip("\r").partition(" ")
                moment = _sortable(stamp) if space else ""
                # Asked for by the second, lines come again that were given already.
                if moment and (moment < before or (moment == before and given > 0)):
                    given -= moment == before
                    continue
                if moment > _sortable(source.last):
                    source.last, source.seen = stamp, 1
                elif moment:
                    source.seen += stamp == source.last
                shown = clip(redact_text(mask(text if moment else f"{stamp}{space}{text}")), LINE_WIDTH)
                if not self._put(Followed(source.label, shown, moment)):
                    return
            source.ended = True
        except ShipmateError:
            # It was silent or broke, is not ready to be read, or its pod is gone: the next look knows which, and
            # begins again where this one was.
            return

    def _remark(self, about: str, text: str) -> None:
        self._put(Followed(about, redact_text(text), _sortable(_now()), remark=True))

    def _put(self, line: Followed) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(line, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False


class _KeyMask:
    """A private key runs over many lines, each of which alone looks like nothing."""

    def __init__(self) -> None:
        self._inside = False

    def __call__(self, text: str) -> str:
        if self._inside:
            self._inside = not _KEY_ENDS.search(text)
            return MASK
        if _KEY_BEGINS.search(text) and not _KEY_ENDS.search(text):
            self._inside = True
            return MASK
        return text


def _status(pod: Pod, container: str) -> ContainerStatus | None:
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    return next((status for status in statuses if status.name == container), None)


def _sortable(stamp: str) -> str:
    """A time of the kubelet in a form that sorts: it leaves out zeros at the end; empty for what is no time."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)", stamp)
    return f"{found[1]}.{found[2] or '':0<9}" if found else ""


def _now() -> str:
    import datetime as dt

    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")

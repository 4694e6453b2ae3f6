"""A sink's queue: bounded, emptied by a thread of its own, tried again a few times."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from mcp_tools.errors import ShipmateError
from mcp_tools.monitoring.alert import State
from mcp_tools.monitoring.backoff import BackOff
from mcp_tools.monitoring.sinks.base import SinkFailed
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.sinks.base import Sink

ROOM = 1_000
TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Ten tries are spread over about six minutes: a receiver that is restarted misses nothing."""


_Item = tuple["Alert", Callable[[], None]]


def _nothing() -> None:
    """Nobody waits for it."""


@dataclasses.dataclass(slots=True)
class Counts:
    """What became of what was put in.

    Attributes:
        sent: Alerts that were taken; what is told again is not counted.
        failures: Tries that failed.
        dropped: Alerts that nobody will hear of: the queue was full, or the last try failed.
    """

    sent: int = 0
    failures: int = 0
    dropped: int = 0


class Outbox:
    """Tells a sink what is put in, in order, without anybody waiting for it.

    Args:
        say: Told in words when the sink begins to fail, when alerts are lost, and when it works again.
        first_pause: Seconds before the second try, at most.
    """

    def __init__(
        self, sink: Sink, say: Callable[[str], None], *, room: int = ROOM, first_pause: float = FIRST_PAUSE
    ) -> None:
        self.sink = sink
        self.counts = Counts()
        self.standing: tuple[Alert, ...] = ()
        self._say = say
        self._room = room
        self._waiting: deque[_Item] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._failing = False
        self._back_off = BackOff(first_pause, LONGEST_PAUSE)
        self._repeat_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        self._thread.start()

    def put(self, alert: Alert, done: Callable[[], None] = _nothing) -> None:
        """Tell of an alert; returns at once. Where there is no room, the oldest is dropped.

        Args:
            done: Called from another thread when it was taken, or given up.
        """
        lost: _Item | None = None
        with self._wake:
            self._waiting.append((public(alert), done))
            if len(self._waiting) > self._room:
                lost = self._waiting.popleft()
            self._wake.notify()
        if lost:
            self._lose([lost], "its queue is full")

    def stand(self, alerts: Iterable[Alert]) -> None:
        """Say what fires at present, for a sink that has to be told again and again."""
        if self.sink.repeat_seconds is not None:
            self.standing = tuple(public(alert) for alert in alerts)

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self, seconds: float) -> None:
        """Tell what is left, for so many seconds at most, and end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(seconds)
        self.sink.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing and not self._due():
                    self._wake.wait(self._until_repeat())
                batch = self._batch()
                if not batch and self._closing:
                    return
            if batch:
                self._deliver(batch)
            elif self._due():
                self._repeat()

    def _due(self) -> bool:
        return bool(self.sink.repeat_seconds) and time.monotonic() >= self._repeat_at

    def _until_repeat(self) -> float | None:
        return max(0.05, self._repeat_at - time.monotonic()) if self.sink.repeat_seconds else None

    def _batch(self) -> list[_Item]:
        batch: dict[str, _Item] = {}
        while self._waiting and len(batch) < self.sink.batch and self._waiting[0][0].fingerprint not in batch:
            item = self._waiting.popleft()
            batch[item[0].fingerprint] = item
        return list(batch.values())

    def _deliver(self, batch: list[_Item]) -> None:
        alerts = [alert for alert, _ in batch]
        for left in range(TRIES - 1, -1, -1):
            try:
                self.sink.send(alerts)
            except SinkFailed as failure:
                self._failed(failure)
                if self._closing:
                    return
                if failure.final or not left:
                    self._lose(batch, failure.message)
                    return
                self._pause(failure.wait)
            except Exception as error:  # noqa: BLE001  a sink that breaks must not end the others
                self._failed(SinkFailed(f"{type(error).__name__}: {redact_text(str(error))}"))
                self._lose(batch, "it broke")
                return
            else:
                self.counts.sent += len(batch)
                self._worked()
                for _, done in batch:
                    done()
                return

    def _repeat(self) -> None:
        self._repeat_at = time.monotonic() + (self.sink.repeat_seconds or 0.0)
        standing = [alert for alert in self.standing if alert.state is State.FIRING]
        try:
            for start in range(0, len(standing), self.sink.batch):
                self.sink.send(standing[start : start + self.sink.batch])
        except ShipmateError as failure:
            # It is told again anyway.
            self._failed(failure)
        else:
            if standing:
                self._worked()

    def _pause(self, wanted: float | None) -> None:
        pause = self._back_off.pause()
        seconds = min(max(pause, wanted or 0.0), LONGEST_PAUSE)
        until = time.monotonic() + seconds
        with self._wake:
            while not self._closing and (left := until - time.monotonic()) > 0:
                self._wake.wait(left)

    def _failed(self, failure: ShipmateError) -> None:
        self.counts.failures += 1
        if not self._failing:
            self._say(f"The sink {self.sink.name} fails: {failure}")
        self._failing = True

    def _worked(self) -> None:
        self._back_off.reset()
        if self._failing:
            self._say(f"The sink {self.sink.name} works again.")
        self._failing = False

    def _lose(self, items: Sequence[_Item], why: str) -> None:
        self.counts.dropped += len(items)
        self._say(f"The sink {self.sink.name} lost {len(items)} alert{'s' * (len(items) != 1)}: {why}")
        for _, done in items:
            done()


def public(alert: Alert) -> Alert:
    """The alert as it may leave: without what looks like a secret."""
    return dataclasses.replace(
        alert,
        summary=redact_text(alert.summary),
        evidence=tuple(map(redact_text, alert.evidence)),
        labels={key: redact_text(value) for key, value in alert.labels.items()},
    )

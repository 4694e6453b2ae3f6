"""The sandbox's one source of time: it can be driven by hand, run ahead to make a world look lived-in, or run live."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Timer:
    """A callback that waits for its time; `cancel` forgets it."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], None] | None) -> None:
        self.when = when
        self.callback = callback

    def cancel(self) -> None:
        """Do not call; harmless when it was called already."""
        self.callback = None


class Clock:
    """Time and timers.

    A new clock stands still and moves only by `advance`. `go_live` ties it to the wall clock and an event loop.

    Args:
        start: Seconds since 1970 at which it begins.
    """

    def __init__(self, start: float) -> None:
        self._now = start
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeup: asyncio.TimerHandle | None = None
        self._origin = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.monotonic() + self._origin if self._loop else self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call something after a delay in seconds; in order, never before the caller has returned."""
        timer = Timer(self.now() + max(0.0, delay), callback)
        heapq.heappush(self._timers, (timer.when, next(self._order), timer))
        if self._loop and self._timers[0][2] is timer:
            self._arm()
        return timer

    def advance(self, seconds: float) -> None:
        """Let a standing clock move, calling everything that falls due, each at its own time."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, when)
            if timer.callback:
                timer.callback()
        self._now = end

    def go_live(self, loop: asyncio.AbstractEventLoop) -> None:
        """Follow the wall clock from now on, with timers on `loop`."""
        self._origin = self._now - time.monotonic()
        self._loop = loop
        self._arm()

    def _arm(self) -> None:
        if self._wakeup:
            self._wakeup.cancel()
            self._wakeup = None
        if self._loop and self._timers:
            delay = max(0.0, self._timers[0][0] - self.now())
            self._wakeup = self._loop.call_later(delay, self._run_due)

    def _run_due(self) -> None:
        now = self.now()
        try:
            while self._timers and self._timers[0][0] <= now:
                timer = heapq.heappop(self._timers)[2]
                if timer.callback:
                    timer.callback()
        finally:
            self._arm()


def rfc3339(moment: float) -> str:
    """`2026-01-02T15:04:05Z`."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(moment: float) -> str:
    """`2026-01-02T15:04:05.000000Z`."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time."""
    return dt.datetime.fromisoformat(text).timestamp()

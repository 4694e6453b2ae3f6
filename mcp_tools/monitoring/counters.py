"""How much counters grew within a sliding window: what `increase()` is in Prometheus, but never more than was seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

KEPT = dt.timedelta(hours=6)
"""The longest window that can be asked for."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A counter that was seen with another value than before.

    Attributes:
        after: When the value before it was seen last.
        at: When the new value was seen.
        by: How much it grew in between; zero for the first look at a counter that is older than that.
        value: The new value.
    """

    series: str
    after: dt.datetime
    at: dt.datetime
    by: int
    value: int


class Counters:
    """Counters over the last hours. One that stands still costs nothing, however often it is looked at.

    Attributes:
        fresh: What was seen to grow and is not stored yet.
        gone: Series that are forgotten and may still be stored.
        seen_until: When all counters were looked at last; None where they never were.
    """

    def __init__(self, kept: Iterable[Growth] = (), seen_until: dt.datetime | None = None) -> None:
        self._series: dict[str, list[Growth]] = {}
        self._alive: set[str] = set()
        self.seen_until = seen_until
        self.fresh: list[Growth] = []
        self.gone: set[str] = set()
        for growth in sorted(kept, key=lambda item: item.at):
            self._series.setdefault(growth.series, []).append(growth)

    def observe(self, series: str, value: int, at: dt.datetime, born: dt.datetime) -> None:
        """Take down a value.

        Args:
            born: When the counter was made, at zero.
        """
        known = self._series.get(series)
        if not known and not value:
            return
        self._alive.add(series)
        if known and known[-1].value == value:
            return
        if known:
            before = known[-1].value
            after = self.seen_until or known[-1].at
        else:
            # It was at zero when it was made, and at the last look too if it was there: that needed no memory.
            before, after = 0, max(born, self.seen_until) if self.seen_until else born
        grown = value - before if value >= before else value
        growth = Growth(series, min(after, at), at, grown, value)
        self._series.setdefault(series, []).append(growth)
        self.fresh.append(growth)

    def increase(self, series: str, window: dt.timedelta, at: dt.datetime) -> int:
        """How much it grew in the time before `at`; what may have happened before that is not counted."""
        return sum(growth.by for growth in self._series.get(series, ()) if growth.after >= at - window)

    def looked(self, at: dt.datetime) -> None:
        """Close a look at all counters: forget those that are gone, and what no window reaches any more."""
        self.seen_until = at
        for series in list(self._series):
            if series not in self._alive:
                del self._series[series]
                self.gone.add(series)
                continue
            known = self._series[series]
            # The last one stays: it says where the counter stands.
            while len(known) > 1 and known[0].after < at - KEPT:
                del known[0]
        self._alive.clear()

    def stored(self) -> None:
        """Forget what was to be stored, once it is."""
        self.fresh.clear()
        self.gone.clear()

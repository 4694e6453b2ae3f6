"""How long to wait before something is tried again."""

from __future__ import annotations

import random


class BackOff:
    """Pauses that double up to a limit, each shortened at random so that many who wait do not come back at once.

    Args:
        first: Seconds of the first pause, at most.
        longest: Seconds of any pause, at most.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def pause(self) -> float:
        """The next pause in seconds: between half and the whole of what is due."""
        due = self._next
        self._next = min(due * 2, self._longest)
        return due * random.uniform(0.5, 1.0)  # noqa: S311  nobody gains by guessing it

    def reset(self) -> None:
        """It worked: begin with the shortest pause again."""
        self._next = self._first

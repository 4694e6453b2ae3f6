"""Asking the cluster again and again, beside the screen: a cluster that does not answer must not stop a key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.errors import ShipmateError
from mcp_tools.views import look_at_health

if TYPE_CHECKING:
    from mcp_tools.health.frame import Frame
    from mcp_tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Seen:
    """How a look ended.

    Attributes:
        frame: None where the cluster did not answer.
        trouble: Why not; empty where it did.
        seconds: How long the look took.
    """

    frame: Frame | None
    trouble: str
    seconds: float


class Looking:
    """The thread that looks.

    Attributes:
        everywhere: The whole cluster instead of one namespace; may be changed while it looks.
        every: Seconds between two looks.
    """

    def __init__(self, toolbox: Toolbox, *, everywhere: bool, every: float) -> None:
        self.everywhere = everywhere
        self.every = every
        self._toolbox = toolbox
        self._wake = threading.Event()
        self._stopped = False
        self._paused = False
        self._thread: threading.Thread | None = None
        self._asked: float | None = None

    @property
    def asking(self) -> float:
        """For how many seconds the cluster has been asked without an answer; 0 while nothing is asked."""
        asked = self._asked
        return time.monotonic() - asked if asked is not None else 0.0

    def start(self, tell: Callable[[Seen], None]) -> None:
        """Look, and tell what was seen, until `stop`."""
        # A daemon: who leaves does not wait for a cluster that does not answer.
        self._thread = threading.Thread(target=self._run, args=(tell,), name="looking", daemon=True)
        self._thread.start()

    def at_once(self) -> None:
        """Do not wait for the next look."""
        self._wake.set()

    def pause(self) -> bool:
        """Stop looking, or go on; gives whether it is paused."""
        self._paused = not self._paused
        self.at_once()
        return self._paused

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        self._wake.set()

    def _run(self, tell: Callable[[Seen], None]) -> None:
        while not self._stopped:
            if not self._paused:
                tell(self._look())
            self._wake.wait(None if self._paused else self.every)
            self._wake.clear()

    def _look(self) -> Seen:
        began = self._asked = time.monotonic()
        try:
            frame = look_at_health(self._toolbox, everywhere=self.everywhere)
        except ShipmateError as error:
            return Seen(None, error.message, time.monotonic() - began)
        finally:
            self._asked = None
        return Seen(frame, "", time.monotonic() - began)

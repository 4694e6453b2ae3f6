"""Watching a rollout to its end, by looking again and again: no stream to lose, no event to miss."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Phase, Progress, Reporter
from mcp_tools.changes.rollout import GRACE_SECONDS, UNSCHEDULABLE_SECONDS, Rollout, observe
from mcp_tools.changes.standing import is_trouble
from mcp_tools.changes.unblocking import StillBlocked
from mcp_tools.errors import ApiError, ConnectionProblem, NotFound, ShipmateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

FIRST_PAUSE = 0.15
LONGEST_PAUSE = 1.0
SETTLE_SECONDS = 1.0
"""How long a rollout must stay complete: a container that dies at once is Ready for a moment."""
API_SECONDS = 30.0
"""How long the API server may be gone in the middle of a watch."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a watch ended: complete when there is neither a failure, nor an interruption, nor a lost cluster.

    Attributes:
        lost: Why the end could not be seen, which says nothing of the rollout.
    """

    rollout: Rollout | None
    failure: str | None = None
    interrupted: bool = False
    lost: str | None = None


class Watcher:
    """Looks at workloads of one cluster until they are done.

    Args:
        stop: Ends a watch from another thread.
        unblock: Called with a workload that is not done, and the seconds that it was waited for, to take away what its
            controller waits for in vain; gives the names of the pods that it deleted.
    """

    def __init__(
        self, connection: Connection, stop: threading.Event, unblock: Callable[[Found, float], tuple[str, ...]]
    ) -> None:
        self._connection = connection
        self._stop = stop
        self._unblock = unblock

    def watch(self, found: Found, timeout: float, phase: Phase, reporter: Reporter) -> Verdict:
        """Watch until the rollout is complete and stays so, fails, or time is up.

        Args:
            found: The workload.
            timeout: Seconds until an unfinished rollout counts as failed.
        """
        started = time.monotonic()
        settled_at = suspected_at = lost_at = None
        rollout: Rollout | None = None
        said, pause = "", FIRST_PAUSE
        while not self._stop.is_set():
            now = time.monotonic()
            try:
                rollout = observe(self._connection, found.kind, found.namespace or "", found.name)
                if not rollout.complete and (gone := self._unblock(found, now - started)):
                    reporter(Progress(phase, f"deleted what the rollout waits for in vain: {', '.join(gone)}"))
                # What nobody could see does not count against the rollout.
                started += now - (lost_at or now)
                lost_at = None
            except (NotFound, StillBlocked) as error:
                return Verdict(rollout, _hopeless(found, error))
            except (ConnectionProblem, ApiError) as error:
                lost_at = lost_at or now
                lost = _lost(error, now - lost_at)
                if lost:
                    return Verdict(rollout, lost=lost)
                reporter(Progress(phase, "the cluster does not answer, trying again"))
                self._stop.wait(LONGEST_PAUSE)
                continue
            if rollout.message != said:
                said = rollout.message
                reporter(Progress(phase, said, rollout.ready, rollout.desired))
            if rollout.failure:
                return Verdict(rollout, rollout.failure)
            if rollout.complete:
                settled_at = settled_at or now
                if now - settled_at >= SETTLE_SECONDS:
                    return Verdict(rollout)
            else:
                settled_at = None
            suspected_at = (suspected_at or now) if rollout.suspicion else None
            if suspected_at and rollout.suspicion and now - suspected_at > patience(rollout.suspicion):
                return Verdict(rollout, rollout.suspicion)
            if now - started > timeout and not rollout.complete:
                return Verdict(rollout, _timed_out(rollout, timeout))
            self._stop.wait(pause)
            pause = min(pause * 1.3, LONGEST_PAUSE)
        return Verdict(rollout, interrupted=True)


def _hopeless(found: Found, error: NotFound | StillBlocked) -> str:
    return error.message if isinstance(error, StillBlocked) else f"{found} was deleted while it was watched"


def _lost(error: ShipmateError, silence: float) -> str | None:
    if not is_trouble(error):
        # It answers, and will not let us look: asking again would change nothing.
        return error.message
    # The rollout goes on without us; only a long silence is worth an end.
    return f"the cluster stopped answering: {error.message}" if silence > API_SECONDS else None


def patience(suspicion: str) -> float:
    """The seconds for which something suspicious may last before it counts as a failure."""
    return UNSCHEDULABLE_SECONDS if "Unschedulable" in suspicion else GRACE_SECONDS


def _timed_out(rollout: Rollout, timeout: float) -> str:
    detail = rollout.suspicion or rollout.message
    return f"not complete after {timeout:.0f} s: {detail}"

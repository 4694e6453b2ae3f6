"""Watching a rollout to its end, by looking again and again: no stream to lose, no event to miss."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Phase, Progress, Reporter
from mcp_tools.changes.rollout import GRACE_SECONDS, UNSCHEDULABLE_SECONDS, Rollout, observe
from mcp_tools.errors import ApiError, NotFound, Unreachable

if TYPE_CHECKING:
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
    """How a watch ended: complete when there is neither a failure nor an interruption."""

    rollout: Rollout | None
    failure: str | None = None
    interrupted: bool = False


class Watcher:
    """Looks at workloads of one cluster until they are done; `stop` ends the watch from another thread."""

    def __init__(self, connection: Connection, stop: threading.Event) -> None:
        self._connection = connection
        self._stop = stop

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
                lost_at = None
            except NotFound:
                return Verdict(rollout, f"{found} was deleted while it was watched")
            except (Unreachable, ApiError) as error:
                # The rollout goes on without us; only a long silence is worth an end.
                lost_at = lost_at or now
                if now - lost_at > API_SECONDS:
                    return Verdict(rollout, f"the cluster stopped answering: {error.message}")
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
            if suspected_at and rollout.suspicion and now - suspected_at > _patience(rollout.suspicion):
                return Verdict(rollout, rollout.suspicion)
            if now - started > timeout and not rollout.complete:
                return Verdict(rollout, _timed_out(rollout, timeout))
            self._stop.wait(pause)
            pause = min(pause * 1.3, LONGEST_PAUSE)
        return Verdict(rollout, interrupted=True)


def _patience(suspicion: str) -> float:
    return UNSCHEDULABLE_SECONDS if "Unschedulable" in suspicion else GRACE_SECONDS


def _timed_out(rollout: Rollout, timeout: float) -> str:
    detail = rollout.suspicion or rollout.message
    return f"not complete after {timeout:.0f} s: {detail}"

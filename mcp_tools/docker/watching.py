"""Waiting for a container until it runs and is healthy, or until it is clear that it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from mcp_tools.changes.model import Phase, Progress
from mcp_tools.docker.diagnosing import ended_how, last_words
from mcp_tools.docker.inspecting import health
from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from mcp_tools.changes.model import Reporter
    from mcp_tools.docker.engine import Api

STEADY_SECONDS = 2.0
"""How long one without a health check has to run before it counts as running."""
HEALTHY_SECONDS = 120.0
LONGEST_SECONDS = 600.0
NANO = 1_000_000_000
INTERVAL_SECONDS, RETRIES = 30.0, 3
"""Docker's own for a health check that does not say."""
POLL_SECONDS = 0.2


class ContainerDown(ShipmateError):
    """A container does not run, or is not healthy."""

    code: ClassVar[str] = "container_down"


def until_up(api: Api, container_id: str, name: str, reporter: Reporter) -> None:
    """Wait until a container runs: for 2 s, or, where it has a health check, until that is healthy.

    One that is done with exit code 0 did what it was for.

    Raises:
        ContainerDown: It ended, is being restarted, or is not healthy in the time that its check takes
            (2 to 10 minutes); with the line that matters.
        ShipmateError: As `engine`.
    """
    began = time.monotonic()
    told = detail = ""
    first = int(api.inspect_container(container_id).get("RestartCount") or 0)
    while True:
        raw = api.inspect_container(container_id)
        state = raw["State"]
        if state["Status"] == "exited" and state["ExitCode"] == 0 and not state.get("Error"):
            return
        again = int(raw.get("RestartCount") or 0) > first or state["Status"] == "restarting"
        if state["Status"] in {"exited", "dead"} or again or state.get("Error"):
            raise _down(api, raw, name)
        waited = time.monotonic() - began
        check = health(raw)
        if check.get("status") == "healthy" or (not check and waited >= STEADY_SECONDS):
            return
        if check.get("status") == "unhealthy" or (check and waited >= _patience(raw)):
            raise _sick(check, name)
        says = f"container {name} is {check['status'] if check else 'running'}"
        if says != told:
            reporter(Progress(Phase.WATCHING, says))
            told = says
        # Whoever wants to stop the wait is heard when something is told.
        if f"{waited:.0f} s" != detail:
            detail = f"{waited:.0f} s"
            reporter(Progress(Phase.WATCHING, says, detail=detail))
        time.sleep(POLL_SECONDS)


def _patience(raw: dict[str, Any]) -> float:
    """As long as the check may take to say that it is unhealthy, within bounds."""
    check = raw["Config"].get("Healthcheck") or {}
    rounds = int(check.get("Retries") or RETRIES) + 1
    each = ((check.get("Interval") or 0) + (check.get("Timeout") or 0)) / NANO or INTERVAL_SECONDS
    return min(LONGEST_SECONDS, max(HEALTHY_SECONDS, (check.get("StartPeriod") or 0) / NANO + rounds * each))


def _down(api: Api, raw: dict[str, Any], name: str) -> ContainerDown:
    memory = int(raw["HostConfig"].get("Memory") or 0)
    error = " ".join(str(raw["State"].get("Error") or "").split())
    said = last_words(api, raw["Id"])
    how = error or ended_how(raw["State"], memory)
    return ContainerDown(f"container {name} {how}{f'; it said: {said}' if said else ''}")


def _sick(check: dict[str, Any], name: str) -> ContainerDown:
    output = next((one["output"] for one in reversed(check["checks"]) if one["output"]), "")
    return ContainerDown(f"container {name} is {check['status']}{f': its check says {output}' if output else ''}")

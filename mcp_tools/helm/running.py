"""Having `helm` do what was agreed to: started, watched with the workloads it moves, taken back."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import Phase, Progress
from mcp_tools.changes.rollout import ROLLOUTS, observe, pod_trouble
from mcp_tools.changes.watch import Verdict, patience
from mcp_tools.cluster.pods import list_pods
from mcp_tools.errors import ApiError, Conflict, ConnectionProblem, NotFound
from mcp_tools.helm import releases
from mcp_tools.helm.command import Running, major, run
from mcp_tools.helm.rendering import Source
from mcp_tools.helm.values import masked

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from mcp_tools.changes.model import Reporter
    from mcp_tools.changes.rollout import Rollout
    from mcp_tools.changes.steps import Ready
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

PAUSE = 0.5
AGAIN = "Nothing was changed. Ask again to see the change against what is there."


def kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the journal may keep of what `helm` is asked for."""
    return {**body, "sets": masked(body["sets"])} if "sets" in body else dict(body)


def start(connection: Connection, found: Found, body: Mapping[str, Any], timeout: float) -> Running:
    """Start `helm` on what was shown.

    Args:
        found: The release as it is.
        timeout: Seconds after which Helm calls it failed.

    Raises:
        Conflict: The release, the chart or a values file is not what was shown.
        UsageError: There is no Helm.
    """
    revision = found.object.get("revision", 0)
    if revision != body["revision"]:
        raise Conflict(f"Release {body['release']} is at revision {revision} since the plan was shown.", AGAIN)
    words, sets = _words(body)
    if "digest" in body and _source(body).digest() != body["digest"]:
        raise Conflict(f"The chart {body['chart']} or its values changed since the plan was shown.", AGAIN)
    forced = ["--force-conflicts"] if body["force"] and _server_side(body["action"]) else []
    waits = ["--wait", "--timeout", f"{max(1, int(timeout))}s"]
    return Running(connection, body["namespace"], [*words, *forced, *waits], sets)


def watch(
    connection: Connection, running: Running, steps: Sequence[Ready], stop: threading.Event, reporter: Reporter
) -> Verdict:
    """Wait until `helm` ends, telling how the workloads do; a rollout that cannot succeed ends it early.

    Args:
        steps: Of the release, with its objects.
        stop: Ends the wait, and leaves `helm` at work.
    """
    said: dict[str, str] = {}
    suspected: dict[str, float] = {}
    rollout: Rollout | None = None
    moved = [ready for ready in steps if ready.step.target.resource in ROLLOUTS and not ready.step.takes_away]
    jobs = [ready.found for ready in steps if ready.step.target.resource == "jobs" and ready.step.creates]
    while not running.ended:
        if stop.wait(PAUSE):
            return Verdict(rollout, interrupted=True)
        for job in jobs:
            stuck = _stuck(connection, job, suspected)
            if stuck:
                running.stop()
                return Verdict(rollout, f"{job}: {stuck}")
        for ready in moved:
            rollout = _observed(connection, ready) or rollout
            if rollout is None or rollout.complete:
                continue
            failure = rollout.failure or _lasting(rollout.suspicion, str(ready.found), suspected)
            if failure:
                running.stop()
                return Verdict(rollout, f"{ready.found}: {failure}")
            message = f"{ready.found}: {rollout.message}"
            if message != said.get(str(ready.found)):
                said[str(ready.found)] = message
                reporter(Progress(Phase.WATCHING, message, rollout.ready, rollout.desired))
    error = running.failure()
    if isinstance(error, ConnectionProblem):
        return Verdict(rollout, lost=error.message)
    return Verdict(rollout, error.message if error else None)


def take_back(connection: Connection, found: Found, body: Mapping[str, Any], running: Running | None) -> None:
    """Bring a release back to what it was before `helm` was started.

    Args:
        found: The release as it is.

    Raises:
        ShipmateError: It cannot be: `helm` says why.
    """
    if running:
        running.stop()
        latest = releases.latest(connection, body["release"], body["namespace"])
        found = latest.found if latest else dataclasses.replace(found, object={})
    if not found.object:
        return
    if (found.object["revision"], found.object["state"]) == (body["revision"], body["state"]):
        return
    if body["back_to"] is None:
        # The history of what was never there tells nothing.
        keep = ["--keep-history"] if body["revision"] else []
        words = ["uninstall", body["release"], *keep, "--wait", "--timeout", "60s"]
    else:
        forced = ["--force-conflicts"] if body["force"] and _server_side("rollback") else []
        words = ["rollback", body["release"], str(body["back_to"]), *forced]
    run(connection, body["namespace"], words)


def _words(body: Mapping[str, Any]) -> tuple[list[str], dict[str, Any] | None]:
    release = body["release"]
    if body["action"] == "rollback":
        return ["rollback", release, str(body["to"])], None
    if body["action"] == "uninstall":
        return ["uninstall", release, *([] if body["forget"] else ["--keep-history"])], None
    return ["upgrade", "--install", release, *_source(body).words], body["sets"]


def _source(body: Mapping[str, Any]) -> Source:
    return Source(body["chart"], tuple(body["values"]), body["sets"], body["keep"], body["version"])


def _server_side(action: str) -> bool:
    # Helm 3 merges on its own side and knows no conflicts.
    return action != "uninstall" and major() >= 4  # noqa: PLR2004


def _observed(connection: Connection, ready: Ready) -> Rollout | None:
    """The rollout, once Helm has written to its workload: before that it is the old one's."""
    found, step = ready.found, ready.step
    try:
        live = connection.get_object(found.kind.path(found.namespace, found.name))
        if not step.creates and live["metadata"].get("generation", 0) <= step.generation:
            return None
        return observe(connection, found.kind, found.namespace or "", found.name)
    except (NotFound, ApiError, ConnectionProblem):
        # Not there yet, or not to be seen for a moment: Helm itself tells in the end.
        return None


def _stuck(connection: Connection, job: Found, suspected: dict[str, float]) -> str | None:
    """Why a hook's Job will not run; whether one that runs and fails may try again is for the Job to say."""
    try:
        pods = list_pods(connection, job.namespace or "", f"job-name={job.name}")
    except (ApiError, ConnectionProblem):
        return None
    failure, _ = pod_trouble(pods)
    waits = failure if failure and "CrashLoopBackOff" not in failure else None
    # An earlier run's pod is in the way for a moment, and is another suspect.
    return _lasting(waits, f"{job} {pods[-1].metadata.name if pods else ''}", suspected)


def _lasting(suspicion: str | None, name: str, suspected: dict[str, float]) -> str | None:
    if not suspicion:
        suspected.pop(name, None)
        return None
    since = suspected.setdefault(name, time.monotonic())
    return suspicion if time.monotonic() - since > patience(suspicion) else None

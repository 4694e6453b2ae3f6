"""A debug container: added to a pod that runs, beside the container that is looked at, with another image's tools."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.configuring import IMAGE
from mcp_tools.changes.diff import Edit
from mcp_tools.changes.executing import require_command
from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Wanted, pick_pod_container
from mcp_tools.cluster.streams import MAX_OUTPUT, CommandOutput
from mcp_tools.errors import ApiError, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

SUBRESOURCE = "ephemeralcontainers"
FIELD = ("spec", "ephemeralContainers")
DEBUG_SECONDS = 60.0
PAUSE = 0.3
NEVER_STARTS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerError"})


def debug_pod(found: Found, argv: Sequence[str], image: str, container: str | None) -> Wanted:
    """Run a command in a new ephemeral container of a pod, which sees the processes of one of its containers.

    Raises:
        UsageError: The pod does not run, or the command, the image or the container is none.
        Ambiguous: There are several containers and none was named.
    """
    require_command(argv)
    if not IMAGE.fullmatch(image):
        raise UsageError(f"{image!r} is no image.", "Give it as repository:tag, such as busybox:1.37.")
    if found.object["status"].get("phase") != "Running":
        raise UsageError(f"{found} does not run, so that nothing can be added to it.", "describe shows why.")
    beside = pick_pod_container(found, container)
    name = f"debugger-{secrets.token_hex(3)}"
    added = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(argv),
        "targetContainerName": beside,
    }
    there = found.object["spec"].get("ephemeralContainers") or []
    return Wanted(
        action="debug",
        title=f"Run `{' '.join(argv)}` in a debug container ({image}) beside container {beside} of {found}",
        found=found,
        edits=(Edit(FIELD, [*there, added]),),
        arguments={"argv": list(argv), "image": image, "container": beside, "name": name},
        verb=Verb.DEBUG,
        body={"name": name},
        notes=(f"The container {name} cannot be taken out of the pod again: it goes when the pod goes.",),
        reversible=False,
    )


def wait_for_end(connection: Connection, found: Found, name: str, stop: threading.Event) -> CommandOutput:
    """Wait until the command of a debug container ended, for a minute at most, and read what it said.

    Raises:
        ApiError: The container could not start; it stays in the pod.
        ShipmateError: As `Connection.get`.
    """
    path = found.kind.path(found.namespace, found.name)
    deadline = time.monotonic() + DEBUG_SECONDS
    ended: dict[str, Any] | None = None
    state: dict[str, Any] = {}
    while ended is None and time.monotonic() < deadline and not stop.wait(PAUSE):
        statuses = connection.get_object(path)["status"].get("ephemeralContainerStatuses") or []
        state = next((status["state"] for status in statuses if status["name"] == name), {})
        ended = state.get("terminated")
        waiting = state.get("waiting") or {}
        if waiting.get("reason") in NEVER_STARTS:
            why = f"{waiting['reason']}: {waiting.get('message') or 'it cannot start'}"
            raise ApiError(
                f"The debug container {name} of {found} does not start ({why}); it stays there until the pod goes.",
                "Try another image.",
            )
    if not state or "waiting" in state:
        return CommandOutput("", "", None, truncated=False)
    text = connection.get(f"{path}/log", [("container", name), ("limitBytes", MAX_OUTPUT)]).decode("utf-8", "replace")
    code = int(ended.get("exitCode") or 0) if ended else None
    return CommandOutput(text, "", code, truncated=len(text.encode()) >= MAX_OUTPUT)

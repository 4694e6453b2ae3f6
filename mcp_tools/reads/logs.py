"""The last lines of a pod's log, or of all pods of a workload merged by time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.rollout import selector_of
from mcp_tools.cluster.pods import list_pods
from mcp_tools.cluster.resolve import WORKLOADS, Found, find_object
from mcp_tools.errors import Ambiguous, Invalid, NotFound, UsageError
from mcp_tools.reads.answer import LINE_WIDTH, Answer, clip, count
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MAX_LINES = 500
MAX_PODS = 10
FILTERED_TAIL = 5000
MAX_BYTES = 2_000_000
TIMESTAMP = 30


@dataclass(frozen=True, slots=True)
class _Line:
    time: str
    pod: str
    text: str


def get_logs(
    connection: Connection,
    target: str,
    namespace: str | None,
    *,
    container: str | None = None,
    previous: bool = False,
    tail_lines: int = 100,
    since_seconds: int | None = None,
    contains: str | None = None,
) -> Answer:
    """Read the last log lines of a pod or of a workload's pods.

    Args:
        previous: The container's run before its last restart.
        tail_lines: How many lines at most, over all pods; 500 is the most.
        contains: Only lines that hold this text, whatever the case.

    Returns:
        `lines`, oldest first, each with its pod in front where there are several; `pods`, `container`, `previous`,
        `truncated`.

    Raises:
        NotFound, Ambiguous, UsageError: No such object, or several containers and none named.
    """
    if tail_lines < 1 or (since_seconds is not None and since_seconds < 1):
        raise UsageError("Lines and seconds are counted from 1.", "")
    found = find_object(connection, target, namespace, (*WORKLOADS, "jobs", "pods"))
    pods, chosen = _pods(connection, found, container)
    wanted = min(tail_lines, MAX_LINES)
    query: list[tuple[str, Any]] = [
        ("timestamps", "true"),
        ("tailLines", FILTERED_TAIL if contains else wanted),
        ("limitBytes", MAX_BYTES),
        ("container", chosen),
    ]
    if previous:
        query.append(("previous", "true"))
    if since_seconds:
        query.append(("sinceSeconds", since_seconds))
    lines = [line for pod in pods[:MAX_PODS] for line in _read(connection, found.namespace or "", pod, query)]
    if contains:
        lines = [line for line in lines if contains.lower() in line.text.lower()]
    lines.sort(key=lambda line: line.time)
    truncated = len(lines) > wanted or len(pods) > MAX_PODS
    lines = lines[-wanted:]
    several = len(pods) > 1
    data = {
        "lines": [f"[{line.pod}] {line.text}" if several else line.text for line in lines],
        "pods": pods[:MAX_PODS],
        "container": chosen,
        "previous": previous,
        "truncated": truncated,
    }
    which = "previous log" if previous else "log"
    match = f" with {contains!r}" if contains else ""
    return Answer(f"{count(len(lines), 'line')}{match} of the {which} of {found} (container {chosen}).", data)


def _pods(connection: Connection, found: Found, container: str | None) -> tuple[list[str], str]:
    if found.kind.name == "Pod":
        spec, names = found.object["spec"], [found.name]
    else:
        selector = selector_of(found.object)
        if not selector:
            raise UsageError(f"{found} has no pods of its own.", "Name a pod or a workload.")
        names = [pod.metadata.name for pod in list_pods(connection, found.namespace or "", selector)]
        if not names:
            raise NotFound(f"{found} has no pods, so there are no logs.", "Scale it up first.")
        spec = found.object["spec"]["template"]["spec"]
    containers = [item["name"] for item in spec["containers"]]
    everything = [*containers, *(item["name"] for item in spec.get("initContainers") or [])]
    if container and container not in everything:
        raise UsageError(f"{found} has no container {container!r}.", f"It has: {', '.join(everything)}.")
    if not container and len(containers) > 1:
        default = (found.object["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        if default not in containers:
            raise Ambiguous(f"{found} has several containers: {', '.join(containers)}.", "Name one.", tuple(containers))
        container = default
    return names, container or containers[0]


def _read(connection: Connection, namespace: str, pod: str, query: list[tuple[str, Any]]) -> Iterator[_Line]:
    try:
        raw = connection.get(f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query)
    except Invalid as error:
        # A container that never started has no log; among several pods that is a fact, not a failure.
        yield _Line("", pod, f"({error.message})")
        return
    # A private key runs over many lines, each of which alone looks like nothing.
    for line in redact_text(raw.decode("utf-8", "replace")).splitlines():
        time, space, text = line.partition(" ")
        stamped = space and len(time) >= len("2006-01-02T15:04:05Z") and time[4:5] == "-"
        yield _Line(time if stamped else "", pod, clip(text if stamped else line, LINE_WIDTH))

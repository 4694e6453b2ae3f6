"""The last log lines of a pod, or of all pods of a workload merged by time; of a crashed one what it said last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.pods import Pod, instant, list_pods, selector_of
from mcp_tools.cluster.resolve import WORKLOADS, Found, find_object
from mcp_tools.errors import Ambiguous, Invalid, NotFound, UsageError
from mcp_tools.reads.answer import Answer, count
from mcp_tools.reads.lines import Line, folded, is_wanted, last_lines, read_lines

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MAX_LINES = 500
MAX_PODS = 10
FILTERED_TAIL = 5000
MAX_BYTES = 2_000_000
ALL_CONTAINERS = "*"
CLEANED_UP = b"unable to retrieve container logs"
"""The kubelet's word, sent as if it were the log, for a run whose container it has removed."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One container's log: the run that is on, or the one before it, which `must` be there if it was asked for."""

    pod: str
    container: str
    previous: bool
    must: bool = False


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
    level: str | None = None,
) -> Answer:
    """Read the last log lines of a pod or of a workload's pods.

    Args:
        container: One by its name; `*` for all; None for the only one, or the annotated default.
        previous: The container's run before its last restart. A container that crashed and waits for its next run is
            read so anyway: what it said last is what matters.
        tail_lines: How many lines at most, over all pods; 500 is the most, and what a model can take in.
        contains: Only lines that hold this text, whatever the case.
        level: Only `error` lines, or `warning` and worse.

    Returns:
        `lines`, oldest first, each with its pod (and container) in front where there are several; `pods`,
        `containers`, `previous` (the pods whose previous run was read), `truncated`. Of a log that is longer than what
        is shown also `digest`: what all of its lines say, the worst first, each with how often; and `first_error`.

    Raises:
        NotFound, Ambiguous, UsageError: No such object, or several containers and none named.
    """
    if tail_lines < 1 or (since_seconds is not None and since_seconds < 1):
        raise UsageError("Lines and seconds are counted from 1.", "")
    found = find_object(connection, target, namespace, (*WORKLOADS, "jobs", "pods"))
    pods = _pods(connection, found)
    containers = containers_of(found, container)
    sources = [
        _Source(pod.metadata.name, name, previous or _crashed(pod, name), must=previous)
        for pod in pods[:MAX_PODS]
        for name in containers
    ]
    wanted = min(tail_lines, MAX_LINES)
    query: list[tuple[str, Any]] = [
        ("timestamps", "true"),
        ("tailLines", FILTERED_TAIL if contains or level else wanted),
        ("limitBytes", MAX_BYTES),
    ]
    if since_seconds:
        query.append(("sinceSeconds", since_seconds))
    lines = [
        line
        for source in sources
        for line in _read(connection, found.namespace or "", source, query, _label(source, sources, containers))
        if is_wanted(line.text, contains, level)
    ]
    lines.sort(key=lambda line: instant(line.time))
    shown = last_lines(lines, wanted)
    truncated = len(lines) > len(shown) or len(pods) > MAX_PODS
    whole, lines = lines, shown
    before = sorted({source.pod for source in sources if source.previous})
    data = {
        "lines": [f"[{line.source}] {line.text}" if line.source else line.text for line in lines],
        "pods": [pod.metadata.name for pod in pods[:MAX_PODS]],
        "containers": list(containers),
        "previous": before,
        "truncated": truncated,
        **(folded(whole) if len(whole) > len(lines) else {}),
    }
    which = f" of level {level} or worse" if level else ""
    match = f" with {contains!r}" if contains else ""
    names = f"container{'' if len(containers) == 1 else 's'} {', '.join(containers)}"
    summary = f"{count(len(lines), 'line')}{which}{match} of the {'previous ' * previous}log of {found} ({names})."
    if before and not previous:
        summary += f" Crashed and not running, so the run before is shown: {', '.join(before)}."
    return Answer(summary, data)


def _label(source: _Source, sources: list[_Source], containers: tuple[str, ...]) -> str:
    if len(sources) == 1:
        return ""
    return f"{source.pod}/{source.container}" if len(containers) > 1 else source.pod


def _pods(connection: Connection, found: Found) -> list[Pod]:
    if found.kind.name == "Pod":
        return [msgspec.convert(found.object, Pod)]
    selector = selector_of(found.object)
    if not selector:
        raise UsageError(f"{found} has no pods of its own.", "Name a pod or a workload.")
    pods = list_pods(connection, found.namespace or "", selector)
    if not pods:
        raise NotFound(f"{found} has no pods, so there are no logs.", "Scale it up first.")
    return pods


def containers_of(found: Found, wanted: str | None) -> tuple[str, ...]:
    """The containers of a pod or workload whose logs are meant; errors as `get_logs`."""
    spec = found.object["spec"]
    if found.kind.name != "Pod":
        spec = spec["template"]["spec"]
    containers = tuple(item["name"] for item in spec["containers"])
    everything = (*containers, *(item["name"] for item in spec.get("initContainers") or []))
    if wanted == ALL_CONTAINERS:
        return everything
    if wanted:
        if wanted not in everything:
            raise UsageError(f"{found} has no container {wanted!r}.", f"It has: {', '.join(everything)}.")
        return (wanted,)
    if len(containers) == 1:
        return containers
    annotations = found.object["metadata"].get("annotations") or {}
    default = str(annotations.get("kubectl.kubernetes.io/default-container", ""))
    if default not in containers:
        hint = f"Name one, or {ALL_CONTAINERS} for all."
        raise Ambiguous(f"{found} has several containers: {', '.join(containers)}.", hint, containers)
    return (default,)


def _crashed(pod: Pod, container: str) -> bool:
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    status = next((item for item in statuses if item.name == container), None)
    if status is None or status.restart_count == 0:
        return False
    # Of one that has just ended, the run that ended is the current one still.
    return status.state.waiting is not None and status.last_state.terminated is not None


def _read(
    connection: Connection, namespace: str, source: _Source, query: list[tuple[str, Any]], label: str
) -> Iterator[Line]:
    path = f"/api/v1/namespaces/{namespace}/pods/{source.pod}/log"
    query = [*query, ("container", source.container)]
    try:
        raw = _fetch(connection, path, query, source)
    except Invalid as error:
        # A container that never started has no log; among several pods that is a fact, not a failure.
        yield Line("", label, f"({error.message})")
        return
    yield from read_lines(raw, label)


def _fetch(connection: Connection, path: str, query: list[tuple[str, Any]], source: _Source) -> bytes:
    if source.previous:
        try:
            raw = connection.get(path, [*query, ("previous", "true")])
        except Invalid:
            if source.must:
                raise
        else:
            if source.must or not raw.startswith(CLEANED_UP):
                return raw
        # The run before may be cleaned up while the next one waits: then the log is that of the last one that ran.
    return connection.get(path, query)

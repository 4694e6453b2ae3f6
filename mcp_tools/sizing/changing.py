"""Giving workloads what was measured, as one request of the transaction, watched afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from mcp_tools.changes.configuring import configure
from mcp_tools.changes.model import Phase, Progress
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.resolve import WORKLOADS, Found, find_object
from mcp_tools.errors import NotFound, ShipmateError, UsageError
from mcp_tools.reads.answer import listed
from mcp_tools.sizing.amounts import bytes_text, cores_text
from mcp_tools.sizing.guard import Guard
from mcp_tools.sizing.looking import ContainerSizing, WorkloadSizing, size
from mcp_tools.sizing.recommending import LEAST_SAMPLES

if TYPE_CHECKING:
    from mcp_tools.changes.diff import Edit
    from mcp_tools.changes.model import Reporter
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.sizing.settings import Measuring
    from mcp_tools.usage.store import UsageStore

PATIENCE = 75.0
"""Seconds for which samples are waited for where there are too few: metrics-server takes one every 15."""
PAUSE = 3.0
MOST_REASONS = 12


class TooLittle(ShipmateError):
    """Too little was measured of a workload to say what it needs."""

    code: ClassVar[str] = "too_little_measured"


def measured_change(
    connection: Connection,
    store: UsageStore,
    measuring: Measuring,
    target: str,
    namespace: str | None,
    *,
    container: str | None = None,
    reporter: Reporter,
) -> Request:
    """Set requests and limits of a workload, or of all of a namespace, to what was measured.

    Where nothing was recorded yet, a few samples are taken first, and the plan says how little that is.

    Args:
        target: A workload, or the name of a namespace.
        container: Only of this one.

    Raises:
        NotFound: There is no such workload, or the cluster measures nothing.
        TooLittle: Not even a few samples could be had.
        UsageError: The workload has no such container.
        ShipmateError: As `size`.
    """
    found, where = _targets(connection, target, namespace)
    name = f"{found[0].kind.name}/{found[0].name}" if len(found) == 1 else ""
    sized = _measured(lambda: size(connection, store, measuring, where, name), found, reporter)
    parts: list[Wanted] = []
    notes: list[str] = []
    for one in found:
        sizing = sized[one.kind.name, one.name]
        chosen = _chosen(sizing, container)
        part = _part(one, chosen)
        parts.append(part)
        if part.edits:
            notes += _notes(sizing, chosen, several=len(found) > 1)
    changing = [part for part in parts if part.edits]
    latency = _latency(measuring)
    guard = Guard(connection, [part.found for part in changing], measuring.sizing.watch_seconds, latency)
    guard.look_before()
    title = changing[0].title if len(changing) == 1 else f"Set the resources of {len(changing)} workloads in namespace "
    if len(changing) != 1:
        title += f"{where} to what was measured: {listed([part.found.name for part in changing], 6)}"
    return Request(
        "configure",
        title,
        tuple(changing or parts),
        {"measured": True, "workloads": [part.found.name for part in changing]},
        notes=tuple(notes[:MOST_REASONS]),
        verify=guard.watch if changing else None,
    )


def _targets(connection: Connection, target: str, namespace: str | None) -> tuple[list[Found], str]:
    """The workloads that are meant, and their namespace."""
    word, slash, rest = target.partition("/")
    if not (slash and word.lower() in {"namespace", "namespaces", "ns"}):
        try:
            found = find_object(connection, target, namespace, WORKLOADS)
        except NotFound:
            if slash or not _is_namespace(connection, target):
                raise
            rest = target
        else:
            return [found], found.namespace or ""
    all_found = [
        Found(kind, rest, item["metadata"]["name"], {**item, "apiVersion": kind.api_version, "kind": kind.name})
        for kind in map(built_in, WORKLOADS)
        for item in connection.get_object(kind.path(rest)).get("items") or []
    ]
    if not all_found:
        raise NotFound(f"Namespace {rest} holds no workload.", "")
    return all_found, rest


def _is_namespace(connection: Connection, name: str) -> bool:
    try:
        connection.get_object(built_in("namespaces").path(None, name))
    except ShipmateError:
        # Whatever it is, it is no namespace that may be looked at.
        return False
    return True


def _measured(
    look: Callable[[], list[WorkloadSizing]], found: Sequence[Found], reporter: Reporter
) -> dict[tuple[str, str], WorkloadSizing]:
    """What was measured; waits for a few samples of each where there are too few."""
    wanted = {(one.kind.name, one.name) for one in found}
    end, told, never = time.monotonic() + PATIENCE, False, threading.Event()
    while True:
        sized = {key: one for one in look() if (key := (one.workload.ref.kind, one.workload.name)) in wanted}
        parts = [(one, part) for one in sized.values() if one.replicas for part in one.containers]
        lacking = [f"{one.workload.ref} ({part.name}: {part.held.samples})" for one, part in parts if not part.advice]
        if parts and not lacking:
            return sized
        if time.monotonic() >= end:
            if len(lacking) < len(parts):
                return sized
            raise TooLittle(
                f"Too little was measured, {LEAST_SAMPLES} samples are the least: "
                f"{listed(lacking or [f'{one} (no pod)' for one in found], 4)}.",
                "Are its pods running? `shipmate usage record --for 1h` measures for longer.",
            )
        if not told:
            told = True
            reporter(Progress(Phase.APPLYING, "too little was recorded: measuring first, for a minute at the most"))
        never.wait(PAUSE)


def _chosen(sizing: WorkloadSizing, container: str | None) -> list[ContainerSizing]:
    if container is None:
        return list(sizing.containers)
    chosen = [one for one in sizing.containers if one.name == container]
    if not chosen:
        names = ", ".join(one.name for one in sizing.containers)
        raise UsageError(f"{sizing.workload.ref} has no container {container!r}.", f"It has: {names}.")
    return chosen


def _part(found: Found, containers: Sequence[ContainerSizing]) -> Wanted:
    edits: list[Edit] = []
    said: list[str] = []
    for one in containers:
        requests, limits = quantities(one)
        if not requests and not limits:
            continue
        edits += configure(found, one.name, requests=requests, limits=limits).edits
        moves = [f"{resource} request {quantity}" for resource, quantity in requests.items()]
        moves += [f"{resource} limit {quantity}" for resource, quantity in limits.items()]
        said.append(f"container {one.name}: {', '.join(moves)}")
    title = f"Set the resources of {found} to what was measured ({'; '.join(said) or 'they fit'})"
    return Wanted("configure", title, found, tuple(edits), {"measured": True})


def quantities(one: ContainerSizing) -> tuple[dict[str, str], dict[str, str]]:
    """The requests and the limits to set, as the API writes them."""
    change = one.change
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    if change.cpu_request is not None:
        requests["cpu"] = cores_text(change.cpu_request)
    if change.memory_request is not None:
        requests["memory"] = bytes_text(change.memory_request)
    if change.cpu_limit is not None:
        limits["cpu"] = cores_text(change.cpu_limit)
    if change.memory_limit is not None:
        limits["memory"] = bytes_text(change.memory_limit)
    return requests, limits


def _notes(sizing: WorkloadSizing, containers: Sequence[ContainerSizing], *, several: bool) -> list[str]:
    about = f"{sizing.workload.ref} " if several else ""
    notes: list[str] = []
    for one in containers:
        if one.advice is None:
            continue
        if one.advice.preliminary:
            notes.append(
                f"Preliminary: {about}{one.name} was {one.advice.preliminary}. Limits are not lowered on so little."
            )
        notes += [f"{about}{one.name}: {reason}." for reason in one.advice.reasons]
    return [*notes, *(f"{about}{text}." for text in sizing.advice)]


def _latency(measuring: Measuring) -> Callable[[str, str], float | None] | None:
    address, query = measuring.usage.prometheus, measuring.usage.latency_query
    if not (address and query):
        return None
    from mcp_tools.usage.prometheus import latency

    return lambda namespace, workload: latency(address, query, namespace, workload)

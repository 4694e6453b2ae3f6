"""From a question to causes: take a snapshot, ask every detector, join what they found."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.graph import Cause, Graph
from mcp_tools.diagnosis.history import about, dated
from mcp_tools.diagnosis.journalled import with_own_change
from mcp_tools.diagnosis.looks import Looks
from mcp_tools.diagnosis.model import Finding, Ref
from mcp_tools.diagnosis.modes import all_detectors
from mcp_tools.diagnosis.taking import take
from mcp_tools.errors import NotFound

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        causes: The one that reaches most first.
        target: What was asked about; empty for everything in scope.
        elsewhere: How many causes lie outside the namespace and touch nothing in it.
        unseen: What could not be looked at.
    """

    snapshot: Snapshot
    causes: tuple[Cause, ...]
    target: str = ""
    elsewhere: int = 0
    unseen: tuple[str, ...] = ()


def diagnose(
    connection: Connection, namespace: str | None, target: str | None = None, entries: Sequence[Entry] = ()
) -> Diagnosis:
    """Find what is wrong.

    Args:
        namespace: None for all of them.
        target: A name or `kind/name`: only what touches it.
        entries: What the journal has of this cluster, the newest first.

    Raises:
        NotFound: Nothing of this name is there.
        ConnectionProblem: The cluster does not answer.
    """
    with collector_paused():
        return diagnosed(take(connection, namespace), Looks(connection), namespace, target, entries)


def diagnosed(
    snapshot: Snapshot, looks: Looks, namespace: str | None, target: str | None = None, entries: Sequence[Entry] = ()
) -> Diagnosis:
    """As `diagnose`, of a snapshot that was taken for more than this.

    Raises:
        NotFound: Nothing of this name is there.
    """
    causes = examine(snapshot, looks)
    for cause in causes:
        cause.finding = with_own_change(cause.finding, entries)
    inside = [cause for cause in causes if not namespace or _touches(cause, namespace)]
    wanted = _wanted(snapshot, namespace, target) if target else None
    if wanted is not None:
        inside = [cause for cause in inside if _about(cause, wanted)]
    unseen = (*(f"{kind} ({message})" for kind, message in snapshot.unseen.items()), *looks.unseen)
    elsewhere = 0 if target else len(causes) - len(inside)
    return Diagnosis(snapshot, tuple(inside), target or "", elsewhere, unseen)


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Millions of new objects, none of them garbage: looking through them again and again takes most of the time.

    Afterwards they are taken for old at once: the collector looks at them when it next looks at all that there is.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def examine(snapshot: Snapshot, looks: Looks) -> list[Cause]:
    """The causes in a snapshot, dated."""
    found = [item for detector in all_detectors() for item in detector.detect(snapshot, looks)]
    causes = Graph(snapshot).join(found)
    for cause in causes:
        cause.finding = dated(snapshot, cause.finding, looks)
    return causes


def _touches(cause: Cause, namespace: str) -> bool:
    return cause.finding.object.kind == "Node" or any(ref.namespace == namespace for ref in _objects(cause))


def _objects(cause: Cause) -> set[Ref]:
    followers = {item.object for item in cause.follows}
    return {cause.finding.object, *cause.reach, *followers}


def _wanted(snapshot: Snapshot, namespace: str | None, target: str) -> set[Ref]:
    found = set(about(snapshot, target))
    if not found:
        place = f"in namespace {namespace}" if namespace else "in the cluster"
        raise NotFound(f"There is nothing called {target!r} {place}.", "Ask without a name for all that is wrong.")
    graph = Graph(snapshot)
    return set(graph.reach(found)) | found


def _about(cause: Cause, wanted: set[Ref]) -> bool:
    follows = {item.object for item in cause.follows if isinstance(item, Finding)}
    return bool(wanted & (cause.reach | {cause.finding.object} | follows))

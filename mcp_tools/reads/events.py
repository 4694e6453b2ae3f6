"""What the cluster reported: about one object, or about everything in a namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import age, instant
from mcp_tools.cluster.resolve import DESCRIBABLE, find_object
from mcp_tools.reads.answer import Answer, clip, count
from mcp_tools.reads.owned import owned_by
from mcp_tools.reads.unseen import Unseen

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found
    from mcp_tools.reads.owned import Owned

MAX_READ = 5000


class _Series(msgspec.Struct, rename="camel"):
    count: int = 0
    last_observed_time: str | None = None


class _Meta(msgspec.Struct, rename="camel"):
    creation_timestamp: str | None = None


class _Regarding(msgspec.Struct):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class _Event(msgspec.Struct, rename="camel"):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
    involved_object: _Regarding = msgspec.field(default_factory=_Regarding)
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: _Series | None = None


class _Events(msgspec.Struct):
    items: list[_Event] = []


_decoder = msgspec.json.Decoder(_Events)


@dataclass(slots=True)
class _Told:
    """An event as it is told: the same thing said again about the same object is one line."""

    event: _Event
    at: str
    times: int


@dataclass(frozen=True, slots=True)
class _Family:
    """An object and what it owns, also what it owned and is gone: that is often what the question is about."""

    uids: frozenset[str]
    prefixes: tuple[str, ...]

    @classmethod
    def of(cls, found: Found, owned: list[Owned]) -> _Family:
        parents = [item.name for item in owned if item.kind.plural in {"replicasets", "jobs"}]
        if found.kind.plural in {"statefulsets", "daemonsets", "replicasets", "jobs"}:
            parents.append(found.name)
        uids = {str(found.object["metadata"]["uid"]), *(item.uid for item in owned)}
        return cls(frozenset(uids), tuple(f"{name}-" for name in parents))

    def has(self, regarding: _Regarding) -> bool:
        gone = regarding.kind == "Pod" and regarding.name.startswith(self.prefixes or ("\0",))
        return regarding.uid in self.uids or gone


def events_of(connection: Connection, obj: dict[str, Any], most: int = 10) -> list[dict[str, Any]]:
    """The latest events about one object, newest first, as rows of `list_events`; errors as `Connection.get`."""
    metadata = obj["metadata"]
    selector = f"involvedObject.uid={metadata['uid']}"
    found = _read(connection, metadata.get("namespace", "default"), [("fieldSelector", selector)])
    return [_row(told) for told in found[:most]]


def list_events(
    connection: Connection,
    namespace: str | None,
    *,
    all_namespaces: bool = False,
    target: str | None = None,
    field_selector: str | None = None,
    limit: int = 50,
) -> Answer:
    """What was reported lately, newest first, the same thing said again counted and not repeated.

    Args:
        target: One object; what it owns counts too (a Deployment's ReplicaSets and pods).
        field_selector: Such as `type=Warning`, which leaves out what went as it should.

    Returns:
        `events` (age, type, object, reason, message, count; object has its namespace in front where there are
        several), `total`, `shown`.

    Raises:
        NotFound, Ambiguous: No such object, or several.
        ShipmateError: As `Connection.get`.
    """
    where = None if all_namespaces else namespace or connection.namespace
    query: list[tuple[str, Any]] = [("limit", MAX_READ)]
    if field_selector:
        query.append(("fieldSelector", field_selector))
    about = ""
    family: _Family | None = None
    unseen = Unseen()
    if target:
        found = find_object(connection, target, namespace, DESCRIBABLE)
        family = _Family.of(found, owned_by(connection, found, unseen=unseen))
        where, about = found.namespace or where, f" about {found}"
    told = [item for item in _read(connection, where, query) if not family or family.has(item.event.involved_object)]
    shown = [
        {**_row(item), "object": _object(item.event.involved_object, across=where is None)} for item in told[:limit]
    ]
    warnings = sum(item.event.type == "Warning" for item in told)
    place = "" if about else f" in namespace {where}" if where else " in all namespaces"
    summary = f"{count(len(told), 'event')}{about}{place}, {count(warnings, 'warning')}."
    if len(shown) < len(told):
        summary += f" The newest {len(shown)} are shown."
    return unseen.told(Answer(summary, {"events": shown, "total": len(told), "shown": len(shown)}), needs=0)


def _read(connection: Connection, namespace: str | None, query: list[tuple[str, Any]]) -> list[_Told]:
    raw = connection.get(built_in("events").path(namespace), query)
    merged: dict[tuple[str, str, str], _Told] = {}
    for event in sorted(_decoder.decode(raw).items, key=lambda event: instant(_when(event)), reverse=True):
        times = (event.series.count if event.series else event.count) or 1
        key = (event.involved_object.uid, event.reason, event.message)
        if key in merged:
            merged[key].times += times
        else:
            merged[key] = _Told(event, _when(event), times)
    return list(merged.values())


def _row(told: _Told) -> dict[str, Any]:
    event = told.event
    return {
        "age": age(told.at),
        "type": event.type,
        "reason": event.reason,
        "message": clip(event.message),
        "count": told.times,
    }


def _object(regarding: _Regarding, *, across: bool) -> str:
    name = f"{regarding.kind.lower()}/{regarding.name}"
    return f"{regarding.namespace}/{name}" if across and regarding.namespace else name


def _when(event: _Event) -> str:
    # Newer reporters leave lastTimestamp empty and keep the time in the series or in eventTime.
    series = event.series.last_observed_time if event.series else None
    return series or event.last_timestamp or event.event_time or event.metadata.creation_timestamp or ""

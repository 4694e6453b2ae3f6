"""What the cluster reported about an object, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.pods import age
from mcp_tools.errors import Forbidden
from mcp_tools.reads.answer import clip

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection


class _Series(msgspec.Struct, rename="camel"):
    count: int = 0
    last_observed_time: str | None = None


class _Meta(msgspec.Struct, rename="camel"):
    creation_timestamp: str | None = None


class _Event(msgspec.Struct, rename="camel"):
    metadata: _Meta = msgspec.field(default_factory=_Meta)
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


def events_of(connection: Connection, obj: dict[str, Any], most: int = 10) -> list[dict[str, Any]]:
    """The latest events about one object, each with its age, type, reason, message and count.

    A user who may read the object but no events gets none; other errors as `Connection.get`.
    """
    metadata = obj["metadata"]
    selector = f"involvedObject.uid={metadata['uid']}"
    namespace = metadata.get("namespace", "default")
    try:
        raw = connection.get(f"/api/v1/namespaces/{namespace}/events", [("fieldSelector", selector)])
    except Forbidden:
        return []
    events = sorted(_decoder.decode(raw).items, key=_when, reverse=True)
    return [
        {
            "age": age(_when(event)),
            "type": event.type,
            "reason": event.reason,
            "message": clip(event.message),
            "count": (event.series.count if event.series else event.count) or 1,
        }
        for event in events[:most]
    ]


def _when(event: _Event) -> str:
    # Newer reporters leave lastTimestamp empty and keep the time in the series or in eventTime.
    series = event.series.last_observed_time if event.series else None
    return series or event.last_timestamp or event.event_time or event.metadata.creation_timestamp or ""

"""The objects of one kind as a watch keeps them: as little of each as rules and diagnosis use."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable
from typing import Any

import msgspec

from mcp_tools.diagnosis.snapshot import Resource, event_time

MOST_EVENTS = 5_000
EVENT_SECONDS = 3600.0
"""As long as an API server keeps them by itself."""


class Shelf:
    """Objects by namespace and name; several threads may use it.

    Events are bounded in number and age: the oldest go first. Of every other kind there are as many as the cluster has.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._lock = threading.Lock()
        self._items: dict[tuple[str, str], Resource] = {}

    def __len__(self) -> int:
        return len(self._items)

    def replace(self, found: Iterable[Resource]) -> None:
        """Take a whole list in the place of what is there."""
        items = {(item.namespace, item.name): item for item in self._bounded(map(slim, found))}
        with self._lock:
            self._items = items

    def put(self, item: Resource) -> None:
        """Take a new or changed object."""
        key = (item.namespace, item.name)
        kept = slim(item)
        with self._lock:
            # The order is that of arrival, so that the first is the oldest.
            self._items.pop(key, None)
            self._items[key] = kept
            if self.kind == "Event" and len(self._items) > MOST_EVENTS:
                del self._items[next(iter(self._items))]

    def remove(self, namespace: str, name: str) -> None:
        """Forget an object."""
        with self._lock:
            self._items.pop((namespace, name), None)

    def get(self, namespace: str, name: str) -> Resource | None:
        """One object, if it is there."""
        return self._items.get((namespace, name))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._items = {}

    def items(self) -> list[Resource]:
        """All of them, as they are at this moment."""
        if self.kind == "Event":
            self._forget_old()
        with self._lock:
            found = list(self._items.values())
        # A pod's spec is decoded into the Resource; one that outlives the moment would keep thousands of them.
        return [Resource(self.kind, item.body) for item in found] if self.kind == "Pod" else found

    def _bounded(self, found: Iterable[Resource]) -> Iterable[Resource]:
        if self.kind != "Event":
            return found
        kept: list[Resource] = []
        for event in found:
            kept.append(event)
            if len(kept) >= 2 * MOST_EVENTS:
                kept = _newest(kept)
        return _newest(kept)

    def _forget_old(self) -> None:
        with self._lock:
            times = {key: event_time(event)[:19] for key, event in self._items.items()}
            newest = max(times.values(), default="")
            if not newest:
                return
            # By the cluster's own clock, which need not be ours.
            limit = dt.datetime.fromisoformat(newest) - dt.timedelta(seconds=EVENT_SECONDS)
            for key, time in times.items():
                if time < limit.isoformat():
                    del self._items[key]


def _newest(events: list[Resource]) -> list[Resource]:
    return sorted(events, key=event_time)[-MOST_EVENTS:]


def slim(item: Resource) -> Resource:
    """The object without what would keep memory for nothing."""
    body = item.body
    if isinstance(spec := body.get("spec"), msgspec.Raw):
        # Raw bytes are a window into the whole answer that they came in.
        body["spec"] = spec.copy()
    meta = body["metadata"]
    if fields := meta.get("managedFields"):
        meta["managedFields"] = [_who_and_when(entry) for entry in fields]
    annotations = meta.get("annotations")
    if annotations:
        annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return item


def _who_and_when(entry: dict[str, Any]) -> dict[str, Any]:
    """Of field ownership: who wrote when, and which keys of data."""
    short: dict[str, Any] = {key: entry[key] for key in ("manager", "operation", "subresource", "time") if key in entry}
    data = (entry.get("fieldsV1") or {}).get("f:data")
    return {**short, "fieldsV1": {"f:data": data}} if data else short

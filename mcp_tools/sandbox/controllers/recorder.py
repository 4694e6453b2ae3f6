"""Events: recorded with counts, like the client-go recorder does, and forgotten after an hour."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.registry import Registry, WriteOptions

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

KEEP_SECONDS = 3600.0
MOST = 2000
_SWEEP_SECONDS = 60.0


class Recorder:
    """Writes Events into the store.

    Args:
        registry: Where they go.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kind = registry.kinds.named("Event")
        self._numbers = itertools.count(1)
        self._known: OrderedDict[tuple[str, ...], str] = OrderedDict()
        self._ages: OrderedDict[tuple[str, str], float] = OrderedDict()
        registry.store.subscribe(self._notice)
        registry.clock.call_later(_SWEEP_SECONDS, self._sweep)

    def normal(self, obj: Object, reason: str, message: str, source: str, **where: str) -> None:
        """Something went as it should. `where` may hold `host` and `field` (a `fieldPath`)."""
        self._record(obj, ("Normal", reason, message, source), **where)

    def warning(self, obj: Object, reason: str, message: str, source: str, **where: str) -> None:
        """Something did not."""
        self._record(obj, ("Warning", reason, message, source), **where)

    def _record(self, obj: Object, what: tuple[str, str, str, str], *, host: str = "", field: str = "") -> None:
        kind, reason, message, source = what
        registry = self._registry
        meta = obj["metadata"]
        namespace = meta.get("namespace") or "default"
        key = (meta["uid"], field, kind, reason, message, source, host)
        now = rfc3339(registry.clock.now())
        name = self._known.get(key)
        existing = registry.store.get(self._kind, namespace, name) if name else None
        if name and existing:
            count = existing["count"] + 1
            event = {**existing, "metadata": dict(existing["metadata"]), "count": count, "lastTimestamp": now}
            registry.store.put(self._kind, event)
            self._ages[namespace, name] = registry.clock.now()
            self._ages.move_to_end((namespace, name))
            return
        name = f"{meta['name']}.{int(registry.clock.now() * 1000):x}{next(self._numbers):05x}"
        target = {
            "kind": obj["kind"],
            "namespace": meta.get("namespace", ""),
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": obj["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
            "fieldPath": field,
        }
        event = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {part: value for part, value in target.items() if value},
            "reason": reason,
            "message": message,
            "source": {"component": source, **({"host": host} if host else {})},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": source,
            "reportingInstance": host,
        }
        try:
            registry.create(self._kind, event, WriteOptions(source))
        except Refused as error:
            if error.code not in {403, 404}:  # its namespace is going or gone
                raise
            return
        self._known[key] = name
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def _notice(self, change: Change) -> None:
        if change.kind.key != self._kind.key:
            return
        meta = change.obj["metadata"]
        place = (meta.get("namespace", ""), meta["name"])
        if change.type == "DELETED":
            self._ages.pop(place, None)
        elif change.type == "ADDED":
            self._ages[place] = self._registry.clock.now()
            if len(self._ages) > MOST:
                self._forget(next(iter(self._ages)))

    def _forget(self, place: tuple[str, str]) -> None:
        self._ages.pop(place, None)
        if self._registry.store.get(self._kind, *place) is not None:
            self._registry.store.remove(self._kind, *place)

    def _sweep(self) -> None:
        oldest = self._registry.clock.now() - KEEP_SECONDS
        for place in [place for place, when in self._ages.items() if when < oldest]:
            self._forget(place)
        self._registry.clock.call_later(_SWEEP_SECONDS, self._sweep)

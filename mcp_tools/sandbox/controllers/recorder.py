"""Events: recorded with counts, like the client-go recorder does, and forgotten after an hour."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import rfc3339, rfc3339_micro
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
        """Something went as it should.

        `where` may hold `host`, `field` (a `fieldPath`), and `action`: with one the event takes the newer form of
        `events.k8s.io`, as the scheduler's do.
        """
        self._record(obj, ("Normal", reason, message, source), **where)

    def warning(self, obj: Object, reason: str, message: str, source: str, **where: str) -> None:
        """Something did not; arguments as `normal`."""
        self._record(obj, ("Warning", reason, message, source), **where)

    def _record(
        self, obj: Object, what: tuple[str, str, str, str], *, host: str = "", field: str = "", action: str = ""
    ) -> None:
        kind, reason, message, source = what
        registry = self._registry
        meta = obj["metadata"]
        namespace = meta.get("namespace") or "default"
        key = (meta["uid"], field, *what, host)
        name = self._known.get(key)
        existing = registry.store.get(self._kind, namespace, name) if name else None
        if name and existing:
            registry.store.put(self._kind, self._again(existing))
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
            "type": kind,
            "reportingComponent": source,
            "reportingInstance": f"{source}-{meta['uid'][:8]}" if action else host,
            **self._seen(source, host, action),
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

    def _seen(self, source: str, host: str, action: str) -> Object:
        now = self._registry.clock.now()
        if action:
            unset: Object = {"source": {}, "firstTimestamp": None, "lastTimestamp": None}
            return {**unset, "eventTime": rfc3339_micro(now), "action": action}
        return {
            "source": {"component": source, **({"host": host} if host else {})},
            "firstTimestamp": rfc3339(now),
            "lastTimestamp": rfc3339(now),
            "count": 1,
            "eventTime": None,
        }

    def _again(self, event: Object) -> Object:
        now = self._registry.clock.now()
        again = {**event, "metadata": dict(event["metadata"])}
        if event.get("action"):
            count = (event.get("series") or {}).get("count", 1) + 1
            again["series"] = {"count": count, "lastObservedTime": rfc3339_micro(now)}
        else:
            again["count"] = event["count"] + 1
            again["lastTimestamp"] = rfc3339(now)
        return again

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

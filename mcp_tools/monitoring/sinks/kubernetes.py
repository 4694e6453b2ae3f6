"""An Event of the cluster about the object, as `kubectl describe` shows it; one that comes again is counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import ApiError, NotFound, ShipmateError
from mcp_tools.monitoring.cache import KINDS
from mcp_tools.monitoring.sinks.base import Sink, SinkFailed
from mcp_tools.monitoring.sinks.wording import begun, is_over, moment, plain, words

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Resource
    from mcp_tools.monitoring.alert import Alert

EVENTS = built_in("events")
REPORTER = "shipmate"
NOTE = 1_000
"""The API takes 1,024 characters."""
MERGE = "application/merge-patch+json"
ELSEWHERE = "default"
"""Events about what belongs to the whole cluster live here."""
CONFLICT, TROUBLE_FROM = 409, 500
_API = {kind.name: kind.api_version for kind in KINDS}


class KubernetesEvents(Sink):
    """Writes Events. What is raised is a Warning, what resolves a Normal one.

    Args:
        find: The object itself, whose uid an Event must name to be shown beside it.
    """

    name = "kubernetes_events"
    batch = 1

    def __init__(self, connection: Connection, find: Callable[[Ref], Resource | None]) -> None:
        self._connection = connection
        self._find = find

    def send(self, alerts: Sequence[Alert]) -> None:
        """Write them."""
        for alert in alerts:
            if alert.object.kind in _API:
                self._write(alert)

    def _write(self, alert: Alert) -> None:
        space = alert.object.namespace or ELSEWHERE
        event = self._event(alert, space)
        path = EVENTS.path(space, event["metadata"]["name"])
        try:
            try:
                before = self._connection.get_object(path)
            except NotFound:
                self._connection.write("POST", EVENTS.path(space), event)
                return
            again = {key: event[key] for key in ("message", "lastTimestamp", "involvedObject")}
            again["count"] = int(before.get("count") or 1) + 1
            self._connection.write("PATCH", path, again, content_type=MERGE)
        except ApiError as error:
            # A namespace that is being deleted takes no Events; a conflict is worth another try.
            final = error.status < TROUBLE_FROM and error.status != CONFLICT
            raise SinkFailed(f"The Event about {alert.object} is refused: {error.message}", final=final) from error
        except ShipmateError as error:
            raise SinkFailed(error.message) from error

    def _event(self, alert: Alert, space: str) -> dict[str, Any]:
        found = self._find(alert.object)
        ref = alert.object
        about = {"kind": ref.kind, "name": ref.name, "namespace": ref.namespace, "apiVersion": _API[ref.kind]}
        if found is not None and found.uid:
            about["uid"] = found.uid
        over = is_over(alert)
        now = moment(dt.datetime.now(dt.UTC).replace(microsecond=0))
        began = moment((alert.resolved_at if over and alert.resolved_at else begun(alert)).replace(microsecond=0))
        return {
            "metadata": {"name": f"{REPORTER}-{alert.fingerprint}{'-resolved' * over}", "namespace": space},
            "involvedObject": about,
            "reason": "".join(word.capitalize() for word in plain(alert.rule).split("-")) + "Resolved" * over,
            "message": plain("; ".join(words(alert).values()).replace("\n", "; "), NOTE),
            "type": "Normal" if over else "Warning",
            "count": 1,
            "firstTimestamp": began,
            "lastTimestamp": now,
            "source": {"component": REPORTER},
            "reportingComponent": REPORTER,
        }

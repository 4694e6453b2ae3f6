"""Alertmanager, told as Prometheus tells it: what fires again and again with an end in the near future."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.monitoring.sinks.base import Sink
from mcp_tools.monitoring.sinks.wording import begun, is_over, labels, moment, words

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.sinks.posting import Poster

RESEND_SECONDS = 60.0
LASTS = 4
"""Prometheus lets an alert end by itself when it was not sent again four times (rules/manager.go, `sendAlerts`)."""
ALERTS = "/api/v2/alerts"


class Alertmanager(Sink):
    """Posts to `/api/v2/alerts`. When the monitor is gone, what it told of ends by itself after four minutes.

    Args:
        poster: To the server's address with `ALERTS` at its end.
    """

    name = "alertmanager"
    batch = 64

    def __init__(self, poster: Poster, repeat_seconds: float = RESEND_SECONDS) -> None:
        self.repeat_seconds = repeat_seconds
        self._poster = poster

    def send(self, alerts: Sequence[Alert]) -> None:
        """Post them."""
        now = dt.datetime.now(dt.UTC)
        lasting = dt.timedelta(seconds=LASTS * (self.repeat_seconds or RESEND_SECONDS))
        self._poster.post([_postable(alert, now + lasting) for alert in alerts])

    def close(self) -> None:
        """Close the sockets."""
        self._poster.close()


def _postable(alert: Alert, end: dt.datetime) -> dict[str, Any]:
    return {
        "labels": labels(alert),
        "annotations": words(alert),
        "startsAt": moment(begun(alert)),
        "endsAt": moment(alert.resolved_at if is_over(alert) else end),
    }

"""A message to an incoming webhook of Slack, or of what is compatible with it (Mattermost, Rocket.Chat)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.monitoring.alert import Severity
from mcp_tools.monitoring.sinks.base import Sink
from mcp_tools.monitoring.sinks.wording import begun, headline, is_over, place, plain

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.sinks.posting import Poster

COLOURS = {Severity.CRITICAL: "#d00000", Severity.WARNING: "#daa038", Severity.INFO: "#439fe0"}
OVER = "#2eb886"
SHOWN_EVIDENCE = 5


class Slack(Sink):
    """Posts each batch as one message with an attachment an alert: the form that all compatible receivers know."""

    name = "slack"
    batch = 20

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def send(self, alerts: Sequence[Alert]) -> None:
        """Post them."""
        self._poster.post(message(alerts))

    def close(self) -> None:
        """Close the sockets."""
        self._poster.close()


def message(alerts: Sequence[Alert]) -> dict[str, Any]:
    """The body; no text in it can mention anybody or be taken for a link."""
    firing = sum(not is_over(alert) for alert in alerts)
    counts = [f"{number} {word}" for number, word in ((firing, "firing"), (len(alerts) - firing, "resolved")) if number]
    return {"text": f"Shipmate: {', '.join(counts)}", "attachments": [_attachment(alert) for alert in alerts]}


def _attachment(alert: Alert) -> dict[str, Any]:
    lines = [alert.summary, *(f"• {fact}" for fact in alert.evidence[:SHOWN_EVIDENCE])]
    return {
        "fallback": _escaped(f"{headline(alert)}: {plain(alert.summary)}"),
        "color": OVER if is_over(alert) else COLOURS[alert.severity],
        "title": _escaped(headline(alert)),
        "text": "\n".join(_escaped(plain(line)) for line in lines),
        "fields": [
            {"title": "Object", "value": _escaped(place(alert)), "short": True},
            {"title": "Severity", "value": str(alert.severity), "short": True},
        ],
        "ts": int((alert.resolved_at or begun(alert)).timestamp()),
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

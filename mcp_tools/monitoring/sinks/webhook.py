"""JSON in the form of Alertmanager's webhook (version 4), which many receivers understand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.monitoring.sinks.base import Sink
from mcp_tools.monitoring.sinks.wording import begun, is_over, labels, moment, words

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.sinks.posting import Poster


class Webhook(Sink):
    """Posts each batch as one notification; an alert comes in it once when it fires and once when it resolves."""

    name = "webhook"

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def send(self, alerts: Sequence[Alert]) -> None:
        """Post them."""
        self._poster.post(notification(alerts))

    def close(self) -> None:
        """Close the sockets."""
        self._poster.close()


def notification(alerts: Sequence[Alert]) -> dict[str, Any]:
    """The body, as https://prometheus.io/docs/alerting/latest/configuration/#webhook_config describes it."""
    every = [labels(alert) for alert in alerts]
    said = [words(alert) for alert in alerts]
    common = _common(every)
    return {
        "version": "4",
        "groupKey": f"{{}}/{{}}:{{alertname={_quoted(common.get('alertname', ''))}}}",
        "truncatedAlerts": 0,
        "status": "resolved" if all(map(is_over, alerts)) else "firing",
        "receiver": "shipmate",
        "groupLabels": {key: common[key] for key in ("alertname",) if key in common},
        "commonLabels": common,
        "commonAnnotations": _common(said),
        "externalURL": "",
        "alerts": [
            {
                "status": "resolved" if is_over(alert) else "firing",
                "labels": own,
                "annotations": told,
                "startsAt": moment(begun(alert)),
                "endsAt": moment(alert.resolved_at),
                "generatorURL": "",
                "fingerprint": alert.fingerprint,
            }
            for alert, own, told in zip(alerts, every, said, strict=True)
        ],
    }


def _common(maps: list[dict[str, str]]) -> dict[str, str]:
    first = maps[0] if maps else {}
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in maps)}


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)

"""An alert in words, and in the labels and annotations of the Prometheus world."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from mcp_tools.monitoring.alert import State

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]+")
_NO_LABEL = re.compile(r"[^a-zA-Z0-9_]")
LONGEST = 1_000


def plain(text: str, longest: int = LONGEST) -> str:
    """One bounded line without control characters: what a cluster wrote must not move a terminal's cursor."""
    line = _CONTROL.sub(" ", text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def place(alert: Alert) -> str:
    """`todo-app/deployment/backend`."""
    ref = alert.object
    return plain(f"{ref.namespace}/{ref}" if ref.namespace else str(ref))


def headline(alert: Alert) -> str:
    """`FIRING critical crash-loop todo-app/deployment/backend`."""
    return f"{alert.state.upper()} {alert.severity} {plain(alert.rule)} {place(alert)}"


def labels(alert: Alert) -> dict[str, str]:
    """The labels that identify it; those of the rule's own never take the place of ours."""
    ref = alert.object
    own = {_NO_LABEL.sub("_", key): value for key, value in alert.labels.items()}
    found = {
        **own,
        "alertname": alert.rule,
        "severity": str(alert.severity),
        "namespace": ref.namespace,
        "kind": ref.kind,
        "name": ref.name,
    }
    # Alertmanager takes an empty label for one that is not there.
    return {key: plain(value) for key, value in found.items() if value}


def words(alert: Alert) -> dict[str, str]:
    """What a person reads."""
    found = {"summary": plain(alert.summary)}
    if alert.evidence:
        found["description"] = "\n".join(map(plain, alert.evidence))
    return found


def moment(time: dt.datetime | None) -> str:
    """RFC 3339 in UTC; the zero time of Go for none."""
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if time else "0001-01-01T00:00:00Z"


def begun(alert: Alert) -> dt.datetime:
    """When it was raised."""
    return alert.fired_at or alert.since


def is_over(alert: Alert) -> bool:
    """Whether it resolved."""
    return alert.state is State.RESOLVED

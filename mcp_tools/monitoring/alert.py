"""What an alert is, and what becomes of it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref


class Severity(StrEnum):
    """How soon somebody must look: at once, today, or some time."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class State(StrEnum):
    """Where an alert stands, in Prometheus' words: its condition does not hold for long enough yet; raised; over."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule that holds for one object.

    Attributes:
        rule: The rule's id, such as `crash-loop`.
        object: What it is about; a workload rather than each of its pods.
        summary: One sentence, with names and numbers.
        evidence: The facts it rests on, bounded and redacted.
        labels: What tells it from others of the same rule and object, such as the container.
        since: When its condition began to hold.
        fired_at: When it was raised; None while it is pending.
        resolved_at: When its condition had ceased for long enough; None while it has not.
        inhibited_by: The fingerprint of the firing alert that explains it: then nobody is told of it.
        silenced_by: The id of the silence that covers it: then nobody is told of it.
    """

    rule: str
    severity: Severity
    object: Ref
    summary: str
    since: dt.datetime
    state: State = State.PENDING
    evidence: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    fired_at: dt.datetime | None = None
    resolved_at: dt.datetime | None = None
    inhibited_by: str = ""
    silenced_by: str = ""

    @property
    def fingerprint(self) -> str:
        """The same for the same rule, object and labels, over restarts; 16 hexadecimal digits."""
        ref = self.object
        parts = (self.rule, ref.kind, ref.namespace, ref.name, *(f"{k}={v}" for k, v in sorted(self.labels.items())))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def told(self) -> bool:
        """Whether anybody is to hear of it."""
        return not (self.inhibited_by or self.silenced_by)


@dataclass(frozen=True, slots=True)
class Transition:
    """What sinks are told: an alert that was raised, came to be told after all, or resolved. Each exactly once.

    Attributes:
        alert: As it is after it; its `state` is `firing` or `resolved`.
    """

    alert: Alert

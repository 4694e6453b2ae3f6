"""Silences: alerts that nobody is to be told of for a while, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert


@dataclass(frozen=True, slots=True)
class Silence:
    """What is not told until a moment. Every matcher that is given must fit; `*` and `?` stand for any letters.

    Attributes:
        id: Short, as `alerts unsilence` takes it.
        object: A name, or `kind/name`.
        why: For whoever wonders later.
        by: Who made it.
    """

    id: str
    begins: dt.datetime
    until: dt.datetime
    rule: str = ""
    namespace: str = ""
    object: str = ""
    why: str = ""
    by: str = ""

    def holds(self, at: dt.datetime) -> bool:
        """Whether it is in force."""
        return self.begins <= at < self.until

    def covers(self, alert: Alert) -> bool:
        """Whether it is about this alert."""
        names = (alert.object.name, str(alert.object))
        return (
            fits(self.rule, alert.rule)
            and fits(self.namespace, alert.object.namespace)
            and (not self.object or any(fits(self.object.lower(), name.lower()) for name in names))
        )

    def __str__(self) -> str:
        """`crash-loop of backend in every namespace`."""
        return f"{self.rule or 'alerts'} of {self.object or 'anything'} in {self.namespace or 'every namespace'}"


def fits(pattern: str, text: str) -> bool:
    """Whether a text is as a matcher says; an empty one says nothing."""
    return not pattern or fnmatchcase(text, pattern)

"""What became better or worse since an earlier check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.health.history import key_of

if TYPE_CHECKING:
    from mcp_tools.health.assessing import Assessed
    from mcp_tools.health.history import Earlier

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Change:
    """How one object changed.

    Attributes:
        was: Its score then; None where it was not there, or so well that it was not kept.
        points: Lost since then; negative where it won.
        sentence: `backend lost 13 by restarts`.
    """

    was: float | None
    points: float
    sentence: str


def fell(each: Assessed, earlier: Earlier | None) -> Change | None:
    """What changed about an object; None where there is nothing to compare with."""
    known = earlier.objects.get(key_of(each)) if earlier else None
    if known is None:
        return None
    was, lost = known
    points = was - each.score.value
    by = max(each.score.lost, key=lambda part: each.score.lost[part] - lost.get(part.value, 0.0), default=None)
    mostly = f" by {by.value}" if by else ""
    return Change(was, points, f"{each.ref.name} lost {points:.0f}{mostly}")


def since(earlier: Earlier | None) -> str:
    """How long ago: `an hour`, `20 minutes`."""
    seconds = earlier.seconds if earlier else 0.0
    for size, one, many in ((DAY, "a day", "days"), (HOUR, "an hour", "hours"), (MINUTE, "a minute", "minutes")):
        number = round(seconds / size)
        if seconds >= 0.95 * size:
            return one if number <= 1 else f"{number} {many}"
    return "a moment"

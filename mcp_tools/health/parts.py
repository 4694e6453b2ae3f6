"""The parts of a score: what each measures, and what it weighs against the others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FULL = 100.0


class Part(StrEnum):
    """What is measured of a workload or a node."""

    AVAILABILITY = "availability"
    FINDINGS = "findings"
    RESTARTS = "restarts"
    SATURATION = "saturation"
    ERRORS = "errors"
    LATENCY = "latency"
    CONFIGURATION = "configuration"


WEIGHTS: dict[Part, int] = {
    Part.AVAILABILITY: 30,
    Part.FINDINGS: 15,
    Part.RESTARTS: 15,
    Part.SATURATION: 10,
    Part.ERRORS: 10,
    Part.LATENCY: 10,
    Part.CONFIGURATION: 10,
}
"""Against each other: a part that is not measured leaves its weight to the rest."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One part of one object.

    Attributes:
        score: From 0 to 100.
        why: With names and numbers, as a clause.
    """

    part: Part
    score: float
    why: str


def between(value: float, good: float, bad: float) -> float:
    """100 up to `good`, 0 from `bad` on, a straight line between them."""
    return FULL * min(1.0, max(0.0, (bad - value) / (bad - good)))

"""From parts to scores: of one object, and of many together.

An object's score is the mean of its parts by their weights, and never more than `OVER_AVAILABILITY` over its
availability nor `OVER_FINDINGS` over its findings: what is down is not half healthy because it is well configured.

Many together lose the root mean square of what each lost, `100 - sqrt(mean(lost²))`: one that is down weighs more than
ten that each lost a little, and does not hide behind them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcp_tools.health.parts import FULL, WEIGHTS, Measure, Part

OVER_AVAILABILITY, OVER_FINDINGS = 20.0, 50.0


@dataclass(frozen=True, slots=True)
class Score:
    """A number from 0 to 100, and where the rest went.

    Attributes:
        lost: Points by part; with `value` they make 100.
    """

    value: float
    lost: Mapping[Part, float]

    @property
    def whole(self) -> int:
        """Rounded; 100 is kept for what lost nothing to speak of, and 0 for what has nothing left."""
        return round(self.value)


def score_of(measures: Sequence[Measure]) -> Score:
    """The score of one object; of nothing measured 100."""
    weights = sum(WEIGHTS[each.part] for each in measures)
    lost = {each.part: WEIGHTS[each.part] * (FULL - each.score) / weights for each in measures}
    for part, over in ((Part.AVAILABILITY, OVER_AVAILABILITY), (Part.FINDINGS, OVER_FINDINGS)):
        own = next((each.score for each in measures if each.part is part), FULL)
        beyond = FULL - sum(lost.values()) - min(FULL, own + over)
        if beyond > 0:
            lost[part] += beyond
    return Score(FULL - sum(lost.values()), lost)


def together(scores: Iterable[Score]) -> Score | None:
    """The score of many; each part's loss by how much it had in what weighs most. None of none."""
    found = list(scores)
    if not found:
        return None
    squares = sum((FULL - each.value) ** 2 for each in found)
    if not squares:
        return Score(FULL, {})
    loss = math.sqrt(squares / len(found))
    lost: dict[Part, float] = defaultdict(float)
    for each in found:
        for part, points in each.lost.items():
            lost[part] += points * (FULL - each.value) * loss / squares
    return Score(FULL - loss, dict(lost))


def mixed(shares: Iterable[tuple[float, Score | None]]) -> Score | None:
    """The mean by shares of those that are there."""
    found = [(share, score) for share, score in shares if score is not None]
    if not found:
        return None
    whole = sum(share for share, _ in found)
    lost: dict[Part, float] = defaultdict(float)
    for share, score in found:
        for part, points in score.lost.items():
            lost[part] += points * share / whole
    return Score(sum(share * score.value for share, score in found) / whole, dict(lost))

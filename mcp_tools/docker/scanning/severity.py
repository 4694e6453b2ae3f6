"""How bad an advisory says it is: CVSS where it gives one, its database's word where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.scanning.model import Severity

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.advisories import Advisory, Affected, Score

# Vectors of the newer version say more of the same vulnerability; 4.0 is not everywhere yet, and not comparable.
_CVSS = ("CVSS_V3", "CVSS_V4", "CVSS_V2")
_WORDS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "unimportant": Severity.NEGLIGIBLE,
    "negligible": Severity.NEGLIGIBLE,
    "none": Severity.NEGLIGIBLE,
}
_KEYS = ("severity", "urgency", "cvss_severity")


def severity_of(advisory: Advisory, affected: Affected) -> tuple[Severity, float]:
    """How bad a vulnerability is in a package, and its CVSS base score (0 where none is given)."""
    scores = [*(affected.severity or []), *(advisory.severity or [])]
    score = next((value for kind in _CVSS if (value := _highest(scores, kind)) is not None), None)
    if score is not None:
        return of_score(score), score
    words = [one.score for one in scores if one.type not in _CVSS]
    words += [_word(holder) for holder in (affected.ecosystem_specific, affected.database_specific)]
    words.append(_word(advisory.database_specific))
    known = [severity for word in words if (severity := of_word(word)) is not Severity.UNKNOWN]
    if not known and advisory.id.startswith("MAL-"):
        return Severity.CRITICAL, 0.0
    return (known[0] if known else Severity.UNKNOWN), 0.0


def of_word(word: Any) -> Severity:
    """The severity a word means; unknown for one that means none."""
    return _WORDS.get(word.strip().lower(), Severity.UNKNOWN) if isinstance(word, str) else Severity.UNKNOWN


def of_score(score: float) -> Severity:
    """The rating of a CVSS base score (CVSS 3.1, 5: "Qualitative Severity Rating Scale")."""
    for least, severity in ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM)):
        if score >= least:
            return severity
    return Severity.LOW if score > 0 else Severity.NEGLIGIBLE


def _highest(scores: Iterable[Score], kind: str) -> float | None:
    values = [value for one in scores if one.type == kind and (value := _base_score(kind, one.score)) is not None]
    return max(values, default=None)


def _base_score(kind: str, vector: Any) -> float | None:
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    try:
        return float({"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}[kind](str(vector)).base_score)
    except (CVSSError, ArithmeticError, ValueError, TypeError):
        return None


def _word(holder: Any) -> Any:
    return next((holder[key] for key in _KEYS if holder.get(key)), None) if isinstance(holder, dict) else None

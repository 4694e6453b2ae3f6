"""Whether an image may pass, for scripts and CI: a threshold, what is accepted, and an exit code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mcp_tools.docker.scanning.model import Coverage, Finding, Severity, Vulnerability
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import count, listed

PASSED, FAILED, UNJUDGED = 0, 1, 2
_NAMES = {severity.label: severity for severity in Severity if severity is not Severity.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gate decided.

    Attributes:
        threshold: The least severity that fails; empty where no gate was asked for.
        exit_code: 0 passed, 1 failed, 2 not to be judged: for a part of what the image holds there is no data, or for a
            vulnerability no severity.
        reason: One sentence.
    """

    threshold: str = ""
    exit_code: int = PASSED
    reason: str = ""


def threshold_of(fail_on: str | None) -> Severity | None:
    """The severity a gate is set to.

    Raises:
        UsageError: It is the name of none.
    """
    if not fail_on:
        return None
    try:
        return _NAMES[fail_on.strip().lower()]
    except KeyError:
        raise UsageError(f"{fail_on} is no severity.", f"Say one of {', '.join(_NAMES)}.") from None


def accepted(
    vulnerabilities: Iterable[Vulnerability], findings: Iterable[Finding], ignore: Collection[str]
) -> tuple[list[Vulnerability], list[Finding]]:
    """What is left when what somebody accepted is taken away: ids or aliases of vulnerabilities, codes of findings."""
    names = {name.strip().lower() for name in ignore}
    return (
        [one for one in vulnerabilities if not names & {alias.lower() for alias in (one.id, *one.aliases)}],
        [one for one in findings if one.code not in names],
    )


def decide(
    threshold: Severity | None,
    vulnerabilities: Sequence[Vulnerability],
    findings: Sequence[Finding],
    coverage: Coverage,
    *,
    only_fixable: bool,
) -> Gate:
    """Whether an image passes.

    Args:
        threshold: The least severity that fails; None: whatever there is, it passes.
        only_fixable: Vulnerabilities without a fix do not fail.
    """
    if threshold is None:
        return Gate()
    failing = [one for one in vulnerabilities if one.severity >= threshold and (one.fixed or not only_fixable)]
    wrong = [one for one in findings if one.severity >= threshold]
    if failing or wrong:
        names = list(dict.fromkeys([*(one.id for one in failing), *(one.code for one in wrong)]))
        return Gate(
            threshold.label, FAILED, f"{count(len(names), 'thing')} of {threshold.label} or worse: {listed(names)}"
        )
    if not coverage.sources:
        return Gate(threshold.label, UNJUDGED, "there is no vulnerability data to judge by")
    if coverage.unchecked or coverage.problems:
        missing = [f"{count(number, 'package')} of {name}" for name, number in sorted(coverage.unchecked.items())]
        return Gate(threshold.label, UNJUDGED, f"not all was compared: {listed(missing) or coverage.problems[0]}")
    unrated = [one.id for one in vulnerabilities if not one.severity and (one.fixed or not only_fixable)]
    if unrated:
        names = list(dict.fromkeys(unrated))
        return Gate(threshold.label, UNJUDGED, f"nobody gives the severity of {listed(names)}")
    return Gate(threshold.label, PASSED, f"nothing of {threshold.label} or worse")

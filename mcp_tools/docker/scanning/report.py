"""What a scan found: told in a few sentences and bounded data, or whole as JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.docker.scanning.model import Coverage, Finding, Package, Severity, Vulnerability
from mcp_tools.docker.scanning.versions import UnknownVersion, sort_key
from mcp_tools.reads.answer import Answer, clip, count, listed
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.gate import Gate
    from mcp_tools.docker.scanning.inventory import Image

# So many of each kind as leave the answer within its bytes, of which a token is three to four.
_SHOWN, _BUDGET = (8, 6, 4, 2), 1_500 * 3
_NAMED = 4
# Dozens of advisories come up each week; a database that has none of the last month is not kept up.
_OLD = timedelta(days=30)
_PLACES, _WIDTH = 2, 80
_WORDS = {Severity.UNKNOWN.label: "of unknown severity"}
_NO_DATA = (
    "name an OSV database (a file, a folder, an all.zip or its address), or install Trivy or Grype with a database"
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a scan found, the worst first, without what somebody accepted.

    Attributes:
        accepted: How many vulnerabilities and findings were left out because they are accepted.
    """

    image: Image
    vulnerabilities: list[Vulnerability]
    findings: list[Finding]
    coverage: Coverage
    gate: Gate
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What to take to be rid of vulnerabilities: a package, or the source of several.

    Attributes:
        fixes: How many vulnerabilities it ends.
        severity: The worst of them.
    """

    package: str
    installed: str
    to: str
    fixes: int
    severity: Severity


def answer(report: Report) -> Answer:
    """The answer to "is this image safe?": at most about 1,500 tokens."""
    summary = " ".join(_sentences(report))
    for most in _SHOWN:
        data = _data(report, most)
        if len(summary) + len(msgspec.json.encode(data)) <= _BUDGET:
            break
    return Answer(summary, data)


def _data(report: Report, most: int) -> dict[str, Any]:
    """The worst of everything, `most` of each kind."""
    image = report.image
    counts = _counts(report.vulnerabilities)
    findings = _by_code(report.findings)
    data: dict[str, Any] = {
        "image": clip(image.name, _WIDTH),
        "id": image.id,
        "system": image.distribution.name or image.distribution.id or "unknown",
        "architecture": image.architecture,
        "packages": dict(sorted(Counter(one.type for one in image.packages).items())),
        # Without data there is no number, and nobody may read one as zero.
        "vulnerabilities": {name: number for name, number in counts.items() if number} if _judged(report) else None,
        "worst": [_short(one) for one in _different(report.vulnerabilities)[:most]],
        "upgrades": [_upgrade(one) for one in upgrades(report.vulnerabilities)[:most]],
        "configuration": [_finding(one) for one in findings[:most]],
        "more_configuration": [one.code for one in findings[most:]],
        "coverage": _coverage(report),
    }
    if report.accepted:
        data["accepted"] = report.accepted
    if report.gate.threshold:
        data["gate"] = dataclasses.asdict(report.gate)
    return {key: value for key, value in data.items() if key == "vulnerabilities" or value not in ([], {})}


def as_json(report: Report) -> str:
    """All of it, redacted: packages with their layer, vulnerabilities, findings, coverage, gate."""
    image = report.image
    whole = {
        "image": image.name,
        "id": image.id,
        "created": image.created,
        "architecture": image.architecture,
        "distribution": dataclasses.asdict(image.distribution),
        "layers": [dataclasses.asdict(step) for step in image.layers],
        "packages": [dataclasses.asdict(package) for package in image.packages],
        "unread": image.unread,
        "vulnerabilities": [_vulnerability(one) for one in report.vulnerabilities] if _judged(report) else None,
        "configuration": [{**dataclasses.asdict(one), "severity": one.severity.label} for one in report.findings],
        "coverage": dataclasses.asdict(report.coverage),
        "accepted": report.accepted,
        "gate": dataclasses.asdict(report.gate) if report.gate.threshold else None,
    }
    return msgspec.json.format(msgspec.json.encode(redact(whole)), indent=2).decode() + "\n"


def upgrades(vulnerabilities: Iterable[Vulnerability]) -> list[Upgrade]:
    """What to take, one a source package, those first that end the worst."""
    of_source: dict[tuple[str, str], list[Vulnerability]] = defaultdict(list)
    for one in vulnerabilities:
        if one.fixed:
            of_source[one.package.type, one.package.source or one.package.name].append(one)
    found = [
        Upgrade(
            name,
            _installed(fixable[0].package),
            _newest(fixable),
            len({one.id for one in fixable}),
            max(one.severity for one in fixable),
        )
        for (_, name), fixable in of_source.items()
    ]
    return sorted(found, key=lambda one: (-one.severity, -one.fixes, one.package))


def _sentences(report: Report) -> list[str]:
    vulnerable = _known_vulnerabilities(report) if _judged(report) else _no_data(report)
    told = [_verdict(report), *vulnerable, *_not_compared(report)]
    told += [*_old(report.coverage), _configuration(report.findings)]
    if report.accepted:
        told.append(f"{count(report.accepted, 'accepted finding')} left out.")
    if report.gate.threshold:
        word = ("passed", "failed", "cannot be judged")[report.gate.exit_code]
        told.append(f"Gate ({report.gate.threshold} or worse) {word}: {report.gate.reason}.")
    return told


def _verdict(report: Report) -> str:
    name = clip(report.image.name, _WIDTH)
    worst = report.vulnerabilities[0] if report.vulnerabilities else None
    finding = report.findings[0] if report.findings else None
    if worst and worst.severity >= max(Severity.HIGH, finding.severity if finding else Severity.UNKNOWN):
        remedy = f"take {worst.fixed}" if worst.fixed else "there is no fix yet"
        return f"{name} is not safe: {worst.severity.label} {worst.id} in {_named(worst.package)} ({remedy})."
    if finding and finding.severity >= Severity.HIGH:
        return f"{name} is not safe: {finding.title[0].lower()}{finding.title[1:]} ({listed(list(finding.where), 1)})."
    if not _judged(report):
        return f"Whether {name} is safe cannot be said."
    unrated = sum(one.severity is Severity.UNKNOWN for one in report.vulnerabilities)
    if worst and unrated:
        return f"{name} has known vulnerabilities whose severity nobody gives, so it cannot be called safe."
    if (worst and worst.severity >= Severity.MEDIUM) or (finding and finding.severity >= Severity.MEDIUM):
        return f"{name} has weaknesses and nothing worse that is known."
    if report.coverage.unchecked or report.coverage.problems:
        return f"Nothing serious is known of the part of {name} that could be checked."
    return f"Nothing serious is known of {name}."


def _known_vulnerabilities(report: Report) -> list[str]:
    coverage, found = report.coverage, report.vulnerabilities
    if not found:
        number = "1 advisory" if coverage.records == 1 else f"{coverage.records:,} advisories"
        by = number if coverage.records else listed(coverage.sources)
        return [f"No known vulnerability in the {count(sum(coverage.checked.values()), 'package')} compared with {by}."]
    counts = ", ".join(f"{number} {_WORDS.get(name, name)}" for name, number in _counts(found).items() if number)
    packages = len({one.package.key for one in found})
    told = [f"Known vulnerabilities: {counts}, in {count(packages, 'package')}."]
    fixable = upgrades(found)
    if fixable:
        ended = len({one.id for one in found if one.fixed})
        remedies = [f"{clip(one.package, _WIDTH)} {one.to}" for one in fixable]
        told.append(f"{ended} can be fixed: take {listed(remedies, _NAMED)}.")
    return told


def _no_data(report: Report) -> list[str]:
    held = f" for its {count(len(report.image.packages), 'package')}" if report.image.packages else ""
    return [f"There is no vulnerability data{held}, so nothing was looked for: {_NO_DATA}."]


def _not_compared(report: Report) -> list[str]:
    told = []
    if _judged(report) and report.coverage.unchecked:
        missing = [
            f"{count(number, 'package')} of {name}" for name, number in sorted(report.coverage.unchecked.items())
        ]
        told.append(f"No data for {listed(missing, _NAMED)}: not compared.")
    problems = [problem.rstrip(".") for problem in _problems(report)]
    if problems:
        told.append(f"Not all could be read: {clip(redact_text(listed(problems, 2)), 300)}.")
    if not report.image.packages:
        told.append("No package database was found in it, so what its programs are made of is unknown.")
    return told


def _old(coverage: Coverage) -> list[str]:
    """That the data ends long ago, and what came up since is not in it."""
    try:
        newest = datetime.fromisoformat(coverage.newest[:19]).replace(tzinfo=UTC)
    except ValueError:
        return []
    age = datetime.now(UTC) - newest
    return [f"The data is {age.days} days old: its newest advisory is of {newest:%Y-%m-%d}."] if age > _OLD else []


def _configuration(findings: list[Finding]) -> str:
    serious = [one for one in findings if one.severity >= Severity.LOW]
    if not serious:
        return "Its configuration is in order."
    titles = list(dict.fromkeys(f"{one.title[0].lower()}{one.title[1:]} ({one.severity.label})" for one in serious))
    return f"Configuration: {listed(titles, _NAMED)}."


def _problems(report: Report) -> list[str]:
    return list(dict.fromkeys([*report.coverage.problems, *report.image.unread]))


def _judged(report: Report) -> bool:
    return bool(report.coverage.checked or report.vulnerabilities or set(report.coverage.sources) & {"Trivy", "Grype"})


def _counts(vulnerabilities: Iterable[Vulnerability]) -> dict[str, int]:
    """How many different vulnerabilities there are of each severity, the worst first."""
    worst: dict[str, Severity] = {}
    for one in vulnerabilities:
        worst[one.id] = max(worst.get(one.id, Severity.UNKNOWN), one.severity)
    counted = Counter(worst.values())
    return {severity.label: counted[severity] for severity in sorted(Severity, reverse=True)}


def _coverage(report: Report) -> dict[str, Any]:
    coverage = report.coverage
    told = {
        "data": coverage.sources or "none",
        "advisories": coverage.records,
        "newest": coverage.newest,
        "compared": coverage.checked,
        "not_compared": coverage.unchecked,
        "problems": [clip(one, 200) for one in _problems(report)[:_NAMED]],
    }
    return {key: value for key, value in told.items() if value}


def _by_code(findings: Iterable[Finding]) -> list[Finding]:
    """One finding of each kind, which counts the others; the worst of them first."""
    first: dict[str, Finding] = {}
    for one in findings:
        known = first.get(one.code)
        first[one.code] = one if known is None else dataclasses.replace(known, count=known.count + one.count)
    return list(first.values())


def _different(vulnerabilities: Iterable[Vulnerability]) -> list[Vulnerability]:
    """Each vulnerability once, though several packages of one source have it."""
    first: dict[str, Vulnerability] = {}
    for one in vulnerabilities:
        first.setdefault(one.id, one)
    return list(first.values())


def _short(one: Vulnerability) -> dict[str, Any]:
    told = {
        "id": one.id,
        "severity": one.severity.label,
        "package": _named(one.package),
        "fixed": one.fixed or "no fix",
    }
    return {**told, "layer": one.package.layer} if one.package.layer else told


def _vulnerability(one: Vulnerability) -> dict[str, Any]:
    package = {"type": one.package.type, "name": one.package.name, "version": one.package.version}
    where = {"path": one.package.path, "layer": one.package.layer}
    return {**dataclasses.asdict(one), "severity": one.severity.label, "package": {**package, **where}}


def _upgrade(one: Upgrade) -> dict[str, Any]:
    return {"package": clip(one.package, _WIDTH), "from": one.installed, "to": one.to, "fixes": one.fixes}


def _finding(one: Finding) -> dict[str, Any]:
    told: dict[str, Any] = {"code": one.code, "severity": one.severity.label, "what": one.title, "fix": one.fix}
    if one.where:
        told["where"] = [clip(where, _WIDTH) for where in one.where[:_PLACES]]
    if one.count > max(1, len(one.where[:_PLACES])):
        told["count"] = one.count
    if one.layer:
        told["layer"] = one.layer
    return told


def _named(package: Package) -> str:
    return f"{clip(package.name, _WIDTH)} {clip(package.version, _WIDTH)}"


def _installed(package: Package) -> str:
    return clip(package.source_version or package.version, _WIDTH)


def _newest(fixable: list[Vulnerability]) -> str:
    try:
        return max((one.fixed for one in fixable), key=lambda fixed: sort_key(fixable[0].package.type, fixed))
    except UnknownVersion:
        return fixable[0].fixed

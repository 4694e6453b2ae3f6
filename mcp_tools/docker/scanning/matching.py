"""Which packages an advisory is about, and one vulnerability of what several advisories say."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.scanning.ecosystems import advised_name, advised_version, covers, ecosystem_of
from mcp_tools.docker.scanning.model import Coverage, Distribution, Package, PackageKey, Severity, Vulnerability
from mcp_tools.docker.scanning.severity import severity_of
from mcp_tools.docker.scanning.versions import UnknownVersion, sort_key
from mcp_tools.reads.answer import count

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.advisories import Advisory, Affected, Event, Range

_TYPES = {"deb": "dpkg", "apk": "apk", "rpm": "rpm", "pypi": "PyPI", "npm": "npm", "golang": "Go"}
# A distribution's advisory often names what it fixes only as related.
_BULLETINS = ("ALSA-", "ALBA-", "RLSA-", "RHSA-", "DSA-", "DLA-", "USN-", "SUSE-", "openSUSE-", "ELSA-", "MGASA-")
_PREFERRED = ("CVE-", "GHSA-")


@dataclass(frozen=True, slots=True)
class Match:
    """What one source says of one package, before it is merged with what others say.

    Attributes:
        ids: The ids by which it is one vulnerability.
        advisory: The id of who says so.
    """

    package: Package
    ids: frozenset[str]
    advisory: str
    severity: Severity
    score: float
    fixed: str
    summary: str
    source: str = "OSV"


@dataclass(frozen=True, slots=True)
class _Candidate:
    package: Package
    ecosystem: str
    version: str
    key: Any


def match(
    advisories: Iterable[Advisory], packages: Sequence[Package], distribution: Distribution, coverage: Coverage
) -> list[Match]:
    """What advisories say of packages.

    What a distribution's package installed is looked up by that package only: distributions fix without a new version.

    Args:
        coverage: Told which packages there was data for.
    """
    ours = [one for one in packages if not one.owned]
    ecosystems = {one.key: ecosystem_of(one, distribution) for one in ours}
    wanted: dict[str, list[_Candidate]] = defaultdict(list)
    uncompared: Counter[str] = Counter()
    for package in ours:
        version = advised_version(package)
        try:
            key = sort_key(package.type, version)
        except UnknownVersion:
            key = None
            uncompared[f"{package.name} {package.version}"] += 1
        wanted[advised_name(package)].append(_Candidate(package, ecosystems[package.key], version, key))
    seen: set[str] = set()
    found = []
    for advisory in advisories:
        for affected in advisory.affected or []:
            if affected.package is not None:
                seen.add(affected.package.ecosystem)
                for candidate in wanted.get(affected.package.name, ()):
                    if candidate.ecosystem and covers(affected.package.ecosystem, candidate.ecosystem):
                        found += _matches(advisory, affected, candidate)
    _account(coverage, ours, ecosystems, seen)
    if uncompared:
        names = ", ".join(sorted(uncompared)[:3])
        coverage.problems.append(f"The version of {count(len(uncompared), 'package')} is none to compare: {names}.")
    return found


def merge(matches: Iterable[Match]) -> list[Vulnerability]:
    """One vulnerability for all that is said of it by its aliases, the worst first."""
    of_package: dict[PackageKey, list[Match]] = defaultdict(list)
    for one in matches:
        of_package[one.package.key].append(one)
    merged = [_merged(group) for group_of in of_package.values() for group in _groups(group_of)]
    return sorted(merged, key=lambda one: (-one.severity, -one.score, one.package.key, one.id))


def is_affected(affected: Affected, type_of_package: str, version: str, key: Any) -> tuple[bool, str]:
    """Whether a version is affected, and the first later one that is not; by the OSV schema's "Evaluation".

    Args:
        version: The version, which may stand in the list of versions.
        key: What `sort_key` makes of it; None where that is nothing.
    """
    listed = version in (affected.versions or ())
    inside = False
    fixes: list[tuple[Any, str]] = []
    for one in affected.ranges or ():
        if key is not None and one.type in {"SEMVER", "ECOSYSTEM"}:
            hit, fixed = _in_range(one, type_of_package, key)
            inside = inside or hit
            fixes += fixed if hit or listed else []
    return listed or inside, min(fixes, default=(None, ""), key=lambda pair: pair[0])[1] if fixes else ""


def _in_range(one: Range, type_of_package: str, key: Any) -> tuple[bool, list[tuple[Any, str]]]:
    """Whether a version is in a range, and the range's fixes that are later than it."""
    placed: list[tuple[Any, Event]] = []
    inside = False
    try:
        for event in one.events:
            if event.introduced == "0":
                inside = True
            elif version := event.introduced or event.fixed or event.last_affected:
                placed.append((sort_key(type_of_package, version), event))
            elif event.limit and event.limit != "*" and not key < sort_key(type_of_package, event.limit):
                return False, []
    except UnknownVersion:
        return False, []
    for place, event in sorted(placed, key=lambda pair: pair[0]):
        if event.introduced is not None and not key < place:
            inside = True
        elif (event.fixed is not None and not key < place) or (event.last_affected is not None and place < key):
            inside = False
    return inside, [(place, event.fixed) for place, event in placed if event.fixed and key < place]


def _matches(advisory: Advisory, affected: Affected, candidate: _Candidate) -> list[Match]:
    hit, fixed = is_affected(affected, candidate.package.type, candidate.version, candidate.key)
    if not hit:
        return []
    severity, score = severity_of(advisory, affected)
    ids = {advisory.id, *(advisory.aliases or ()), *(advisory.upstream or ())}
    if advisory.id.startswith(_BULLETINS):
        ids |= {related for related in advisory.related or () if related.startswith("CVE-")}
    summary = " ".join((advisory.summary or "").split())[:300]
    one = Match(candidate.package, frozenset(ids), advisory.id, severity, score, fixed, summary)
    several = sorted(alias for alias in ids if alias.startswith("CVE-"))
    if len(several) > 1:
        # A bulletin about several vulnerabilities is no reason to take them for one.
        return [dataclasses.replace(one, ids=frozenset({cve})) for cve in several]
    return [one]


def _groups(matches: list[Match]) -> list[list[Match]]:
    """Those that share an id, directly or by way of another."""
    groups: list[tuple[set[str], list[Match]]] = []
    for one in matches:
        ids, members = set(one.ids), [one]
        apart = []
        for group in groups:
            if group[0] & ids:
                ids |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (ids, members)]
    return [members for _, members in groups]


def _merged(group: list[Match]) -> Vulnerability:
    ids = frozenset[str]().union(*(one.ids for one in group)) | {one.advisory for one in group}
    shared = frozenset[str]().union(*(one.ids for one in group))
    name = min(shared, key=lambda one: (*(not one.startswith(prefix) for prefix in _PREFERRED), one))
    worst = max(group, key=lambda one: (one.severity, one.score))
    return Vulnerability(
        name,
        group[0].package,
        worst.severity,
        _latest(group),
        worst.score,
        next((one.summary for one in group if one.summary), ""),
        tuple(sorted(ids - {name})),
        tuple(sorted({one.source for one in group})),
    )


def _latest(group: list[Match]) -> str:
    """Of the fixes that several name, the one that satisfies all of them."""
    fixes: list[tuple[Any, str]] = []
    unplaced = ""
    for one in group:
        try:
            fixes += [(sort_key(one.package.type, one.fixed), one.fixed)] if one.fixed else []
        except UnknownVersion:
            unplaced = one.fixed
    return max(fixes, key=lambda pair: pair[0])[1] if fixes else unplaced


def _account(
    coverage: Coverage, packages: Sequence[Package], ecosystems: dict[PackageKey, str], seen: set[str]
) -> None:
    known = {ecosystem for ecosystem in set(ecosystems.values()) if any(covers(given, ecosystem) for given in seen)}
    for package in packages:
        ecosystem = ecosystems[package.key]
        place = coverage.checked if ecosystem and ecosystem in known else coverage.unchecked
        name = ecosystem or _TYPES.get(package.type, package.type)
        place[name] = place.get(name, 0) + 1

"""The words of a scan: packages, findings, vulnerabilities, and how bad they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class Severity(IntEnum):
    """How bad, in the order in which it is compared; unknown is no severity and stands below all."""

    UNKNOWN = 0
    NEGLIGIBLE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def label(self) -> str:
        """`high`."""
        return self.name.lower()


PackageKey = tuple[str, str, str, str]
"""Type, name, version and architecture: what makes two packages the same."""


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package.

    Attributes:
        type: The type of its package URL: `deb`, `apk`, `rpm`, `pypi`, `npm` or `golang`.
        source: The source package it was built from, where its distribution's advisories name that one.
        source_version: The source package's version.
        licenses: As the package states it; often an SPDX expression.
        path: The file in the image that says so, without a leading slash.
        layer: Which layer brought it, counted from 1; 0 where that is unknown.
        declared: A lock file names it, and nobody saw it installed.
        owned: A package of the distribution installed it, and that one is the one to look at and to upgrade.
    """

    type: str
    name: str
    version: str
    arch: str = ""
    source: str = ""
    source_version: str = ""
    licenses: str = ""
    path: str = ""
    layer: int = 0
    declared: bool = False
    owned: bool = False

    @property
    def key(self) -> PackageKey:
        """What makes two of them the same package."""
        return self.type, self.name, self.version, self.arch


@dataclass(frozen=True, slots=True)
class Distribution:
    """What `os-release` says: `debian`, `12`, `Debian GNU/Linux 12 (bookworm)`; all empty where there is none."""

    id: str = ""
    version: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One known vulnerability of one package.

    Attributes:
        id: The CVE, or the advisory's own id where it has none.
        aliases: Every other id it is known by.
        fixed: The first version without it, of the package's source where it has one; empty where there is none.
        score: CVSS base score, 0 where nobody gave one.
        sources: Who says so: `OSV`, `Trivy`, `Grype`.
    """

    id: str
    package: Package
    severity: Severity
    fixed: str = ""
    score: float = 0.0
    summary: str = ""
    aliases: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("OSV",)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the image's configuration or files.

    Attributes:
        code: A stable name, `runs-as-root`, by which it can be accepted.
        where: Paths, names of variables or lines of the history; nothing of what is secret.
        layer: The layer it is in, counted from 1; 0 where it is of the image as a whole.
        fix: What to do.
        count: How many there are; `where` may name only some.
    """

    code: str
    severity: Severity
    title: str
    fix: str
    where: tuple[str, ...] = ()
    layer: int = 0
    count: int = 1


@dataclass(slots=True)
class Coverage:
    """What was compared with vulnerability data, and what was not.

    Attributes:
        checked: How many packages an ecosystem has that there was data for.
        unchecked: How many packages there was no data for, by ecosystem or package type.
        sources: Where the data came from.
        records: How many advisories were read.
        newest: When the newest of them was modified (RFC 3339), empty where none was read.
        problems: What went wrong, one sentence each.
    """

    checked: dict[str, int] = field(default_factory=dict)
    unchecked: dict[str, int] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    records: int = 0
    newest: str = ""
    problems: list[str] = field(default_factory=list)

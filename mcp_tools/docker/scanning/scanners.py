"""Trivy and Grype where the user has them, with the databases they have: nothing is fetched on their behalf."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from mcp_tools.docker.scanning.ecosystems import advised_version
from mcp_tools.docker.scanning.matching import Match
from mcp_tools.docker.scanning.model import Coverage, Package
from mcp_tools.docker.scanning.severity import of_word
from mcp_tools.docker.scanning.versions import UnknownVersion, sort_key
from mcp_tools.redaction import redact_text

SECONDS = 600
_WIDTH = 300
_TYPES = {"python": "pypi", "python-pkg": "pypi", "go-module": "golang", "gobinary": "golang", "node-pkg": "npm"}

Decoded = TypeVar("Decoded")


class _TrivyVulnerability(msgspec.Struct, rename="pascal"):
    vulnerability_id: str = msgspec.field(default="", name="VulnerabilityID")
    vendor_ids: list[str] | None = msgspec.field(default=None, name="VendorIDs")
    pkg_name: str = ""
    installed_version: str = ""
    fixed_version: str = ""
    severity: str = ""
    title: str = ""


class _TrivyResult(msgspec.Struct, rename="pascal"):
    type: str = ""
    vulnerabilities: list[_TrivyVulnerability] | None = None


class _TrivyReport(msgspec.Struct, rename="pascal"):
    results: list[_TrivyResult] | None = None


class _GrypeFix(msgspec.Struct):
    versions: list[str] | None = None


class _GrypeVulnerability(msgspec.Struct):
    id: str = ""
    severity: str = ""
    description: str = ""
    fix: _GrypeFix = msgspec.field(default_factory=_GrypeFix)


class _GrypeArtifact(msgspec.Struct):
    name: str = ""
    version: str = ""
    type: str = ""


class _GrypeMatch(msgspec.Struct, rename="camel"):
    vulnerability: _GrypeVulnerability = msgspec.field(default_factory=_GrypeVulnerability)
    related_vulnerabilities: list[_GrypeVulnerability] | None = None
    artifact: _GrypeArtifact = msgspec.field(default_factory=_GrypeArtifact)


class _GrypeReport(msgspec.Struct):
    matches: list[_GrypeMatch] | None = None


@dataclass(frozen=True, slots=True)
class Scanner:
    """A program that scans images.

    Attributes:
        words: Its command line, to which the image's id is added.
        environment: What keeps it from fetching by itself.
        update: How its user brings its database up to date.
    """

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    update: str
    read: Callable[[bytes, Mapping[tuple[str, str, str], Package]], list[Match]]


def run_scanners(image: str, packages: Sequence[Package], coverage: Coverage) -> list[Match]:
    """What each scanner that is installed says of an image; one that fails is a problem told, not an empty answer.

    Args:
        image: The image's id.
        packages: The inventory, to which what they find belongs.
        coverage: Told who answered and who could not.
    """
    known = {(one.type, one.name.lower(), one.version): one for one in packages}
    found: list[Match] = []
    for scanner in SCANNERS:
        program = shutil.which(scanner.words[0])
        if program is None:
            continue
        try:
            found += scanner.read(_output(program, scanner, image), known)
        except _Failed as error:
            coverage.problems.append(f"{scanner.name} gave no answer ({error}); its database: {scanner.update}")
        else:
            coverage.sources.append(scanner.name)
            # It has data of its own for what the advisories leave out.
            coverage.checked |= coverage.unchecked
            coverage.unchecked = {}
    return found


class _Failed(Exception):
    """A scanner ended with an error, or printed something else."""


def _output(program: str, scanner: Scanner, image: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  words, no shell
            [program, *scanner.words[1:], image],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, **scanner.environment},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Failed(str(error)[:_WIDTH]) from error
    if done.returncode:
        said = redact_text(done.stderr.decode("utf-8", "replace")).strip().splitlines()
        raise _Failed(said[-1][-_WIDTH:] if said else f"exit code {done.returncode}")
    return done.stdout


def _decode(report: bytes, kind: type[Decoded]) -> Decoded:
    try:
        return msgspec.json.decode(report, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _Failed(f"its report is not what it used to be: {str(error)[:_WIDTH]}") from error


def _trivy(report: bytes, known: Mapping[tuple[str, str, str], Package]) -> list[Match]:
    found = []
    for result in _decode(report, _TrivyReport).results or []:
        for one in result.vulnerabilities or []:
            package = _package(known, result.type, one.pkg_name, one.installed_version)
            fixes = [fix.strip() for fix in one.fixed_version.split(",")]
            ids = {one.vulnerability_id, *(vendor for vendor in one.vendor_ids or () if vendor.startswith("GHSA-"))}
            said = _Said(one.vulnerability_id, ids, one.severity, fixes, one.title)
            found.append(_match(package, said, "Trivy"))
    return found


def _grype(report: bytes, known: Mapping[tuple[str, str, str], Package]) -> list[Match]:
    found = []
    for one in _decode(report, _GrypeReport).matches or []:
        package = _package(known, one.artifact.type, one.artifact.name, one.artifact.version)
        name = one.vulnerability.id
        ids = {name, *(other.id for other in one.related_vulnerabilities or ())}
        fixes = one.vulnerability.fix.versions or []
        said = _Said(name, ids, one.vulnerability.severity, fixes, one.vulnerability.description)
        found.append(_match(package, said, "Grype"))
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """A scanner's words; `fixes` are those of several branches, in no order."""

    id: str
    ids: set[str]
    severity: str
    fixes: list[str]
    summary: str


def _match(package: Package, said: _Said, source: str) -> Match:
    summary = " ".join(said.summary.split())[:_WIDTH]
    fixed = _nearest(package, said.fixes)
    return Match(package, frozenset(said.ids), said.id, of_word(said.severity), 0.0, fixed, summary, source)


def _nearest(package: Package, fixes: list[str]) -> str:
    """The first fix that is later than what is installed."""
    try:
        installed = sort_key(package.type, advised_version(package))
        later = [(key, fix) for fix in fixes if fix and installed < (key := sort_key(package.type, fix))]
    except UnknownVersion:
        return fixes[0] if fixes else ""
    return min(later, key=lambda pair: pair[0])[1] if later else ""


def _package(known: Mapping[tuple[str, str, str], Package], given: str, name: str, version: str) -> Package:
    """The package of the inventory that is meant; one made of its words where the inventory has none."""
    kind = _TYPES.get(given, given)
    for candidate in (kind, "deb", "apk", "rpm"):
        for written in (version, f"v{version}", version.removeprefix("v")):
            found = known.get((candidate, name.lower(), written))
            if found:
                return found
    return Package(kind, name, version)


SCANNERS = (
    Scanner(
        "Trivy",
        ("trivy", *"image --quiet --format json --scanners vuln --skip-db-update --skip-java-db-update".split()),  # noqa: SIM905
        {},
        "trivy image --download-db-only",
        _trivy,
    ),
    Scanner(
        "Grype",
        ("grype", "--quiet", "-o", "json"),
        {"GRYPE_DB_AUTO_UPDATE": "false", "GRYPE_CHECK_FOR_APP_UPDATE": "false"},
        "grype db update",
        _grype,
    ),
)

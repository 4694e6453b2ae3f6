"""Which of two versions is the newer, by the rules of where they come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, cmp_to_key
from typing import Any

_RELEASE_OF_GO = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)(?:\.(?P<patch>\d+))?(?P<pre>(?:rc|beta)\d+)?")
# apk-version(5): digits, then at most one letter, suffixes, a commit, a revision.
_APK = re.compile(
    r"(?P<first>\d+)(?P<more>(?:\.\d+)*)(?P<letter>[a-z]?)(?P<suffixes>(?:_[a-z]+\d*)*)(?:~(?P<commit>[0-9a-f]+))?"
    r"(?:-r(?P<revision>\d+))?"
)
_APK_SUFFIXES = ("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p")
_RELEASED = _APK_SUFFIXES.index("")
_MAX_LENGTH = 200


class UnknownVersion(ValueError):
    """A version that its ecosystem does not know as one."""


def sort_key(type_of_package: str, version: str) -> Any:
    """What a version is sorted by, among those of its type of package.

    Args:
        type_of_package: `deb` (deb-version(7)), `apk`, `rpm`, `pypi` (PEP 440), `npm` or `golang` (SemVer 2.0).
        version: As the package or an advisory has it.

    Raises:
        UnknownVersion: It is none.
    """
    maker = _MAKERS.get(type_of_package)
    if maker is None or len(version) > _MAX_LENGTH:
        raise UnknownVersion(version)
    try:
        return maker(version)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UnknownVersion(version) from error


@cache
def _by(comparison: Callable[[Any, Any], int]) -> Callable[[Any], Any]:
    return cmp_to_key(comparison)


def _debian(version: str) -> Any:
    from univers.debian import Version, compare_versions

    return _by(compare_versions)(Version.from_string(version))


def _rpm(version: str) -> Any:
    from univers.rpm import RpmVersion, compare_rpm_versions

    if not version.strip():
        raise ValueError(version)
    return _by(compare_rpm_versions)(RpmVersion.from_string(version))


def _pep440(version: str) -> Any:
    from packaging.version import Version

    return Version(version)


def _semver(version: str) -> Any:
    from semver import Version

    return Version.parse(version.removeprefix("v"), optional_minor_and_patch=True)


def _go(version: str) -> Any:
    version = version.removeprefix("go")
    release = _RELEASE_OF_GO.fullmatch(version)
    if release and release["pre"]:
        kind, number = re.fullmatch(r"(\D+)(\d+)", release["pre"]).groups()  # type: ignore[union-attr]
        version = f"{release['major']}.{release['minor']}.{release['patch'] or 0}-{kind}.{number}"
    return _semver(version)


def _apk(version: str) -> Any:
    parts = _APK.fullmatch(version)
    if parts is None:
        raise ValueError(version)
    tokens: list[tuple[int, Any]] = [(0, int(parts["first"]))]
    tokens += [(1, digits) for digits in parts["more"].split(".")[1:]]
    tokens += [(2, letter) for letter in parts["letter"]]
    for suffix in parts["suffixes"].split("_")[1:]:
        name = suffix.rstrip("0123456789")
        tokens.append((3, _APK_SUFFIXES.index(name)))
        tokens += [(4, int(suffix[len(name) :]))] if suffix != name else []
    tokens += [(5, parts["commit"])] if parts["commit"] else []
    tokens += [(6, int(parts["revision"]))] if parts["revision"] else []
    return _by(_compare_apk)([*tokens, (7, None)])


def _compare_apk(one: list[tuple[int, Any]], other: list[tuple[int, Any]]) -> int:
    for (kind, value), (other_kind, other_value) in zip(one, other, strict=False):
        if kind != other_kind:
            # Who goes on is newer, unless what follows says that it comes before a release.
            if kind == 3 and value < _RELEASED:  # noqa: PLR2004  a suffix
                return -1
            if other_kind == 3 and other_value < _RELEASED:  # noqa: PLR2004
                return 1
            return -1 if kind > other_kind else 1
        if kind == 1:
            # With a leading zero they are decimals: 1.02 is older than 1.1.
            decimals = value[0] == "0" or other_value[0] == "0"
            value, other_value = (value, other_value) if decimals else (int(value), int(other_value))  # noqa: PLW2901
        if value != other_value:
            return -1 if value < other_value else 1
    return 0


_MAKERS: dict[str, Callable[[str], Any]] = {
    "deb": _debian,
    "rpm": _rpm,
    "apk": _apk,
    "pypi": _pep440,
    "npm": _semver,
    "golang": _go,
}

"""By which name OSV knows where a package comes from, and how a package URL is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packageurl import PackageURL

    from mcp_tools.docker.scanning.model import Distribution, Package

# OSV schema, "Defined ecosystems".
_LANGUAGES = {"pypi": "PyPI", "npm": "npm", "golang": "Go"}
_DISTRIBUTIONS = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "alpine": "Alpine",
    "wolfi": "Wolfi",
    "chainguard": "Chainguard",
    "rocky": "Rocky Linux",
    "almalinux": "AlmaLinux",
    "rhel": "Red Hat:enterprise_linux",
    "opensuse-leap": "openSUSE:Leap",
    "mageia": "Mageia",
}
_ROLLING = {"wolfi", "chainguard"}
_BY_SOURCE = {"deb", "apk"}


def ecosystem_of(package: Package, distribution: Distribution) -> str:
    """OSV's ecosystem of a package: `Debian:12`, `Alpine:v3.20`, `PyPI`; empty where OSV knows none."""
    if package.type in _LANGUAGES:
        return _LANGUAGES[package.type]
    base = _DISTRIBUTIONS.get(distribution.id, "")
    if not base or distribution.id in _ROLLING:
        return base
    major, _, rest = distribution.version.partition(".")
    if not major:
        return ""
    match distribution.id:
        case "alpine":
            # A release is followed, not its points: 3.20.3 is v3.20.
            return f"{base}:v{major}.{rest.partition('.')[0]}" if rest else ""
        case "ubuntu":
            return f"{base}:{distribution.version}"
        case "opensuse-leap":
            return f"{base} {distribution.version}"
        case _:
            return f"{base}:{major}"


def covers(given: str, wanted: str) -> bool:
    """Whether advisories for an ecosystem are about packages of another: `Ubuntu:22.04:LTS` about `Ubuntu:22.04`."""
    return given == wanted or (given.startswith(f"{wanted}:") and ":" in wanted)


def advised_name(package: Package) -> str:
    """The name by which an ecosystem's advisories call a package: the source's in Debian and Alpine."""
    if package.type == "pypi":
        from packaging.utils import canonicalize_name

        return canonicalize_name(package.name)
    return package.source or package.name if package.type in _BY_SOURCE else package.name


def advised_version(package: Package) -> str:
    """The version that an ecosystem's advisories compare."""
    if package.type in _BY_SOURCE:
        return package.source_version or package.version
    return package.version.removeprefix("v") if package.type == "golang" else package.version


def package_url(package: Package, distribution: Distribution) -> PackageURL:
    """The package URL (purl specification) by which other tools know a package."""
    from packageurl import PackageURL

    if package.type in {"deb", "apk", "rpm"}:
        return _distribution_url(package, distribution)
    namespace, _, name = package.name.rpartition("/")
    if package.type == "pypi":
        return PackageURL("pypi", None, advised_name(package), package.version)
    return PackageURL(package.type, namespace or None, name, package.version)


def _distribution_url(package: Package, distribution: Distribution) -> PackageURL:
    from packageurl import PackageURL

    version = package.version
    qualifiers = {"arch": package.arch}
    if distribution.id:
        qualifiers["distro"] = f"{distribution.id}-{distribution.version}".rstrip("-")
    if package.type == "rpm" and ":" in version:
        qualifiers["epoch"], _, version = version.partition(":")
    if package.source and package.source != package.name:
        newer = package.source_version not in {"", package.version}
        qualifiers["upstream"] = f"{package.source}@{package.source_version}" if newer else package.source
    given = {key: value for key, value in qualifiers.items() if value}
    return PackageURL(package.type, distribution.id or None, package.name, version, given)

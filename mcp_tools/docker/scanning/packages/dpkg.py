"""Debian's and Ubuntu's packages: `/var/lib/dpkg/status`, and `status.d/` in images without dpkg (deb-control(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_tools.docker.scanning.model import Package
from mcp_tools.docker.scanning.packages.found import METADATA_ENDS, Found, text

_STATUS = "var/lib/dpkg/status"
_SOURCE = re.compile(r"(?P<name>\S+)(?: \((?P<version>[^)\s]+)\))?")
_WANTED = {"Package", "Status", "Version", "Architecture", "Source"}


def is_mine(path: str) -> bool:
    """The database, or a package's own file in images such as distroless."""
    return path == _STATUS or (path.startswith("var/lib/dpkg/status.d/") and not path.endswith(".md5sums"))


def is_list(path: str) -> bool:
    """The list of the files that a package installed."""
    return path.startswith("var/lib/dpkg/info/") and path.endswith(".list")


def read(path: str, content: bytes) -> Found:
    """The packages that are installed; what was removed and left its settings is not."""
    packages = []
    for fields in _paragraphs(content.decode("utf-8", "replace")):
        name, version = text(fields.get("Package")), text(fields.get("Version"))
        if not name or not version or not fields.get("Status", "ok installed").endswith(" installed"):
            continue
        source = _SOURCE.match(fields.get("Source", ""))
        packages.append(
            Package(
                "deb",
                name,
                version,
                text(fields.get("Architecture")),
                source=text(source["name"]) if source else name,
                source_version=text(source["version"]) if source and source["version"] else version,
                path=path,
            )
        )
    return Found(packages)


def read_list(path: str, content: bytes) -> Found:  # noqa: ARG001  every reader is called alike
    """Which metadata of other ecosystems a package installed."""
    lines = content.decode("utf-8", "replace").splitlines()
    return Found(owned=frozenset(line.lstrip("/") for line in lines if line.endswith(METADATA_ENDS)))


def _paragraphs(content: str) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    for line in content.splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[0] not in " \t":
            key, _, value = line.partition(":")
            if key in _WANTED:
                fields[key] = value.strip()
    if fields:
        yield fields

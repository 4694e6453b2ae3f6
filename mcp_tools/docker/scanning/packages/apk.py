"""Alpine's packages: the `installed` database of apk-tools 2 and 3 (apk-package(5): one letter a field)."""

from __future__ import annotations

from mcp_tools.docker.scanning.model import Package
from mcp_tools.docker.scanning.packages.found import METADATA_ENDS, Found, text

_PATHS = {"lib/apk/db/installed", "usr/lib/apk/db/installed"}


def is_mine(path: str) -> bool:
    """The database."""
    return path in _PATHS


def read(path: str, content: bytes) -> Found:
    """The packages installed, with their origin, which is what Alpine's advisories name."""
    packages: list[Package] = []
    owned: set[str] = set()
    fields: dict[str, str] = {}
    for line in [*content.decode("utf-8", "replace").splitlines(), ""]:
        key, colon, value = line.partition(":")
        if not line:
            _add(packages, fields, path)
            fields = {}
        elif not colon:
            continue
        elif key == "R":
            file = f"{fields.get('F', '')}/{value}"
            if file.endswith(METADATA_ENDS):
                owned.add(file)
        else:
            fields[key] = value
    return Found(packages, frozenset(owned))


def _add(packages: list[Package], fields: dict[str, str], path: str) -> None:
    name, version = text(fields.get("P")), text(fields.get("V"))
    if name and version:
        packages.append(
            Package(
                "apk",
                name,
                version,
                text(fields.get("A")),
                source=text(fields.get("o")) or name,
                source_version=version,
                licenses=text(fields.get("L")),
                path=path,
            )
        )

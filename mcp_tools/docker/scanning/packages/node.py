"""npm's packages: `package.json` below `node_modules`, and lock files where nothing was installed."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mcp_tools.docker.scanning.model import Package
from mcp_tools.docker.scanning.packages.found import Found, text

_INSTALLED = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json")


def is_mine(path: str) -> bool:
    """The manifest of an installed package."""
    return path.endswith("/package.json") and _INSTALLED.fullmatch(path) is not None


def is_lock(path: str) -> bool:
    """A lock file that is not itself of an installed package."""
    return path.rpartition("/")[2] in {"package-lock.json", "npm-shrinkwrap.json"} and "node_modules/" not in path


def read(path: str, content: bytes) -> Found:
    """The one package that the manifest describes."""
    manifest = _object(content)
    if manifest is None:
        return Found(problem="it is no JSON object")
    name, version = text(manifest.get("name")), text(manifest.get("version"))
    if not name or not version:
        return Found()  # only a marker, such as {"type": "module"}
    given = manifest.get("license")
    licences = text(given.get("type")) if isinstance(given, dict) else text(given)
    return Found([Package("npm", name, version, licenses=licences, path=path)])


def read_lock(path: str, content: bytes) -> Found:
    """What a lock file of version 1, 2 or 3 would install, without what is only for development."""
    lock = _object(content)
    if lock is None:
        return Found(problem="it is no JSON object")
    packages: list[Package] = []
    entries = lock.get("packages")
    if isinstance(entries, dict):
        for place, entry in entries.items():
            if "node_modules/" in place and isinstance(entry, dict):
                _add(packages, text(entry.get("name")) or place.rpartition("node_modules/")[2], entry, path)
    else:
        _add_nested(packages, lock.get("dependencies"), path)
    return Found(packages)


def _add_nested(packages: list[Package], dependencies: Any, path: str) -> None:
    waiting = [dependencies]
    while waiting:
        group = waiting.pop()
        if isinstance(group, dict):
            for name, entry in group.items():
                if isinstance(entry, dict):
                    _add(packages, name, entry, path)
                    waiting.append(entry.get("dependencies"))


def _add(packages: list[Package], name: str, entry: dict[str, Any], path: str) -> None:
    version = text(entry.get("version"))
    if name and version and not entry.get("dev") and not entry.get("link"):
        licences = text(entry.get("license"))
        packages.append(Package("npm", text(name), version, licenses=licences, path=path, declared=True))


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

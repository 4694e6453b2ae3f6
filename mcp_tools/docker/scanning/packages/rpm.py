"""Red Hat's, Fedora's and SUSE's packages: rpm's SQLite database, whose rows are package headers (rpm file format)."""

from __future__ import annotations

import sqlite3
import struct
from typing import Any

from mcp_tools.docker.scanning.model import Package
from mcp_tools.docker.scanning.packages.found import METADATA_ENDS, Found, text

_FOLDERS = ("var/lib/rpm/", "usr/lib/sysimage/rpm/")
_SQLITE = "rpmdb.sqlite"
_OLD = {"Packages": "Berkeley DB", "Packages.db": "NDB"}
_MAX_PACKAGES = 100_000
_MAX_STEPS = 2_000
# rpmtag.h
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENSE, _ARCH, _SOURCE = 1000, 1001, 1002, 1003, 1014, 1022, 1044
_DIRECTORY_INDEXES, _BASENAMES, _DIRECTORIES = 1116, 1117, 1118
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9


def is_mine(path: str) -> bool:
    """The database, in the form that is read or in one of the earlier two."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/" in _FOLDERS and (name == _SQLITE or name in _OLD)


def read(path: str, content: bytes) -> Found:
    """The packages in the database; `problem` says so where its form is one that is not read."""
    name = path.rpartition("/")[2]
    if name in _OLD:
        return Found(problem=f"rpm's database is a {_OLD[name]} file, which is not read") if content else Found()
    packages: list[Package] = []
    owned: set[str] = set()
    problem = ""
    try:
        for header in _headers(content):
            tags = _tags(header)
            _add(packages, tags, path)
            owned.update(_metadata(tags))
    except (sqlite3.Error, struct.error, IndexError, ValueError, TypeError) as error:
        problem = f"rpm's database is damaged ({error})"
    return Found([one for one in packages if one.name != "gpg-pubkey"], frozenset(owned), problem)


def _headers(content: bytes) -> list[bytes]:
    # A database in memory has no write-ahead log: bytes 18 and 19 of its header say that it wants none.
    if content[18:20] == b"\x02\x02":
        content = content[:18] + b"\x01\x01" + content[20:]
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(content)
        database.execute("PRAGMA trusted_schema = OFF")
        # The schema is a stranger's too, and may be a view that never ends.
        steps = iter(range(_MAX_STEPS))
        database.set_progress_handler(lambda: next(steps, None) is None, 100_000)
        rows = database.execute("SELECT blob FROM Packages LIMIT ?", (_MAX_PACKAGES,))
        return [row[0] for row in rows if isinstance(row[0], bytes)]
    finally:
        database.close()


def _tags(header: bytes) -> dict[int, Any]:
    entries, size = struct.unpack_from(">II", header)
    store = 8 + 16 * entries
    if entries > len(header) // 16 or store + size > len(header):
        raise ValueError("a header longer than its row")
    tags: dict[int, Any] = {}
    for number in range(entries):
        tag, kind, offset, count = struct.unpack_from(">IiII", header, 8 + 16 * number)
        at = store + offset
        if kind == _INT32 and at + 4 * count <= len(header):
            tags[tag] = struct.unpack_from(f">{count}i", header, at)
        elif kind in {_STRING, _I18N}:
            tags[tag] = header[at : header.index(b"\0", at)].decode("utf-8", "replace")
        elif kind == _STRING_ARRAY and tag in {_BASENAMES, _DIRECTORIES}:
            parts = header[at:].split(b"\0", min(count, len(header)))
            tags[tag] = [part.decode("utf-8", "replace") for part in parts[:count]]
    return tags


def _add(packages: list[Package], tags: dict[int, Any], path: str) -> None:
    name, version, release = (text(tags.get(tag)) for tag in (_NAME, _VERSION, _RELEASE))
    if not name or not version:
        return
    epoch = tags.get(_EPOCH, (0,))[0]
    full = f"{f'{epoch}:' if epoch else ''}{version}-{release}"
    packages.append(
        Package(
            "rpm",
            name,
            full,
            text(tags.get(_ARCH)),
            source=text(tags.get(_SOURCE)).removesuffix(".src.rpm").rsplit("-", 2)[0] or name,
            source_version=full,
            licenses=text(tags.get(_LICENSE)),
            path=path,
        )
    )


def _metadata(tags: dict[int, Any]) -> set[str]:
    names, indexes, folders = (tags.get(tag, ()) for tag in (_BASENAMES, _DIRECTORY_INDEXES, _DIRECTORIES))
    files = zip(names, indexes, strict=False)
    paths = (f"{folders[index]}{name}".lstrip("/") for name, index in files if 0 <= index < len(folders))
    return {path for path in paths if path.endswith(METADATA_ENDS)}

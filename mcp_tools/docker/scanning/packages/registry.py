"""Which file of an image is read by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.docker.scanning.packages import apk, dpkg, node, python, rpm

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.packages.found import Found

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reader:
    """A kind of package database or metadata file.

    Attributes:
        is_mine: Whether a path is of this kind.
        read: What the file's content names; it raises nothing, whatever stands there.
        most: The largest file that is read, in bytes.
        is_database: Whether one file names all packages: without it, they are unknown.
    """

    is_mine: Callable[[str], bool]
    read: Callable[[str, bytes], Found]
    most: int
    is_database: bool = False


READERS = (
    Reader(python.is_mine, python.read, 4 * _MEBIBYTE),
    Reader(node.is_mine, node.read, 2 * _MEBIBYTE),
    Reader(node.is_lock, node.read_lock, 32 * _MEBIBYTE),
    Reader(dpkg.is_mine, dpkg.read, 64 * _MEBIBYTE, is_database=True),
    Reader(dpkg.is_list, dpkg.read_list, 16 * _MEBIBYTE),
    Reader(apk.is_mine, apk.read, 64 * _MEBIBYTE, is_database=True),
    Reader(rpm.is_mine, rpm.read, 256 * _MEBIBYTE, is_database=True),
)


def reader_of(path: str) -> Reader | None:
    """Who reads the file at a path; None where nobody does."""
    return next((reader for reader in READERS if reader.is_mine(path)), None)

"""Go's modules: the build information that every Go binary since 1.18 carries (package `debug/buildinfo`)."""

from __future__ import annotations

from typing import IO

from mcp_tools.docker.scanning.model import Package
from mcp_tools.docker.scanning.packages.found import text

_MAGIC = b"\xff Go buildinf:"
_HEADER, _ALIGNED = 32, 16
_INLINE = 2  # a flag: the strings follow the header
_SMALLEST = 256 * 1024
_BLOCK = 1024 * 1024
_MOST = 4 * 1024 * 1024
_SENTINEL = 16


def may_be_go(path: str, size: int, mode: int) -> bool:
    """Whether a file can be a Go program: executable, no library, and as large as its runtime."""
    return size >= _SMALLEST and bool(mode & 0o111) and ".so" not in path.rpartition("/")[2]


def build_info(path: str, content: IO[bytes]) -> list[Package]:
    """The modules a program was built from, and the standard library as `stdlib`; none where it is no Go program."""
    block = content.read(_BLOCK)
    if not block.startswith((b"\x7fELF", b"MZ")):
        return []
    while block:
        at = block.find(_MAGIC)
        if at >= 0:
            strings = (block[at:] + content.read(_MOST))[: _HEADER + _MOST]
            return _modules(path, strings) if len(strings) > _HEADER and strings[15] & _INLINE else []
        more = content.read(_BLOCK)
        block = block[-_ALIGNED:] + more if more else b""
    return []


def _modules(path: str, strings: bytes) -> list[Package]:
    version, at = _string(strings, _HEADER)
    listing, _ = _string(strings, at)
    if not version.startswith(b"go1"):
        return []
    number = text(version.decode("utf-8", "replace").removeprefix("go").split(" ")[0])
    packages = [Package("golang", "stdlib", number, path=path)]
    # The listing stands between two marks by which programs find it without a header.
    module: list[str] = []
    for line in listing[_SENTINEL:-_SENTINEL].decode("utf-8", "replace").splitlines():
        kind, *fields = line.split("\t")
        if kind in {"mod", "dep"} and len(fields) > 1:
            _add(packages, module, path)
            module = fields
        elif kind == "=>" and len(fields) > 1:
            module = fields
    _add(packages, module, path)
    return packages


def _add(packages: list[Package], module: list[str], path: str) -> None:
    if module and module[1] not in {"", "(devel)"}:
        packages.append(Package("golang", text(module[0]), text(module[1]), path=path))


def _string(content: bytes, at: int) -> tuple[bytes, int]:
    """A string after its length as a varint, and where the next begins."""
    length = shift = 0
    while at < len(content) and shift < 64:  # noqa: PLR2004  the width of a varint
        byte = content[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004  the last byte has no continuation bit
            break
    return content[at : at + length], at + length

"""What one layer holds of interest, and what of it an image still shows (OCI image specification, `layer.md`)."""

from __future__ import annotations

import dataclasses
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from mcp_tools.docker.scanning.archive import Readable, UnreadableImage, members
from mcp_tools.docker.scanning.files import Sensitive, cache_of, capabilities, is_program, sensitive
from mcp_tools.docker.scanning.packages.golang import build_info, may_be_go
from mcp_tools.docker.scanning.packages.registry import reader_of

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.model import Package

MAX_ENTRIES = 1_000_000
MAX_PACKAGE_FILES = 100_000
PATH_MAX = 4096
_NOT_SCANNED = "Such an image is not scanned."
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_MAX_OS_RELEASE = 64 * 1024


@dataclass(slots=True)
class Layer:
    """What was seen in one layer; every path is without a leading slash.

    Attributes:
        others: Every entry that is no directory.
        whiteouts: What it removes of the layers below.
        opaque: Directories of which it hides all that the layers below have.
        packages: What each package database or metadata file names.
        owned: Files of each database's packages that are other ecosystems' metadata.
        unread: Files that should have been read and could not be, with why.
        modes: The permission bits of setuid, setgid and world-writable files.
        writable: Directories that everybody may write to, without the sticky bit.
        capabilities: Names of the capabilities a file gives whoever runs it.
        sensitive: Keys, credentials, settings and histories.
        caches: Bytes left behind by each package manager.
        odd: Entries whose names lead out of the image, or are longer than a path can be.
    """

    directories: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    whiteouts: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    packages: dict[str, list[Package]] = field(default_factory=dict)
    owned: dict[str, frozenset[str]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    os_release: dict[str, str] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    writable: set[str] = field(default_factory=set)
    capabilities: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sensitive: dict[str, Sensitive] = field(default_factory=dict)
    programs: set[str] = field(default_factory=set)
    caches: Counter[str] = field(default_factory=Counter)
    odd: int = 0
    size: int = 0


def read_layer(stream: Readable) -> Layer:
    """What a layer's uncompressed tar holds.

    Raises:
        UnreadableImage: It is damaged, or has more entries than an image has.
    """
    layer = Layer()
    for seen, (entry, content) in enumerate(members(stream)):
        if seen >= MAX_ENTRIES:
            raise UnreadableImage(f"A layer has more than {MAX_ENTRIES} files.", _NOT_SCANNED)
        parts = [part for part in entry.name.split("/") if part not in {"", "."}]
        if ".." in parts or len(entry.name) > PATH_MAX:
            layer.odd += 1
            continue
        if not parts:
            continue
        path = "/".join(parts)
        if parts[-1].startswith(_WHITEOUT):
            _remove(layer, parts)
        elif entry.isdir():
            layer.directories.add(path)
            if entry.mode & stat.S_IWOTH and not entry.mode & stat.S_ISVTX:
                layer.writable.add(path)
        else:
            layer.others.add(path)
            if entry.isreg() or entry.islnk():
                _permissions(layer, path, entry.mode, entry.pax_headers)
            if is_program(path):
                layer.programs.add(path)
            if entry.islnk():
                _link(layer, path, "/".join(part for part in entry.linkname.split("/") if part not in {"", "."}))
            if content is not None:
                layer.size += entry.size
                _read(layer, path, entry.size, entry.mode, content)
    return layer


def removed_by(layers: Sequence[Layer], index: int, path: str) -> int | None:
    """Which later layer removed or replaced a file of the layer at `index`; None where the image still shows it."""
    above = list(parents(path))
    for later in range(index + 1, len(layers)):
        layer = layers[later]
        if path in layer.others or path in layer.directories or path in layer.whiteouts:
            return later
        if any(folder in layer.whiteouts or folder in layer.opaque or folder in layer.others for folder in above):
            return later
    return None


def parents(path: str) -> Iterator[str]:
    """The folders a path lies in, the nearest first; the last is the root, which is empty."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _remove(layer: Layer, parts: list[str]) -> None:
    folder = "/".join(parts[:-1])
    if parts[-1] == _OPAQUE:
        layer.opaque.add(folder)
    else:
        layer.whiteouts.add("/".join([*parts[:-1], parts[-1].removeprefix(_WHITEOUT)]))


def _link(layer: Layer, path: str, target: str) -> None:
    """Take for a second name of a file what was seen under its first, which stands before it."""
    if target in layer.packages:
        layer.packages[path] = [dataclasses.replace(one, path=path) for one in layer.packages[target]]
        layer.owned[path] = layer.owned.get(target, frozenset())
    elif reader_of(path) is not None:
        layer.unread[path] = "it is a hard link to a file of another name"
    if path in _OS_RELEASE and target in layer.os_release:
        layer.os_release[path] = layer.os_release[target]
    if target in layer.sensitive:
        layer.sensitive[path] = layer.sensitive[target]


def _permissions(layer: Layer, path: str, mode: int, pax: Mapping[str, str]) -> None:
    if mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH):
        layer.modes[path] = mode
    given = pax.get("SCHILY.xattr.security.capability")
    if given is not None:
        layer.capabilities[path] = capabilities(given.encode("utf-8", "surrogateescape"))


def _read(layer: Layer, path: str, size: int, mode: int, content: IO[bytes]) -> None:
    cache = cache_of(path)
    if cache:
        layer.caches[cache] += size
    if path in _OS_RELEASE and size <= _MAX_OS_RELEASE:
        layer.os_release[path] = content.read().decode("utf-8", "replace")
        return
    reader = reader_of(path)
    if reader is not None:
        if len(layer.packages) >= MAX_PACKAGE_FILES:
            raise UnreadableImage(f"A layer has more than {MAX_PACKAGE_FILES} package files.", _NOT_SCANNED)
        if size > reader.most:
            layer.unread[path] = f"it has {size} bytes"
            return
        found = reader.read(path, content.read())
        if found.problem:
            layer.unread[path] = found.problem
        layer.packages[path] = found.packages
        if found.owned:
            layer.owned[path] = found.owned
    elif may_be_go(path, size, mode):
        packages = build_info(path, content)
        if packages:
            layer.packages[path] = packages
    else:
        kind = sensitive(path, size, content)
        if kind:
            layer.sensitive[path] = kind

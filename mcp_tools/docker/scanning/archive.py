"""An image as the engine saves it, read once from its first byte to its last; nothing is unpacked.

`docker save` writes either the legacy layout (`ID/layer.tar`, a layer that is there twice as a link) or an OCI layout
(`blobs/sha256/…`, layers perhaps compressed), in both cases with a `manifest.json` that may come after the layers.
"""

from __future__ import annotations

import gzip
import posixpath
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Generic, Protocol, TypeVar, cast

import msgspec

from mcp_tools.errors import NotFound, ShipmateError, UsageError
from mcp_tools.reads.answer import clip
from mcp_tools.redaction import redact_text

BLOCK = 1024 * 1024
MAX_JSON = 16 * 1024 * 1024
# No extended header of an honest archive comes near it, and Go's reader, the engine's, refuses at the same size.
MAX_EXTENDED_HEADER = 1024 * 1024
_EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

Layer = TypeVar("Layer")


class Readable(Protocol):
    """What is read once, forwards."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class UnreadableImage(ShipmateError):
    """The saved image is no valid archive, or broke off; nothing can be said about it."""

    code = "unreadable_image"


@dataclass(frozen=True, slots=True)
class Saved(Generic[Layer]):
    """A saved image.

    Attributes:
        config: The image's configuration (OCI image specification, `config.md`).
        layers: What the reader made of each layer, the lowest first.
    """

    config: dict[str, Any]
    layers: list[Layer]


def find_image(client: Any, name: str) -> str:
    """The id of the engine's image of a name or id.

    Args:
        client: A `docker.APIClient`, or a `docker.DockerClient`.

    Raises:
        NotFound: It has no such image; the candidates are its images of the same repository.
        UsageError: It is no name of an image.
        ShipmateError: The engine refused or did not answer.
    """
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    api = getattr(client, "api", client)
    try:
        return str(api.inspect_image(name)["Id"])
    except ImageNotFound as error:
        repository = name.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]
        tags = [
            tag for image in api.images() for tag in image.get("RepoTags") or () if repository and repository in tag
        ]
        raise NotFound(
            f"The engine has no image {name}.", "Pull or build it first, or name another.", tuple(sorted(tags)[:10])
        ) from error
    except (DockerException, RequestException) as error:
        raise _broken(name, error) from error


def read_image(client: Any, image: str, read_layer: Callable[[Readable], Layer]) -> Saved[Layer]:
    """Read an image as the engine saves it.

    Args:
        client: As for `find_image`.
        image: The image's id.
        read_layer: Makes something small of a layer's uncompressed tar, of which it need not read all.

    Raises:
        UnreadableImage: It is no image as an engine saves it.
        ShipmateError: The engine refused or did not answer.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    api = getattr(client, "api", client)
    try:
        return read_saved(api.get_image(image, chunk_size=BLOCK), read_layer)
    except (DockerException, RequestException, OSError) as error:
        raise _broken(image, error) from error


def read_saved(chunks: Iterable[bytes], read_layer: Callable[[Readable], Layer]) -> Saved[Layer]:
    """Read what `docker save` writes; see `read_image`."""
    layers: dict[str, Layer] = {}
    documents: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for member, content in members(_Joined(chunks)):
        name = posixpath.normpath(member.name)
        if member.issym() or member.islnk():
            base = posixpath.dirname(name) if member.issym() else ""
            links[name] = posixpath.normpath(posixpath.join(base, member.linkname))
        elif content is not None:
            head = content.peek(512)[:512]  # type: ignore[attr-defined]  # tarfile's reader is a BufferedReader
            if _is_archive(head):
                layers[name] = read_layer(_uncompressed(head, content))
            elif member.size <= MAX_JSON and (head[:1] in {b"{", b"["} or name.endswith(".json")):
                documents[name] = content.read()
    return _ordered(layers, documents, links)


def members(stream: Readable) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The entries of a tar in their order, each with its content where it is a regular file.

    Raises:
        UnreadableImage: The archive is damaged: a reader that stopped there would not see the rest.
    """
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", bufsize=BLOCK, tarinfo=_StrictEntry) as archive:
            for member in archive:
                yield member, archive.extractfile(member) if member.isreg() else None
                # A streamed archive keeps every entry it has seen; nobody asks for them again.
                archive.members = []  # type: ignore[attr-defined]
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableImage(
            f"The image is a damaged archive ({error}).", "Pull or build it again, then scan it again."
        ) from error


class _StrictEntry(tarfile.TarInfo):
    """An entry with a valid header of reasonable size; the library ends quietly at an invalid one."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> _StrictEntry:
        try:
            entry = super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"invalid header: {error}") from error
        if entry.type in _EXTENDED and entry.size > MAX_EXTENDED_HEADER:
            raise tarfile.ReadError(f"an extended header of {entry.size} bytes")
        return entry


class _Joined:
    """Chunks as a file that is read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        parts: list[memoryview] = []
        while size > 0:
            if not self._rest:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._rest = memoryview(chunk)
                continue
            part, self._rest = self._rest[:size], self._rest[size:]
            size -= len(part)
            parts.append(part)
        return b"".join(parts)


def _is_archive(head: bytes) -> bool:
    # An empty layer is nothing but the zeros at an archive's end.
    return head.startswith((_GZIP, _ZSTD)) or head[257:262] == b"ustar" or (len(head) > 1 and not any(head))


def _uncompressed(head: bytes, content: IO[bytes]) -> Readable:
    if head.startswith(_GZIP):
        return gzip.GzipFile(fileobj=content)
    if head.startswith(_ZSTD):
        return _Unzstd(content)
    return content


class _Unzstd:
    """What zstd compressed, as a file whose damage is told as gzip's is."""

    def __init__(self, content: IO[bytes]) -> None:
        from zstandard import ZstdDecompressor

        self._reader = ZstdDecompressor().stream_reader(content)

    def read(self, size: int) -> bytes:
        from zstandard import ZstdError

        try:
            return self._reader.read(size)
        except ZstdError as error:
            raise EOFError(f"zstd: {error}") from error


def _ordered(layers: dict[str, Layer], documents: dict[str, bytes], links: dict[str, str]) -> Saved[Layer]:
    manifest = _json(documents, "manifest.json")
    entry = manifest[0] if isinstance(manifest, list) and manifest else None
    if not isinstance(entry, dict) or not isinstance(entry.get("Layers"), list):
        raise UnreadableImage("The saved image has no manifest.", "Save it with Docker 1.10 or newer.")
    config = _json(documents, posixpath.normpath(str(entry.get("Config"))))
    if not isinstance(config, dict):
        raise UnreadableImage("The saved image has no configuration.", "Pull or build it again.")
    ordered: list[Layer] = []
    for name in map(posixpath.normpath, map(str, entry["Layers"])):
        found = layers.get(name) or layers.get(links.get(name, ""))
        if found is None:
            raise UnreadableImage(f"The saved image lacks its layer {name}.", "Pull or build it again.")
        ordered.append(found)
    return Saved(config, ordered)


def _json(documents: dict[str, bytes], name: str) -> Any:
    try:
        return msgspec.json.decode(documents.get(name, b"null"))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise UnreadableImage(f"The saved image's {name} is no JSON.", "Pull or build it again.") from error


def _broken(name: str, error: Exception) -> ShipmateError:
    from docker.errors import APIError, NullResource

    if isinstance(error, NullResource) or (isinstance(error, APIError) and error.status_code == HTTPStatus.BAD_REQUEST):
        return UsageError(f"{name!r} is no name of an image.", "Say it as REPOSITORY:TAG, or as an id.")
    if isinstance(error, APIError):
        said = clip(redact_text(str(error.explanation or error)))
        return ShipmateError(f"The engine did not give the image {name}: {said}", "`docker system events` shows more.")
    return ShipmateError(
        f"The Docker engine does not answer, or broke off while it gave the image {name}: {type(error).__name__}.",
        "`docker version` says whether it runs; a large image wants a longer timeout.",
    )

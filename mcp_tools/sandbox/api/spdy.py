"""SPDY/3.1 as far as `kubectl port-forward` speaks it: streams that are opened, written to and closed.

The draft: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = (
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized"
    "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,"
    "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
_MORE = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
DICTIONARY = b"".join(struct.pack(">I", len(word)) + word.encode() for word in (*_WORDS, *_MORE)) + _TAIL.encode()
_VERSION = 0x8003
_SYN_STREAM, _SYN_REPLY, _RST, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW = 1, 2, 3, 4, 6, 7, 8, 9
_FIN = 1
_HEAD = 8
_MOST = 1 << 20


class BadFrame(ValueError):
    """The peer does not speak the protocol."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer opened a stream."""

    stream: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes on a stream; `last` closes the peer's side."""

    stream: int
    data: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back as it is."""

    frame: bytes


class Peer:
    """One end of a connection: bytes in, events out; and the frames to answer with."""

    def __init__(self) -> None:
        self._buffer = b""
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def feed(self, data: bytes) -> Iterator[Opened | Data | Ping]:
        """What the peer said.

        Raises:
            BadFrame: It is no SPDY.
        """
        self._buffer += data
        while len(self._buffer) >= _HEAD:
            first, second = struct.unpack(">II", self._buffer[:_HEAD])
            length = second & 0xFFFFFF
            if length > _MOST:
                raise BadFrame(f"a frame of {length} bytes")
            if len(self._buffer) < _HEAD + length:
                return
            frame, self._buffer = self._buffer[: _HEAD + length], self._buffer[_HEAD + length :]
            if event := self._event(first, second >> 24, frame):
                yield event

    def _event(self, first: int, flags: int, frame: bytes) -> Opened | Data | Ping | None:
        body = frame[_HEAD:]
        if not first >> 31:
            return Data(first & 0x7FFFFFFF, body, bool(flags & _FIN))
        if first >> 16 != _VERSION:
            raise BadFrame(f"version {first >> 16:#x}")
        match first & 0xFFFF:
            case kind if kind == _SYN_STREAM:
                if len(body) < 10:  # noqa: PLR2004  two stream ids and a priority
                    raise BadFrame("a short frame")
                return Opened(struct.unpack(">I", body[:4])[0] & 0x7FFFFFFF, self._headers(body[10:]))
            case kind if kind == _PING:
                return Ping(frame)
            case kind if kind == _RST and len(body) >= 4:  # noqa: PLR2004  a stream id
                return Data(struct.unpack(">I", body[:4])[0] & 0x7FFFFFFF, b"", last=True)
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._inflate.decompress(block, _MOST)
            (count,) = struct.unpack_from(">I", plain)
            place, found = 4, {}
            for _ in range(min(count, 100)):
                texts = []
                for _part in range(2):
                    (size,) = struct.unpack_from(">I", plain, place)
                    texts.append(plain[place + 4 : place + 4 + size].decode("latin-1"))
                    place += 4 + size
                found[texts[0].lower()] = texts[1]
        except (zlib.error, struct.error) as error:
            raise BadFrame(str(error)) from error
        return found

    def reply(self, stream: int) -> bytes:
        """The frame that accepts a stream."""
        block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        body = struct.pack(">I", stream) + block
        return struct.pack(">HHI", _VERSION, _SYN_REPLY, len(body)) + body

    def data(self, stream: int, data: bytes, *, last: bool = False) -> bytes:
        """A frame with bytes."""
        return struct.pack(">II", stream, (_FIN if last else 0) << 24 | len(data)) + data

    def more(self, stream: int, count: int) -> bytes:
        """Lets the peer send as many bytes again as were read, on the stream and on the connection."""
        frames = (struct.pack(">HHIII", _VERSION, _WINDOW, 8, where, count) for where in (stream, 0))
        return b"".join(frames)

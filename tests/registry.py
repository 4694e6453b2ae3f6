"""A registry of images on a port of this machine: as much of the OCI distribution protocol as push and pull use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>blobs|manifests)/(?P<last>[^/]+|uploads/[^/]*)$")


@dataclass
class Registry:
    """What was pushed.

    Attributes:
        address: Its host and port, for the names of images.
        manifests: By name, and by tag or digest: the media type and the text.
    """

    address: str = ""
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)

    @property
    def tags(self) -> set[str]:
        """The images that were pushed, without its address: `example/todo-backend:1.0.0`."""
        return {f"{name}:{last}" for name, last in self.manifests if ":" not in last}


@contextmanager
def serve(registry: Registry) -> Iterator[None]:
    """Make it answer, until the block ends."""

    class Handler(_Handler):
        pushed = registry

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.address = f"127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pushed: Registry

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/v2/":
            self._answer(200)
            return
        found = self._found()
        if found is None:
            self._answer(404)
        else:
            self._answer(200, found[1], **{"Content-Type": found[0], "Docker-Content-Digest": _digest(found[1])})

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        number = str(len(self.pushed.uploads))
        self.pushed.uploads[number] = b""
        self._answer(202, Location=f"{urlsplit(self.path).path}{number}")

    def do_PATCH(self) -> None:
        number = self.path.partition("?")[0].rpartition("/")[2]
        self.pushed.uploads[number] += self._body()
        self._answer(202, Location=self.path, Range=f"0-{len(self.pushed.uploads[number]) - 1}")

    def do_PUT(self) -> None:
        url, body = urlsplit(self.path), self._body()
        where = PATH.match(url.path)
        assert where, self.path
        if where["kind"] == "manifests":
            made = (self.headers["Content-Type"], body)
            self.pushed.manifests[where["name"], where["last"]] = made
            self.pushed.manifests[where["name"], _digest(body)] = made
        else:
            body = self.pushed.uploads.pop(where["last"].rpartition("/")[2]) + body
            assert parse_qs(url.query)["digest"] == [_digest(body)]
            self.pushed.blobs[_digest(body)] = body
        self._answer(201, Location=url.path, **{"Docker-Content-Digest": _digest(body)})

    def _found(self) -> tuple[str, bytes] | None:
        where = PATH.match(urlsplit(self.path).path)
        if where is None:
            return None
        if where["kind"] == "manifests":
            return self.pushed.manifests.get((where["name"], where["last"]))
        blob = self.pushed.blobs.get(where["last"])
        return None if blob is None else ("application/octet-stream", blob)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"

"""`/metrics`, `/healthz` and `/readyz` over HTTP, read-only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mcp_tools.errors import UsageError

PATIENCE_SECONDS = 10.0
"""A client that says nothing for so long is hung up on."""
PORTS = 65_535
Answer = tuple[int, str, bytes]


@contextmanager
def serving(listen: str, pages: Mapping[str, Callable[[], Answer]]) -> Iterator[str]:
    """Serve pages until the block ends.

    Args:
        listen: `HOST:PORT`; port 0 takes a free one.
        pages: By path: status, content type and body.

    Yields:
        The address that is listened on, `HOST:PORT`.

    Raises:
        UsageError: Nothing can listen there.
    """
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > PORTS:
        raise UsageError(f"{listen!r} is no address to listen on.", "It is HOST:PORT, such as 127.0.0.1:9464.")
    try:
        server = _Server((host.strip("[]"), int(port)), _handler(pages))
    except OSError as error:
        raise UsageError(
            f"Nothing can listen on {listen}: {error.strerror or error}.", "Choose another port."
        ) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="endpoints", daemon=True)
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_SECONDS)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


def _handler(pages: Mapping[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS
        server_version = "shipmate"
        sys_version = ""

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, media, body = page() if page else (404, "text/plain", b"There is nothing here.\n")
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  the name that http.server asks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the signature of http.server
            """Not every scrape is worth a line."""

    return Handler

"""WebSockets as `kubectl` opens them, one of whose protocol names is no legal one.

`SPDY/3.1+portforward.k8s.io` has a slash, which HTTP does not allow in the list of protocols, and which the WebSocket
library therefore refuses. Under another header's name the request reaches the application, which chooses it itself.
"""

from __future__ import annotations

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mcp_tools.sandbox.api.streams import TUNNEL, TUNNEL_HEADER

_SAID = f"sec-websocket-protocol: {TUNNEL}".encode()
_PASSED = f"{TUNNEL_HEADER}: {TUNNEL}".encode()


class SocketProtocol(WebSocketsSansIOProtocol):
    """Lets the name pass."""

    _opened = False

    def data_received(self, data: bytes) -> None:
        """What came over the connection: first the request, then frames."""
        if not self._opened:
            self._opened = True
            data = data.replace(_SAID, _PASSED, 1)
        super().data_received(data)

"""Bytes between a local connection and the WebSocket of a forwarded port (`v4.channel.k8s.io`).

Channel 0 carries data, channel 1 what went wrong. There is no half-close: when the near side has nothing more to say,
what the far side still says is delivered for as long as it keeps talking, and then the connection is closed.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from typing import Any

PIECE = 65_536
HIGH_WATER = 1 << 20
"""So much waits for a slow side before the fast one is no longer read."""
LINGER_SECONDS = 1.0


class Pump:
    """Carries bytes between a local connection and a WebSocket, both ways at once in one thread.

    Neither side is ever waited for while the other could go on, and what waits is bounded.
    """

    def __init__(self, near: socket.socket, far: Any) -> None:
        self._near = near
        self._far = far
        self._wire = far.sock.sock
        self._out = bytearray()
        self._in = bytearray()
        self._near_open = True
        self._far_open = True
        self._begun: set[int] = set()
        self._channel = 0
        self._problem = ""

    def run(self) -> str:
        """Carry until the far side ends, or the near side is gone; gives what the far side complained of."""
        self._near.settimeout(0)
        self._far.sock.settimeout(0)
        with selectors.DefaultSelector() as selector:
            while self._far_open or self._in:
                ready = self._ready(selector)
                if not ready and not self._near_open:
                    break
                if self._wire in ready:
                    self._read_far()
                    self._write_far()
                if not self._flush_near():
                    break
                if self._near in ready and not self._read_near():
                    break
        return self._problem

    def _ready(self, selector: selectors.BaseSelector) -> set[Any]:
        far = near = 0
        if self._far_open and len(self._in) < HIGH_WATER:
            far |= selectors.EVENT_READ
        if self._far_open and self._out:
            far |= selectors.EVENT_WRITE
        if self._near_open and self._far_open and len(self._out) < HIGH_WATER:
            near |= selectors.EVENT_READ
        if self._in:
            near |= selectors.EVENT_WRITE
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
        for sock, events in ((self._wire, far), (self._near, near)):
            if events:
                selector.register(sock, events)
        # What TLS has decrypted already makes no socket readable.
        pending = far & selectors.EVENT_READ and isinstance(self._wire, ssl.SSLSocket) and self._wire.pending()
        patience = 0 if pending else None if self._near_open else LINGER_SECONDS
        ready = {key.fileobj for key, _ in selector.select(patience)}
        return ready | ({self._wire} if pending else set())

    def _read_far(self) -> None:
        """Take what has come."""
        from websocket import ABNF, WebSocketConnectionClosedException

        while self._far_open and len(self._in) < HIGH_WATER:
            try:
                frame = self._far.sock.recv_frame()
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except (WebSocketConnectionClosedException, OSError):
                self._far_open = False
                return
            if frame.opcode == ABNF.OPCODE_CLOSE:
                self._far_open = False
            elif frame.opcode == ABNF.OPCODE_PING:
                # Not answered at once: it must not stand in the middle of a frame that is half sent.
                self._out += ABNF.create_frame(frame.data, ABNF.OPCODE_PONG).format()
            elif frame.opcode == ABNF.OPCODE_CONT:
                self._take(self._channel, frame.data)
            elif frame.opcode in {ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT} and frame.data:
                self._channel = frame.data[0]
                self._take(self._channel, frame.data[1:])

    def _take(self, channel: int, data: bytes) -> None:
        if channel not in self._begun:
            # The first message of a channel says the port that it is for.
            self._begun.add(channel)
            return
        if channel == 0:
            self._in += data
        elif channel == 1:
            self._problem += data.decode("utf-8", "replace")
            self._far_open = False

    def _write_far(self) -> None:
        if not self._out or not self._far_open:
            return
        try:
            sent = self._wire.send(self._out)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            self._far_open = False
        else:
            del self._out[:sent]

    def _flush_near(self) -> bool:
        """Give on what has come; False where nobody takes it any more."""
        if not self._in:
            return True
        try:
            sent = self._near.send(self._in)
        except BlockingIOError:
            return True
        except OSError:
            return False
        del self._in[:sent]
        return True

    def _read_near(self) -> bool:
        from websocket import ABNF

        try:
            data = self._near.recv(PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            self._near_open = False
            return True
        self._out += ABNF.create_frame(b"\0" + data, ABNF.OPCODE_BINARY).format()
        return True

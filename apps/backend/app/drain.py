"""Stopping without losing a request.

On SIGTERM readiness goes off and every answer closes its connection, while requests are still taken: load balancers
need a moment to look away. Then the listener closes, what is in flight is finished, and the process ends.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Drain:
    """Whether the process has been told to stop."""

    started: bool = False


class DrainMiddleware:
    """Ends kept-alive connections while the process drains."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drain.started:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, closing if scope["type"] == "http" else send)


class DrainingServer(uvicorn.Server):
    """A uvicorn that waits `seconds` between the signal and the end of listening."""

    def __init__(self, config: uvicorn.Config, drain: Drain, seconds: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._seconds = seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; a second signal ends at once."""
        if self._drain.started or not self.started:
            super().handle_exit(sig, frame)
            return
        self._drain.started = True
        asyncio.get_running_loop().call_later(self._seconds, super().handle_exit, sig, frame)

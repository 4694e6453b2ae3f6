"""The server as a web application that can be watched and drained."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from dataclasses import dataclass
from types import FrameType

import uvicorn
from fastmcp import FastMCP
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_mcp.logs import request_id

log = logging.getLogger("todo_mcp.access")

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class Drain:
    """Whether the process has been told to stop."""

    started: bool = False


class RequestMiddleware:
    """Gives each request an id (the caller's, where it sends a sane one), logs it, and ends connections in a drain."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id.set(given if _ID.fullmatch(given) else uuid.uuid4().hex)
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id.get()
                if self._drain.started:
                    headers["Connection"] = "close"
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, receive, observed)
        finally:
            duration = round((time.perf_counter() - start) * 1000, 1)
            level = logging.DEBUG if scope["path"] == "/health" else logging.INFO
            line = {"method": scope["method"], "path": scope["path"], "status": status, "duration_ms": duration}
            log.log(level, "%s %s", scope["method"], scope["path"], extra=line)


def web_app(server: FastMCP, drain: Drain) -> ASGIApp:
    """`server` at /mcp, stateless, and /health beside it."""

    @server.custom_route("/health", methods=["GET"])
    async def health(_request: Request) -> JSONResponse:
        """Say whether the process takes requests."""
        # The backend is not asked: it waits for this server itself, and neither would ever be ready.
        if drain.started:
            return JSONResponse({"status": "draining"}, 503)
        return JSONResponse({"status": "ok"})

    return server.http_app(
        path="/mcp", stateless_http=True, json_response=True, middleware=[Middleware(RequestMiddleware, drain=drain)]
    )


class DrainingServer(uvicorn.Server):
    """A uvicorn that still takes requests for `seconds` after the signal, while load balancers look away."""

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

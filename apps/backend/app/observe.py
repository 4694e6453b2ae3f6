"""What is seen of each request: its id, its line in the log, its place in the metrics."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import request_id
from app.problems import problem_response

log = logging.getLogger("app.access")

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to the last byte of the answer.", ["method", "route"])
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests being answered.")
POOL_USED = Gauge("database_connections_in_use", "Connections taken from the pool.")

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FAILED = "Something went wrong on our side. The log has it under the request's id."
_QUIET = ("/health/", "/metrics")

router = APIRouter(tags=["operations"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """The metrics in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def watch_pool(engine: AsyncEngine) -> None:
    """Count the connections of `engine` that are in use."""
    pool = engine.pool
    if isinstance(pool, QueuePool):
        POOL_USED.set_function(pool.checkedout)


class ObserveMiddleware:
    """Gives each request an id (the caller's, where it sends a sane one), logs it and counts it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Observe one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        current = given if _ID.fullmatch(given) else uuid.uuid4().hex
        reset = request_id.set(current)
        status, started, recorded = 500, False, False
        start = time.perf_counter()

        def record() -> None:
            nonlocal recorded
            if not recorded:
                recorded = True
                self._record(scope, status, time.perf_counter() - start)

        async def observed(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                MutableHeaders(scope=message)["X-Request-ID"] = current
            elif not message.get("more_body", False):
                # Before the last byte: who has the answer finds it counted.
                record()
            await send(message)

        IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, observed)
        except Exception:
            # Here, where the request still has its id, and not in the framework's outermost layer.
            log.exception("A request failed")
            if started:
                raise
            await problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, FAILED)(scope, receive, observed)
        finally:
            IN_FLIGHT.dec()
            record()
            request_id.reset(reset)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's template, not the path: ids in labels would make a series of each task.
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        REQUESTS.labels(method, route, str(status)).inc()
        DURATION.labels(method, route).observe(seconds)
        level = logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO
        # No query: what a user searches for is theirs.
        line = {"method": method, "path": scope["path"], "status": status, "duration_ms": round(seconds * 1000, 1)}
        log.log(level, "%s %s", method, route, extra=line)

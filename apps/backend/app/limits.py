"""How much a request may send."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import problem_response

MAX_BODY_BYTES = 1_000_000
STATUS = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
DETAIL = f"The body has more than {MAX_BODY_BYTES} bytes."


class BodyLimitMiddleware:
    """Refuses a body past the limit, announced or not, before it is in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, up to the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
            await problem_response(STATUS, DETAIL)(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                # FastAPI passes this one on and makes a 400 of any other.
                raise HTTPException(STATUS, DETAIL)
            return message

        await self._app(scope, limited, send)

"""/chatkit: the one endpoint of ChatKit's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from app import logs
from app.auth import CurrentUser
from app.chat.streaming import event_stream
from app.problems import Malformed, NotFound, NotSupported

if TYPE_CHECKING:
    from chatkit.server import StreamingResult

    from app.chatkit.server import TodoChatKit

router = APIRouter(tags=["chat"])


def _server(request: Request) -> TodoChatKit:
    # The package takes seconds to import, and is needed only where its panel is used.
    from app.chatkit.server import TodoChatKit

    # It reads LOG_LEVEL too, and answers with a handler of its own.
    logs.adopt("chatkit")
    return TodoChatKit(request.app.state.database, request.app.state.assistant)


@router.post("/chatkit", responses={200: {"content": {"application/json": {}, "text/event-stream": {}}}})
async def chatkit(request: Request, user: CurrentUser) -> Response:
    """Speak ChatKit's protocol: its requests in, JSON or a stream of its events out."""
    body = await request.body()
    server = await asyncio.to_thread(_server, request)
    from chatkit.server import StreamingResult
    from chatkit.store import NotFoundError

    try:
        result = await server.process(body, user)
        if isinstance(result, StreamingResult):
            return await event_stream(_pieces(result))
    except ValidationError as error:
        raise Malformed("The body is not a request of ChatKit's protocol.") from error
    except NotFoundError as error:
        raise NotFound("There is no such thing in this conversation.") from error
    except NotImplementedError as error:
        raise NotSupported("The backend leaves this part of ChatKit's protocol out.") from error
    return Response(result.json, media_type="application/json")


async def _pieces(result: StreamingResult) -> AsyncGenerator[bytes, None]:
    async for piece in result:
        yield piece

"""Answers that come in pieces, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from fastapi.responses import StreamingResponse

_running: set[asyncio.Task[None]] = set()


async def _in_own_task(source: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """Run `source` in one task from its first step to its clean-up, whoever reads it and however that ends.

    The connections of the agent's libraries must be closed by the task that opened them, which the framework does not
    promise of a generator.
    """
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def run() -> None:
        try:
            async for piece in source:
                pieces.put_nowait(piece)
        finally:
            pieces.put_nowait(None)

    task = asyncio.create_task(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        await task
    finally:
        task.cancel()


async def event_stream(source: AsyncGenerator[bytes, None]) -> StreamingResponse:
    """The response that streams `source`.

    The first piece is awaited before anything is sent: what fails at once still gets a status of its own.
    """
    pieces = _in_own_task(source)
    first = await anext(pieces, b"")

    async def all_pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    # Proxies that gather an answer before they pass it on are told not to.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(all_pieces(), media_type="text/event-stream", headers=headers)

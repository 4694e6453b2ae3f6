"""The application, put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI

from app import events, health, observe, problems
from app.auth import make_verifier
from app.chat import routes as chat
from app.chat.assistant import Assistant
from app.chatkit import routes as chatkit
from app.database import connect
from app.drain import Drain, DrainMiddleware
from app.limits import BodyLimitMiddleware
from app.settings import Settings
from app.tasks import routes as tasks


def create_app(settings: Settings, drain: Drain) -> FastAPI:
    """The application for `settings`; `drain` tells it when it is to stop."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = connect(settings)
        app.state.database = database
        observe.watch_pool(database.engine)
        loading = asyncio.create_task(asyncio.to_thread(app.state.assistant.preload))
        async with httpx2.AsyncClient(timeout=5) as app.state.http:
            yield
        await loading
        await database.engine.dispose()

    app = FastAPI(title="Todo", version="1.0.0", description="One user's tasks, over REST.", lifespan=lifespan)
    app.state.settings = settings
    app.state.drain = drain
    app.state.verifier = make_verifier(settings)
    app.state.assistant = Assistant(settings)
    app.state.events = events.make_sink(settings.events_sink)
    problems.install(app)
    for router in (tasks.router, chat.router, chatkit.router, health.router, observe.router):
        app.include_router(router)
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(DrainMiddleware, drain=drain)
    app.add_middleware(observe.ObserveMiddleware)
    return app

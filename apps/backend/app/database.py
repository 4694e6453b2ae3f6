"""The connections to PostgreSQL, made to live behind a transaction pooler such as Neon's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from app.settings import Settings

# A pooler hands each transaction to another server connection: what is prepared on one is unknown to the next.
CONNECT_ARGS = {"prepare_threshold": None, "connect_timeout": 10, "application_name": "todo-backend"}


@dataclass(frozen=True, slots=True)
class Database:
    """An engine and the sessions on it."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]

    async def ping(self) -> None:
        """Run the smallest statement; raises SQLAlchemy's error where the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))


def connect(settings: Settings) -> Database:
    """A pool for `settings.database_url`; nothing is opened yet."""
    engine = create_async_engine(
        settings.sqlalchemy_url,
        connect_args=CONNECT_ARGS,
        pool_size=settings.database_pool_size,
        # Overflow connections are closed when they are given back: under load each would be opened anew.
        max_overflow=0,
        pool_timeout=10,
        # Neon suspends an idle database and drops its connections.
        pool_pre_ping=True,
        pool_recycle=300,
        hide_parameters=True,
    )
    return Database(engine, async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False))


async def session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session for one request."""
    database: Database = request.app.state.database
    async with database.sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]

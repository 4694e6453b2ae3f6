"""One user's conversations in the database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import tuple_
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.chat.model import Conversation, Message, Role
from app.problems import NotFound
from app.tasks.model import now

Order = Literal["asc", "desc"]

TITLE_LENGTH = 80


def title_of(text: str) -> str:
    """What to call a conversation that begins with `text`."""
    words = " ".join(text.split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"


class ConversationStore:
    """Bound to a user when it is made, so that no query can forget whose conversations it may touch.

    Each call takes a connection for itself: an answer that is streamed for a minute must not hold one.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], user_id: str) -> None:
        self._sessions = sessions
        self._user_id = user_id

    async def list(self, limit: int, order: Order = "desc", after: uuid.UUID | None = None) -> Sequence[Conversation]:
        """Up to `limit` conversations by age, beyond the one that `after` names."""
        async with self._sessions() as session:
            statement = select(Conversation).where(Conversation.user_id == self._user_id)
            key = tuple_(col(Conversation.created_at), col(Conversation.id))
            if after is not None:
                last = await self._own(session, after)
                beyond = tuple_(last.created_at, last.id)
                statement = statement.where(key < beyond if order == "desc" else key > beyond)
            created, identity = col(Conversation.created_at), col(Conversation.id)
            by = (created.desc(), identity.desc()) if order == "desc" else (created.asc(), identity.asc())
            return (await session.exec(statement.order_by(*by).limit(limit))).all()

    async def get(self, conversation_id: uuid.UUID) -> Conversation:
        """The conversation; raises NotFound, also where it is somebody else's."""
        async with self._sessions() as session:
            return await self._own(session, conversation_id)

    async def begin(self, title: str, conversation_id: uuid.UUID | None = None) -> Conversation:
        """Make a conversation."""
        conversation = Conversation(id=conversation_id or uuid.uuid4(), user_id=self._user_id, title=title)
        async with self._sessions() as session:
            session.add(conversation)
            await session.commit()
        return conversation

    async def rename(self, conversation_id: uuid.UUID, title: str) -> None:
        """Call a conversation `title`."""
        async with self._sessions() as session:
            (await self._own(session, conversation_id)).title = title
            await session.commit()

    async def delete(self, conversation_id: uuid.UUID) -> None:
        """Remove a conversation and what was said in it."""
        async with self._sessions() as session:
            await session.delete(await self._own(session, conversation_id))
            await session.commit()

    async def messages(
        self, conversation_id: uuid.UUID, limit: int, order: Order = "asc", after: str | None = None
    ) -> Sequence[Message]:
        """Up to `limit` messages in the order they were said, or the newest first, beyond `after`."""
        async with self._sessions() as session:
            await self._own(session, conversation_id)
            statement = select(Message).where(Message.conversation_id == conversation_id)
            position = col(Message.position)
            if after is not None:
                last = (await self._message(session, conversation_id, after)).position
                statement = statement.where(position < last if order == "desc" else position > last)
            by = position.desc() if order == "desc" else position.asc()
            return (await session.exec(statement.order_by(by).limit(limit))).all()

    async def message(self, conversation_id: uuid.UUID, message_id: str) -> Message:
        """One message; raises NotFound."""
        async with self._sessions() as session:
            await self._own(session, conversation_id)
            return await self._message(session, conversation_id, message_id)

    async def say(self, conversation_id: uuid.UUID, role: Role, content: str) -> None:
        """Add a message."""
        await self.put(Message(conversation_id=conversation_id, role=role, content=content))

    async def put(self, message: Message) -> None:
        """Add `message`, or replace the one of its id in its conversation."""
        async with self._sessions() as session:
            conversation = await self._own(session, message.conversation_id)
            conversation.updated_at = now()
            known = await session.get(Message, message.id)
            if known is None:
                session.add(message)
            elif known.conversation_id == message.conversation_id:
                known.role, known.content, known.item = message.role, message.content, message.item
            else:
                raise NotFound("There is no such message.")
            await session.commit()

    async def forget(self, conversation_id: uuid.UUID, message_id: str) -> None:
        """Remove one message."""
        async with self._sessions() as session:
            await self._own(session, conversation_id)
            await session.delete(await self._message(session, conversation_id, message_id))
            await session.commit()

    async def _own(self, session: AsyncSession, conversation_id: uuid.UUID) -> Conversation:
        statement = select(Conversation).where(Conversation.user_id == self._user_id)
        found = (await session.exec(statement.where(Conversation.id == conversation_id))).one_or_none()
        if found is None:
            raise NotFound("There is no such conversation.")
        return found

    @staticmethod
    async def _message(session: AsyncSession, conversation_id: uuid.UUID, message_id: str) -> Message:
        statement = select(Message).where(Message.conversation_id == conversation_id)
        found = (await session.exec(statement.where(Message.id == message_id))).one_or_none()
        if found is None:
            raise NotFound("There is no such message.")
        return found

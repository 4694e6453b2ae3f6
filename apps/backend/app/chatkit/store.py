"""Conversations as the threads that ChatKit asks for."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from chatkit.store import NotFoundError, Store, StoreItemType
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    Attachment,
    InferenceOptions,
    Page,
    ThreadItem,
    ThreadMetadata,
    UserMessageItem,
    UserMessageTextContent,
)
from pydantic import TypeAdapter

from app.auth import User
from app.chat.model import Conversation, Message, Role
from app.chat.store import ConversationStore, Order, title_of
from app.database import Database
from app.problems import NotFound, NotSupported

_ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)

MAX_PAGE = 100


class ThreadStore(Store[User]):
    """Threads are conversations and their items are messages: what is said in one panel is read in the other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _of(self, user: User) -> ConversationStore:
        return ConversationStore(self._database.sessions, user.id)

    def generate_thread_id(self, context: User) -> str:
        """An id in the form that conversations have."""
        return str(uuid.uuid4())

    def generate_item_id(self, item_type: StoreItemType, thread: ThreadMetadata, context: User) -> str:
        """An id that no other message has."""
        return uuid.uuid4().hex

    async def load_thread(self, thread_id: str, context: User) -> ThreadMetadata:
        """The thread `thread_id` of the user."""
        return _thread(await self._of(context).get(_uuid(thread_id)))

    async def save_thread(self, thread: ThreadMetadata, context: User) -> None:
        """Make the thread, or keep its title."""
        store, title = self._of(context), title_of(thread.title or "")
        try:
            await store.rename(_uuid(thread.id), title)
        except NotFound:
            await store.begin(title, _uuid(thread.id))

    async def load_threads(self, limit: int, after: str | None, order: str, context: User) -> Page[ThreadMetadata]:
        """One page of the user's threads."""
        limit = min(limit, MAX_PAGE)
        start = _uuid(after) if after else None
        found = await self._of(context).list(limit + 1, _order(order), start)
        threads = [_thread(one) for one in found[:limit]]
        return _page(threads, has_more=len(found) > limit)

    async def delete_thread(self, thread_id: str, context: User) -> None:
        """Remove a thread."""
        await self._of(context).delete(_uuid(thread_id))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: User
    ) -> Page[ThreadItem]:
        """One page of what was said in a thread."""
        limit = min(limit, MAX_PAGE)
        found = await self._of(context).messages(_uuid(thread_id), limit + 1, _order(order), after)
        return _page([_item(one) for one in found[:limit]], has_more=len(found) > limit)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: User) -> None:
        """Keep a new item."""
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: User) -> None:
        """Keep an item, in place of the one of its id."""
        role, content = _spoken(item)
        message = Message(
            id=item.id,
            conversation_id=_uuid(thread_id),
            role=role,
            content=content,
            item=_ITEM.dump_python(item, mode="json"),
            created_at=item.created_at.astimezone(dt.UTC),
        )
        await self._of(context).put(message)

    async def load_item(self, thread_id: str, item_id: str, context: User) -> ThreadItem:
        """One item of a thread."""
        return _item(await self._of(context).message(_uuid(thread_id), item_id))

    async def delete_thread_item(self, thread_id: str, item_id: str, context: User) -> None:
        """Remove one item."""
        await self._of(context).forget(_uuid(thread_id), item_id)

    async def save_attachment(self, attachment: Attachment, context: User) -> None:
        """Refuse: there are no attachments."""
        raise NotSupported("Attachments are not taken.")

    async def load_attachment(self, attachment_id: str, context: User) -> Attachment:
        """Find none: there are no attachments."""
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: User) -> None:
        """Find none: there are no attachments."""
        raise NotFoundError(attachment_id)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound("There is no such conversation.") from error


def _order(text: str) -> Order:
    return "asc" if text == "asc" else "desc"


def _page(data: list[Any], *, has_more: bool) -> Page[Any]:
    return Page(data=data, has_more=has_more, after=data[-1].id if has_more else None)


def _thread(conversation: Conversation) -> ThreadMetadata:
    return ThreadMetadata(id=str(conversation.id), title=conversation.title or None, created_at=conversation.created_at)


def _item(message: Message) -> ThreadItem:
    if message.item is not None:
        return _ITEM.validate_python(message.item)
    common = {"id": message.id, "thread_id": str(message.conversation_id), "created_at": message.created_at}
    if message.role == Role.USER:
        content = [UserMessageTextContent(text=message.content)]
        return UserMessageItem(**common, content=content, inference_options=InferenceOptions())
    return AssistantMessageItem(**common, content=[AssistantMessageContent(text=message.content)])


def _spoken(item: ThreadItem) -> tuple[Role, str]:
    match item:
        case UserMessageItem():
            return Role.USER, "\n".join(part.text for part in item.content)
        case AssistantMessageItem():
            return Role.ASSISTANT, "\n".join(part.text for part in item.content)
        case _:
            return Role.ASIDE, ""

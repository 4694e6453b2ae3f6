"""The agent's answers as ChatKit's events."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator

from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer
from chatkit.store import AttachmentStore
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Attachment,
    AttachmentCreateParams,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from app.auth import User
from app.chat.assistant import Assistant, ChatFailed, Text, ToolUse
from app.chat.history import history
from app.chat.store import ConversationStore, title_of
from app.chatkit.store import ThreadStore
from app.database import Database
from app.problems import NotSupported

PROGRESS = {
    "add_task": "Adding a task",
    "list_tasks": "Looking through your tasks",
    "update_task": "Changing a task",
    "complete_task": "Ticking off a task",
    "delete_task": "Removing a task",
}


class NoAttachments(AttachmentStore[User]):
    """Refuses files."""

    async def create_attachment(self, input: AttachmentCreateParams, context: User) -> Attachment:  # noqa: A002
        """Refuse a file."""
        raise NotSupported("Attachments are not taken.")

    async def delete_attachment(self, attachment_id: str, context: User) -> None:
        """Refuse: there is none."""
        raise NotSupported("Attachments are not taken.")


class TodoChatKit(ChatKitServer[User]):
    """ChatKit's protocol over the assistant."""

    def __init__(self, database: Database, assistant: Assistant) -> None:
        super().__init__(ThreadStore(database), NoAttachments())
        self._database = database
        self._assistant = assistant

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: User
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Answer what the user said last, which ChatKit has stored before."""
        if input_user_message is not None and not thread.title:
            thread.title = title_of(" ".join(part.text for part in input_user_message.content))
        said = await history(ConversationStore(self._database.sessions, context.id), uuid.UUID(thread.id))
        answer = _Answer(thread.id, self.store.generate_item_id("message", thread, context))
        try:
            async for happened in self._assistant.answer(context, said):
                match happened:
                    case Text(delta):
                        for event in answer.more(delta):
                            yield event
                    case ToolUse(name, "called"):
                        yield ProgressUpdateEvent(text=PROGRESS.get(name, "Working"))
        except ChatFailed as failure:
            for event in answer.end():
                yield event
            raise CustomStreamError(str(failure), allow_retry=True) from failure
        for event in answer.end():
            yield event


class _Answer:
    """One assistant message, from its first piece to its end."""

    def __init__(self, thread_id: str, item_id: str) -> None:
        self._item = AssistantMessageItem(
            id=item_id, thread_id=thread_id, created_at=dt.datetime.now(dt.UTC), content=[]
        )
        self._text = ""

    def more(self, delta: str) -> Iterator[ThreadStreamEvent]:
        if not self._text:
            yield ThreadItemAddedEvent(item=self._item)
            empty = AssistantMessageContentPartAdded(content_index=0, content=AssistantMessageContent(text=""))
            yield ThreadItemUpdatedEvent(item_id=self._item.id, update=empty)
        self._text += delta
        piece = AssistantMessageContentPartTextDelta(content_index=0, delta=delta)
        yield ThreadItemUpdatedEvent(item_id=self._item.id, update=piece)

    def end(self) -> Iterator[ThreadStreamEvent]:
        if not self._text:
            return
        content = AssistantMessageContent(text=self._text)
        whole = AssistantMessageContentPartDone(content_index=0, content=content)
        yield ThreadItemUpdatedEvent(item_id=self._item.id, update=whole)
        yield ThreadItemDoneEvent(item=self._item.model_copy(update={"content": [content]}))

"""/chat: the agent, for panels that speak plain server-sent events."""

from __future__ import annotations

import datetime as dt
import json
import logging
import uuid
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from app.auth import CurrentUser, User
from app.chat.assistant import Assistant, ChatFailed, Text, ToolUse
from app.chat.history import history
from app.chat.model import Role
from app.chat.store import ConversationStore, title_of
from app.chat.streaming import event_stream
from app.database import Database
from app.tasks.schemas import VISIBLE, trimmed

log = logging.getLogger(__name__)
router = APIRouter(prefix="/chat", tags=["chat"])


class ChatRequest(BaseModel):
    """What a user says, and in which conversation; without one a new one begins."""

    model_config = ConfigDict(extra="forbid")

    message: Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=VISIBLE), AfterValidator(trimmed)]
    conversation_id: uuid.UUID | None = None


class ConversationRead(BaseModel):
    """A conversation in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    title: str
    created_at: dt.datetime
    updated_at: dt.datetime


class ConversationPage(BaseModel):
    """The newest conversations."""

    items: list[ConversationRead]


class MessageRead(BaseModel):
    """One message."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    role: Role
    content: str
    created_at: dt.datetime


class ConversationWithMessages(ConversationRead):
    """A conversation and what was said in it."""

    messages: list[MessageRead]


async def conversation_store(request: Request, user: CurrentUser) -> ConversationStore:
    """The store of the user who asks."""
    database: Database = request.app.state.database
    return ConversationStore(database.sessions, user.id)


Store = Annotated[ConversationStore, Depends(conversation_store)]


@router.post("", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def chat(request: Request, store: Store, user: CurrentUser, asked: ChatRequest) -> StreamingResponse:
    """Say something to the agent; its answer is a stream of events.

    Each is one of `{"type":"delta","text"}`, `{"type":"tool","name","status":"called"|"done"}`,
    `{"type":"error","message"}`, and at the end `{"type":"done","conversation_id"}`.
    """
    if asked.conversation_id is None:
        conversation = await store.begin(title_of(asked.message))
    else:
        conversation = await store.get(asked.conversation_id)
    await store.say(conversation.id, Role.USER, asked.message)
    return await event_stream(_answer(request.app.state.assistant, store, user, conversation.id))


@router.get("/conversations")
async def list_conversations(store: Store, limit: Annotated[int, Query(ge=1, le=100)] = 50) -> ConversationPage:
    """List conversations, the newest first."""
    found = await store.list(limit)
    return ConversationPage(items=[ConversationRead.model_validate(one) for one in found])


@router.get("/conversations/{conversation_id}")
async def get_conversation(store: Store, conversation_id: uuid.UUID) -> ConversationWithMessages:
    """Get a conversation and the newest thousand messages of it, in the order they were said."""
    conversation = await store.get(conversation_id)
    newest = await store.messages(conversation_id, 1000, "desc")
    said = [MessageRead.model_validate(one) for one in reversed(newest) if one.role != Role.ASIDE]
    read = ConversationRead.model_validate(conversation)
    return ConversationWithMessages(**read.model_dump(), messages=said)


async def _answer(
    assistant: Assistant, store: ConversationStore, user: User, conversation_id: uuid.UUID
) -> AsyncGenerator[bytes, None]:
    answer = ""
    try:
        async for happened in assistant.answer(user, await history(store, conversation_id)):
            match happened:
                case Text(delta):
                    answer += delta
                    yield _event("delta", text=delta)
                case ToolUse(name, status):
                    yield _event("tool", name=name, status=status)
    except ChatFailed as failure:
        yield _event("error", message=str(failure))
    except Exception:
        # The status is sent: the stream is the one place left to say it.
        log.exception("An answer failed")
        yield _event("error", message="Something went wrong on our side. Try again.")
    finally:
        # Also what was cut off: the user has read it.
        if answer:
            await store.say(conversation_id, Role.ASSISTANT, answer)
    yield _event("done", conversation_id=str(conversation_id))


def _event(kind: str, **fields: Any) -> bytes:  # noqa: ANN401 - JSON
    return b"data: " + json.dumps({"type": kind, **fields}, ensure_ascii=False).encode() + b"\n\n"

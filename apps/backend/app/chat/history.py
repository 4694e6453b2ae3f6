"""What the model is given of a conversation."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Literal, TypedDict

from app.chat.model import Message, Role
from app.chat.store import ConversationStore

MESSAGES = 40
CHARACTERS = 24_000


class Said(TypedDict):
    """One message as the model reads it."""

    role: Literal["user", "assistant"]
    content: str


async def history(store: ConversationStore, conversation_id: uuid.UUID) -> list[Said]:
    """The newest of a conversation within bounds, oldest first; the last message is always among it."""
    newest = await store.messages(conversation_id, MESSAGES, "desc")
    kept: list[Said] = []
    room = CHARACTERS
    for said in _spoken(newest):
        room -= len(said["content"])
        if kept and room < 0:
            break
        kept.append(said)
    return kept[::-1]


def _spoken(messages: Iterable[Message]) -> Iterable[Said]:
    for message in messages:
        if message.role == Role.USER:
            yield {"role": "user", "content": message.content}
        elif message.role == Role.ASSISTANT:
            yield {"role": "assistant", "content": message.content}

"""Conversations as tables."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, String, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.tasks.model import now


class Role(StrEnum):
    """Who a message is from; `aside` is something that a face keeps for itself and the model never reads."""

    USER = "user"
    ASSISTANT = "assistant"
    ASIDE = "aside"


class Conversation(SQLModel, table=True):
    """One conversation of one user, whichever panel it is held in."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_user_created", "user_id", "created_at"),)

    id: uuid.UUID = Field(default_factory=uuid.uuid4, sa_column=Column(Uuid, primary_key=True))
    user_id: str = Field(sa_column=Column(String(255), nullable=False))
    title: str = Field(default="", sa_column=Column(String(200), nullable=False))
    created_at: dt.datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: dt.datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True), nullable=False))


_OF_CONVERSATION = ForeignKey("conversation.id", ondelete="CASCADE", name="fk_message_conversation")


class Message(SQLModel, table=True):
    """One message; `item` is the form that ChatKit gave it, where it came from there."""

    __tablename__ = "message"
    __table_args__ = (Index("ix_message_conversation_position", "conversation_id", "position"),)

    id: str = Field(default_factory=lambda: uuid.uuid4().hex, sa_column=Column(String(64), primary_key=True))
    conversation_id: uuid.UUID = Field(sa_column=Column(Uuid, _OF_CONVERSATION, nullable=False))
    position: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    item: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    created_at: dt.datetime = Field(default_factory=now, sa_column=Column(DateTime(timezone=True), nullable=False))

"""The task as a table."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, Date, DateTime, Enum, ForeignKey, Index, String, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel


class Priority(StrEnum):
    """How much a task matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Recurrence(StrEnum):
    """How often a task comes back."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def now() -> dt.datetime:
    """The present moment, with its zone."""
    return dt.datetime.now(dt.UTC)


def _choice(kind: type[StrEnum], name: str) -> Enum:
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=16,
        values_callable=lambda members: [member.value for member in members],
    )


def _moment(*, nullable: bool = False) -> Column[dt.datetime]:
    return Column(DateTime(timezone=True), nullable=nullable)


class Task(SQLModel, table=True):
    """One task of one user.

    `series_start` is the due date a series counts from, so that a task of the 31st comes back to the 31st after a
    short month. `previous_id` is unique: a task has one next occurrence, however often and from however many places
    it is completed.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint("completed = (completed_at IS NOT NULL)", name="ck_task_completed_at"),
        Index("ix_task_user_created", "user_id", "created_at"),
        Index("ix_task_user_due", "user_id", "due_date"),
        Index("ix_task_tags", "tags", postgresql_using="gin"),
    )

    id: uuid.UUID = Field(default_factory=uuid.uuid4, sa_column=Column(Uuid, primary_key=True))
    user_id: str = Field(sa_column=Column(String(255), nullable=False))
    title: str = Field(sa_column=Column(String(200), nullable=False))
    description: str = Field(default="", sa_column=Column(Text, nullable=False))
    priority: Priority = Field(
        default=Priority.MEDIUM, sa_column=Column(_choice(Priority, "ck_task_priority"), nullable=False)
    )
    tags: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String(50)), nullable=False))
    due_date: dt.date | None = Field(default=None, sa_column=Column(Date))
    recurrence: Recurrence = Field(
        default=Recurrence.NONE, sa_column=Column(_choice(Recurrence, "ck_task_recurrence"), nullable=False)
    )
    series_start: dt.date | None = Field(default=None, sa_column=Column(Date))
    previous_id: uuid.UUID | None = Field(
        default=None,
        sa_column=Column(Uuid, ForeignKey("task.id", ondelete="SET NULL", name="fk_task_previous"), unique=True),
    )
    completed: bool = Field(default=False, nullable=False)
    completed_at: dt.datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: dt.datetime = Field(default_factory=now, sa_column=_moment())
    updated_at: dt.datetime = Field(default_factory=now, sa_column=_moment())

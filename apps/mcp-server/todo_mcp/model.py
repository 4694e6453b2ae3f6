"""Tasks as the backend sends them and as an agent reads them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import BaseModel

Priority = Literal["low", "medium", "high"]
Recurrence = Literal["none", "daily", "weekly", "monthly"]


class Task(BaseModel):
    """A task."""

    id: uuid.UUID
    title: str
    description: str
    priority: Priority
    tags: list[str]
    due_date: dt.date | None
    recurrence: Recurrence
    completed: bool
    completed_at: dt.datetime | None
    created_at: dt.datetime
    updated_at: dt.datetime


class TaskPage(BaseModel):
    """One page of a list; `total` counts all pages."""

    items: list[Task]
    total: int
    page: int
    page_size: int


class Deleted(BaseModel):
    """The task that is gone."""

    deleted: uuid.UUID

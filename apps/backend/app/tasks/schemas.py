"""Tasks as they pass the border: what a client may send, and what it gets."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.tasks.model import Priority, Recurrence


def trimmed(text: str) -> str:
    """`text` without blanks at its ends; Python counts more as blank than the pattern does."""
    return text.strip() or text


# PostgreSQL's text holds no NUL. Blanks at the ends are taken off after the length is checked: the document says what
# may be sent, not what is kept.
VISIBLE = r"^[^\x00]*[^\s\x00][^\x00]*$"
Text = Annotated[str, StringConstraints(max_length=5000, pattern=r"^[^\x00]*$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE), AfterValidator(trimmed)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=VISIBLE), AfterValidator(trimmed)]


def _distinct(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


Tags = Annotated[list[Tag], Field(max_length=20), AfterValidator(_distinct)]
Unset = Literal[""]


def _written_as_a_day(given: object) -> object:
    """Pydantic would read numbers as seconds since 1970, and times as days."""
    if isinstance(given, str | int | float) and not (isinstance(given, str) and _DAY.fullmatch(given)):
        raise ValueError("must be a day such as 2030-12-31")
    return given


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Day = Annotated[dt.date, BeforeValidator(_written_as_a_day)]


class Status(StrEnum):
    """Which tasks to list."""

    ALL = "all"
    OPEN = "open"
    DONE = "done"


class Sort(StrEnum):
    """What to order tasks by."""

    CREATED = "created"
    DUE = "due"
    PRIORITY = "priority"
    TITLE = "title"


class TaskCreate(BaseModel):
    """A new task."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    description: Text = ""
    priority: Priority = Priority.MEDIUM
    tags: Tags = []
    due_date: Day | None = None
    recurrence: Recurrence = Recurrence.NONE


class TaskUpdate(BaseModel):
    """What to change; a field that is absent stays. Only `due_date` can be null: it takes the date away."""

    model_config = ConfigDict(extra="forbid")

    # Factories, so that no default is documented: what is absent stays.
    title: Title = Field(default_factory=str)
    description: Text = Field(default_factory=str)
    priority: Priority = Field(default_factory=lambda: Priority.MEDIUM)
    tags: Tags = Field(default_factory=list)
    due_date: Day | None = None
    recurrence: Recurrence = Field(default_factory=lambda: Recurrence.NONE)


class TaskCompletion(BaseModel):
    """Whether a task is done."""

    model_config = ConfigDict(extra="forbid")

    completed: bool


class TaskRead(BaseModel):
    """A task as its owner sees it."""

    model_config = ConfigDict(from_attributes=True)

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


class TaskQuery(BaseModel):
    """Which tasks to list, in which order, and which page of them. A filter that is empty filters nothing."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = Field(
        default="", description="Words in the title or the description."
    )
    status: Status = Status.ALL
    priority: Priority | Unset = ""
    tag: Annotated[str, StringConstraints(max_length=50, pattern=r"^[^\x00]*$")] = ""
    due_before: Day | Unset = Field(default="", description="Due earlier than this day.")
    due_after: Day | Unset = Field(default="", description="Due later than this day.")
    sort: Sort = Sort.CREATED
    order: Literal["asc", "desc"] = "desc"
    page: int = Field(default=1, ge=1, le=100_000)
    page_size: int = Field(default=50, ge=1, le=100)


class TaskPage(BaseModel):
    """One page of a list."""

    items: list[TaskRead]
    total: int
    page: int
    page_size: int

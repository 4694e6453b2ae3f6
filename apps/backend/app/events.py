"""What happened to tasks, told to whoever listens.

An event is plain JSON that fits `events.schema.json` (`python -m app.events` prints it), ready to be the data of a
CloudEvent: Dapr and Kafka add their own envelope. A sink for either is one more class with `publish`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import uuid
from enum import StrEnum
from typing import Literal, Protocol

from pydantic import BaseModel, Field

from app.tasks.schemas import TaskRead

log = logging.getLogger(__name__)


class Topic(StrEnum):
    """Where an event goes."""

    TASK_EVENTS = "task-events"
    TASK_UPDATES = "task-updates"
    REMINDERS = "reminders"


class Action(StrEnum):
    """What happened to a task."""

    CREATED = "created"
    UPDATED = "updated"
    COMPLETED = "completed"
    REOPENED = "reopened"
    DELETED = "deleted"


class Event(BaseModel):
    """One thing that happened.

    On `task-events` the whole task is carried; on `task-updates` only which task it was, for clients that look again;
    on `reminders` the day to remind of, or none where a reminder is to be taken back.
    """

    schema_version: Literal[1] = 1
    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    time: dt.datetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))
    topic: Topic
    action: Action
    user_id: str
    task_id: uuid.UUID
    task: TaskRead | None = None
    remind_on: dt.date | None = None


class EventSink(Protocol):
    """Takes events."""

    async def publish(self, event: Event) -> None:
        """Hand `event` on."""


class NoSink:
    """Drops events."""

    async def publish(self, event: Event) -> None:
        """Do nothing."""


class LogSink:
    """Writes events to the log."""

    async def publish(self, event: Event) -> None:
        """Log `event` as one line."""
        log.info("event", extra={"event": event.model_dump(mode="json")})


def make_sink(kind: Literal["off", "log"]) -> EventSink:
    """The sink that EVENTS_SINK names."""
    return LogSink() if kind == "log" else NoSink()


def task_events(action: Action, user_id: str, task: TaskRead) -> list[Event]:
    """What there is to tell when `action` happened to `task`."""

    def event(topic: Topic, *, whole: bool = False, remind_on: dt.date | None = None) -> Event:
        return Event(
            topic=topic,
            action=action,
            user_id=user_id,
            task_id=task.id,
            task=task if whole else None,
            remind_on=remind_on,
        )

    waiting = action is not Action.DELETED and not task.completed
    told = [event(Topic.TASK_EVENTS, whole=True), event(Topic.TASK_UPDATES)]
    # A new task without a date has no reminder that could be taken back.
    if task.due_date is not None or action is not Action.CREATED:
        told.append(event(Topic.REMINDERS, remind_on=task.due_date if waiting else None))
    return told


if __name__ == "__main__":
    json.dump(Event.model_json_schema(mode="serialization"), sys.stdout, indent=2)
    sys.stdout.write("\n")

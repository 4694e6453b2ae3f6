"""One user's tasks in the database."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ColumnElement, case, func
from sqlalchemy.orm import Mapped
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from app.events import Action, EventSink, task_events
from app.problems import NotFound
from app.tasks.model import Priority, Recurrence, Task, now
from app.tasks.recurrence import next_due
from app.tasks.schemas import Sort, Status, TaskCreate, TaskPage, TaskQuery, TaskRead, TaskUpdate

_RANK = case({priority: rank for rank, priority in enumerate(Priority)}, value=col(Task.priority))
_ORDER: dict[Sort, Mapped[Any] | ColumnElement[Any]] = {
    Sort.CREATED: col(Task.created_at),
    Sort.DUE: col(Task.due_date),
    Sort.PRIORITY: _RANK,
    Sort.TITLE: func.lower(Task.title),
}


class TaskStore:
    """Bound to a user when it is made, so that no query can forget whose tasks it may touch.

    Events are published after the commit: what is told has happened.
    """

    def __init__(self, session: AsyncSession, user_id: str, events: EventSink) -> None:
        self._session = session
        self._user_id = user_id
        self._events = events

    def _own(self) -> SelectOfScalar[Task]:
        return select(Task).where(Task.user_id == self._user_id)

    async def page(self, query: TaskQuery) -> TaskPage:
        """The page of the tasks that fit `query`."""
        fitting = self._own().where(*_conditions(query))
        total = (await self._session.exec(select(func.count()).select_from(fitting.subquery()))).one()
        key = _ORDER[query.sort]
        ordered = key.desc().nulls_last() if query.order == "desc" else key.asc().nulls_last()
        # The id settles ties: without it a task could be on two pages, or on none.
        statement = fitting.order_by(ordered, col(Task.id)).limit(query.page_size)
        found = await self._session.exec(statement.offset((query.page - 1) * query.page_size))
        items = [TaskRead.model_validate(task) for task in found]
        return TaskPage(items=items, total=total, page=query.page, page_size=query.page_size)

    async def get(self, task_id: uuid.UUID) -> Task:
        """The task `task_id`; raises NotFound, also where it is somebody else's."""
        return await self._one(self._own().where(Task.id == task_id))

    async def create(self, new: TaskCreate) -> Task:
        """Add a task."""
        task = Task(**new.model_dump(), user_id=self._user_id, series_start=new.due_date)
        task.updated_at = task.created_at
        self._session.add(task)
        await self._commit((Action.CREATED, task))
        return task

    async def update(self, task_id: uuid.UUID, change: TaskUpdate) -> Task:
        """Set the fields that `change` names."""
        task = await self._locked(task_id)
        fields = change.model_dump(exclude_unset=True)
        for name, value in fields.items():
            setattr(task, name, value)
        if fields.keys() & {"due_date", "recurrence"}:
            task.series_start = task.due_date
        task.updated_at = now()
        await self._commit((Action.UPDATED, task))
        return task

    async def complete(self, task_id: uuid.UUID, *, completed: bool) -> Task:
        """Mark a task done or open; a recurring one that is done gets its next occurrence, once."""
        task = await self._locked(task_id)
        if task.completed is completed:
            return task
        moment = now()
        task.completed, task.completed_at, task.updated_at = completed, moment if completed else None, moment
        happened = [(Action.COMPLETED if completed else Action.REOPENED, task)]
        if completed and (following := await self._following(task, moment.date())) is not None:
            self._session.add(following)
            happened.append((Action.CREATED, following))
        await self._commit(*happened)
        return task

    async def delete(self, task_id: uuid.UUID) -> None:
        """Remove a task."""
        task = await self._locked(task_id)
        await self._session.delete(task)
        await self._commit((Action.DELETED, task))

    async def _one(self, statement: SelectOfScalar[Task]) -> Task:
        task = (await self._session.exec(statement)).one_or_none()
        if task is None:
            raise NotFound("There is no such task.")
        return task

    async def _locked(self, task_id: uuid.UUID) -> Task:
        """The task, held until the commit: two changes at once happen one after the other, and neither is lost."""
        return await self._one(self._own().where(Task.id == task_id).with_for_update())

    async def _following(self, task: Task, today: dt.date) -> Task | None:
        if task.recurrence is Recurrence.NONE:
            return None
        if (await self._session.exec(self._own().where(Task.previous_id == task.id))).one_or_none() is not None:
            return None
        start = task.series_start or task.due_date or today
        # A series that was neglected goes on from today instead of listing what was missed.
        due = next_due(task.recurrence, start, max(task.due_date or today, today))
        if due is None:
            return None
        kept = task.model_dump(include={"user_id", "title", "description", "priority", "tags", "recurrence"})
        return Task(**kept, due_date=due, series_start=start, previous_id=task.id)

    async def _commit(self, *happened: tuple[Action, Task]) -> None:
        await self._session.commit()
        for action, task in happened:
            for event in task_events(action, self._user_id, TaskRead.model_validate(task)):
                await self._events.publish(event)


def _conditions(query: TaskQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for word in query.search.split():
        title, description = col(Task.title), col(Task.description)
        found.append(title.icontains(word, autoescape=True) | description.icontains(word, autoescape=True))
    if query.status is not Status.ALL:
        found.append(col(Task.completed).is_(query.status is Status.DONE))
    if query.priority:
        found.append(col(Task.priority) == query.priority)
    if query.tag:
        found.append(col(Task.tags).contains([query.tag]))
    if query.due_before:
        found.append(col(Task.due_date) < query.due_before)
    if query.due_after:
        found.append(col(Task.due_date) > query.due_after)
    return found

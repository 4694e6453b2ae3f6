"""/api/tasks: one user's tasks over REST."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from app.auth import CurrentUser
from app.database import Session
from app.tasks.model import Task
from app.tasks.schemas import TaskCompletion, TaskCreate, TaskPage, TaskQuery, TaskRead, TaskUpdate
from app.tasks.store import TaskStore

router = APIRouter(prefix="/api/tasks", tags=["tasks"])


async def task_store(request: Request, session: Session, user: CurrentUser) -> TaskStore:
    """The store of the user who asks."""
    # A coroutine though it waits for nothing: a plain function would be sent to a thread, for each request.
    return TaskStore(session, user.id, request.app.state.events)


Store = Annotated[TaskStore, Depends(task_store)]


@router.get("")
async def list_tasks(store: Store, query: Annotated[TaskQuery, Query()]) -> TaskPage:
    """List tasks: searched, filtered, sorted, one page at a time."""
    return await store.page(query)


@router.post("", status_code=HTTPStatus.CREATED, response_model=TaskRead)
async def create_task(store: Store, new: TaskCreate) -> Task:
    """Add a task."""
    return await store.create(new)


@router.get("/{task_id}", response_model=TaskRead)
async def get_task(store: Store, task_id: uuid.UUID) -> Task:
    """Get a task."""
    return await store.get(task_id)


@router.patch("/{task_id}", response_model=TaskRead)
async def update_task(store: Store, task_id: uuid.UUID, change: TaskUpdate) -> Task:
    """Change the fields that are given."""
    return await store.update(task_id, change)


@router.delete("/{task_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_task(store: Store, task_id: uuid.UUID) -> None:
    """Remove a task."""
    await store.delete(task_id)


@router.post("/{task_id}/complete", response_model=TaskRead)
async def complete_task(store: Store, task_id: uuid.UUID, completion: TaskCompletion) -> Task:
    """Mark a task done or open; a recurring one that is done gets its next occurrence."""
    return await store.complete(task_id, completed=completion.completed)

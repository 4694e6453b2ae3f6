"""The tools."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastmcp import FastMCP
from mcp.types import ToolAnnotations
from pydantic import Field

from todo_mcp.backend import Backend
from todo_mcp.model import Deleted, Priority, Recurrence, Task, TaskPage

Title = Annotated[str, Field(min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=5000)]
Tags = Annotated[list[str], Field(max_length=20)]
Due = Annotated[dt.date, Field(description="A day, such as 2030-12-31.")]
TaskId = Annotated[uuid.UUID, Field(description="The task's id, as list_tasks gives it.")]

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(destructive_hint=False, open_world_hint=False)
SETS = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False)
REMOVES = ToolAnnotations(destructive_hint=True, idempotent_hint=True, open_world_hint=False)


def build_server(backend: Backend) -> FastMCP:
    """The MCP server whose tools ask `backend`."""
    server = FastMCP(
        name="todo",
        version="1.0.0",
        instructions="Tools for the tasks of the signed-in user. Find a task's id with list_tasks before changing it.",
        # What a tool did not say on purpose is not for the model.
        mask_error_details=True,
    )

    @server.tool(annotations=ADDS)
    async def add_task(
        *,
        title: Title,
        description: Description = "",
        priority: Priority = "medium",
        tags: Tags = [],  # noqa: B006 - never changed; a schema's default
        due_date: Due | None = None,
        recurrence: Recurrence = "none",
    ) -> Task:
        """Add a task."""
        body = {
            "title": title,
            "description": description,
            "priority": priority,
            "tags": tags,
            "due_date": due_date.isoformat() if due_date else None,
            "recurrence": recurrence,
        }
        response = await backend.ask("POST", "/api/tasks", json=body)
        return Task.model_validate_json(response.content)

    @server.tool(annotations=READS)
    async def list_tasks(
        *,
        search: Annotated[str, Field(description="Words in the title or the description.", max_length=200)] = "",
        status: Literal["all", "open", "done"] = "all",
        priority: Priority | None = None,
        tag: str | None = None,
        due_before: Annotated[dt.date | None, Field(description="Due earlier than this day.")] = None,
        due_after: Annotated[dt.date | None, Field(description="Due later than this day.")] = None,
        sort: Literal["created", "due", "priority", "title"] = "created",
        order: Literal["asc", "desc"] = "desc",
        page: Annotated[int, Field(ge=1)] = 1,
        page_size: Annotated[int, Field(ge=1, le=100)] = 20,
    ) -> TaskPage:
        """Find tasks and their ids."""
        query: dict[str, Any] = {
            "search": search,
            "status": status,
            "priority": priority or "",
            "tag": tag or "",
            "due_before": due_before or "",
            "due_after": due_after or "",
            "sort": sort,
            "order": order,
            "page": page,
            "page_size": page_size,
        }
        response = await backend.ask("GET", "/api/tasks", params={name: str(value) for name, value in query.items()})
        return TaskPage.model_validate_json(response.content)

    @server.tool(annotations=SETS)
    async def update_task(
        *,
        task_id: TaskId,
        title: Title | None = None,
        description: Description | None = None,
        priority: Priority | None = None,
        tags: Annotated[Tags | None, Field(description="All tags of the task: replaces those it has.")] = None,
        due_date: Due | None = None,
        clear_due_date: Annotated[bool, Field(description="Take the due date away.")] = False,
        recurrence: Recurrence | None = None,
    ) -> Task:
        """Change what is given of a task; the rest stays."""
        given = {
            "title": title,
            "description": description,
            "priority": priority,
            "tags": tags,
            "due_date": due_date.isoformat() if due_date else None,
            "recurrence": recurrence,
        }
        body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if clear_due_date:
            body["due_date"] = None
        response = await backend.ask("PATCH", f"/api/tasks/{task_id}", json=body)
        return Task.model_validate_json(response.content)

    @server.tool(annotations=SETS)
    async def complete_task(
        *,
        task_id: TaskId,
        completed: Annotated[bool, Field(description="False opens the task again.")] = True,
    ) -> Task:
        """Mark a task done; a recurring one gets its next occurrence."""
        response = await backend.ask("POST", f"/api/tasks/{task_id}/complete", json={"completed": completed})
        return Task.model_validate_json(response.content)

    @server.tool(annotations=REMOVES)
    async def delete_task(*, task_id: TaskId) -> Deleted:
        """Remove a task for good."""
        await backend.ask("DELETE", f"/api/tasks/{task_id}")
        return Deleted(deleted=task_id)

    return server

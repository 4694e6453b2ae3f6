"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Literal

import httpx2
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from app.database import Database

log = logging.getLogger(__name__)
router = APIRouter(prefix="/health", tags=["operations"])

# Kubernetes' probe waits three seconds in the stack's manifests.
TIMEOUT_SECONDS = 2

State = Literal["ok", "failed", "draining"]


class Health(BaseModel):
    """The state, and what it was made of."""

    status: State
    checks: dict[str, State] = {}


@router.get("/live")
async def live() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/ready", response_model=Health, responses={503: {"model": Health, "description": "Not ready"}})
async def ready(request: Request) -> JSONResponse:
    """The database and the MCP server are reached, and the process is not stopping."""
    state = request.app.state
    if state.drain.started:
        health = Health(status="draining")
    else:
        names = ("database", "mcp_server")
        found = await asyncio.gather(
            _check("database", _database(state.database)),
            _check("mcp_server", _mcp_server(state.http, state.settings.mcp_server_url)),
        )
        checks: dict[str, State] = dict(zip(names, found, strict=True))
        health = Health(status="ok" if set(found) == {"ok"} else "failed", checks=checks)
    status = HTTPStatus.OK if health.status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(health.model_dump(), status)


async def _database(database: Database) -> None:
    await database.ping()


async def _mcp_server(http: httpx2.AsyncClient, url: str) -> None:
    response = await http.get(url.rstrip("/") + "/health")
    response.raise_for_status()


async def _check(name: str, work: Awaitable[None]) -> State:
    try:
        await asyncio.wait_for(work, TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from working makes it not ready
        log.warning("Not ready: %s: %s", name, type(error).__name__)
        return "failed"
    return "ok"

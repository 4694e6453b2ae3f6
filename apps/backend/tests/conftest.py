"""A PostgreSQL, an issuer of tokens, and the backend as a process, each once for the session."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import issuer as issuers
import model as models
import postgres
import process
import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("todo")


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    try:
        with postgres.cluster() as url:
            yield url
    except postgres.Missing as error:
        if os.environ.get("APPS_CI") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture
def empty_database(server: str) -> str:
    return postgres.new_database(server)


@pytest.fixture(scope="session")
def issuer() -> Iterator[issuers.Issuer]:
    with issuers.serve() as serving:
        yield serving


Start = Callable[..., AbstractContextManager[process.Service]]


@pytest.fixture(scope="session")
def start(server: str, issuer: issuers.Issuer, folder: Path) -> Start:
    """Runs a backend on a database of its own; keywords are further settings."""

    def starting(**settings: str) -> AbstractContextManager[process.Service]:
        settings.setdefault("DATABASE_URL", postgres.new_database(server))
        settings.setdefault("BETTER_AUTH_URL", issuer.url)
        settings.setdefault("MIGRATE_ON_START", "true")
        settings.setdefault("JWKS_REFRESH_COOLDOWN_SECONDS", "0")
        settings.setdefault("DRAIN_SECONDS", "0")
        return process.serve("app", process.BACKEND, folder, "/health/live", **settings)

    return starting


@pytest.fixture(scope="session")
def backend(start: Start) -> Iterator[process.Service]:
    with start() as service:
        yield service


@pytest.fixture
def user() -> str:
    return f"user-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def api(backend: process.Service, issuer: issuers.Issuer, user: str) -> Iterator[httpx2.Client]:
    """The backend, asked by a user without tasks."""
    with backend.client(issuer.token(user)) as client:
        yield client


@pytest.fixture
def other(backend: process.Service, issuer: issuers.Issuer) -> Iterator[httpx2.Client]:
    """The backend, asked by somebody else."""
    with backend.client(issuer.token("somebody-else")) as client:
        yield client


@pytest.fixture(scope="session")
def listening() -> Iterator[models.Model]:
    with models.serve() as model:
        yield model


@pytest.fixture
def model(listening: models.Model) -> models.Model:
    """The model as if nothing had been asked before."""
    vars(listening).update(vars(models.Model(listening.url)))
    return listening


@dataclass(frozen=True)
class Stack:
    """The backend and the MCP server, each asking the other, and a model."""

    backend: process.Service
    mcp_server: process.Service
    database: str


@pytest.fixture(scope="session")
def stack(start: Start, server: str, listening: models.Model, folder: Path) -> Iterator[Stack]:
    port = postgres.free_port()
    database = postgres.new_database(server)
    backend_url = f"http://127.0.0.1:{port}"
    with (
        process.serve("todo_mcp", process.MCP_SERVER, folder, "/health", BACKEND_URL=backend_url) as mcp_server,
        start(
            PORT=str(port),
            DATABASE_URL=database,
            MCP_SERVER_URL=mcp_server.url,
            OPENAI_API_KEY="sk-secret-of-the-tests",
            OPENAI_BASE_URL=listening.url,
        ) as backend,
    ):
        yield Stack(backend, mcp_server, database)

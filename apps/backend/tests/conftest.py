"""A PostgreSQL, an issuer of tokens, and the backend as a process, each once for the session."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import issuer as issuers
import postgres
import process
import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("todo")


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[str]:
    try:
        with postgres.cluster(folder) as url:
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

"""The Docker engine that the user's `docker` talks to, and its errors as ours."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ApiError, Conflict, NoEngine, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Api = Any
"""The SDK's low-level client: its high-level one asks for every container of a list by itself."""
SECONDS = 20.0
_versions: dict[str, str] = {}
"""The version of the API that was agreed on, by address."""
HOST, CONTEXT = "DOCKER_HOST", "DOCKER_CONTEXT"
CHECK = "`docker info` says the same in Docker's own words."
HINTS = {
    "permission": "Add your user to the group docker (`sudo usermod -aG docker $USER`, then log in again).",
    "absent": "Start it (`sudo systemctl start docker`, or Docker Desktop), or set DOCKER_HOST or a Docker context.",
}


@contextmanager
def engine(seconds: float = SECONDS) -> Iterator[Api]:
    """A client of the engine that DOCKER_HOST, or else the current Docker context, names.

    Args:
        seconds: How long one answer may take.

    Raises:
        NoEngine: It does not answer, or does not let the user in.
        NotFound, Conflict, ApiError: What it answered.
        UsageError: There is no such Docker context.
    """
    import requests
    from docker.errors import APIError, DockerException

    where = ""
    try:
        where, options = _address()
        api = _client(options, seconds)
        try:
            yield api
        finally:
            api.close()
    except APIError as error:
        raise _answered(error) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise _unreachable(where, error) from error


def context_name() -> str:
    """What the policy and the journal call the place: `docker`, or `docker-NAME` of a context or remote host."""
    from urllib.parse import urlsplit

    if host := os.environ.get(HOST):
        return f"docker-{name}" if (name := urlsplit(host).hostname) else "docker"
    name = os.environ.get(CONTEXT) or _current()
    return "docker" if name == "default" else f"docker-{name}"


def address() -> str:
    """Where the engine is reached; errors as `engine`."""
    return _address()[0].replace("http+unix://", "unix://")


def _current() -> str:
    from docker.context.config import get_current_context_name

    return str(get_current_context_name())


def _address() -> tuple[str, dict[str, Any]]:
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    if os.environ.get(HOST):
        options = kwargs_from_env()
        return str(options.get("base_url", "")), options
    name = os.environ.get(CONTEXT) or _current()
    context = ContextAPI.get_context(name)
    if context is None:
        raise UsageError(f"There is no Docker context {name!r}.", "`docker context ls` lists them.")
    return str(context.Host), {"base_url": context.Host, "tls": context.TLSConfig or False}


def _client(options: dict[str, Any], seconds: float) -> Api:
    from docker import APIClient

    where = str(options.get("base_url") or "")
    known = _versions.get(where)
    api = APIClient(version=known or "auto", timeout=seconds, use_ssh_client=where.startswith("ssh://"), **options)
    # Asking for the version is a request of its own before every other.
    _versions[where] = api.api_version
    return api


def _answered(error: Any) -> ApiError | NotFound:
    said = str(error.explanation or error).strip().rstrip(".")
    status = int(getattr(error.response, "status_code", 0) or 0)
    if status == 404:  # noqa: PLR2004
        return NotFound(f"Docker: {said}.", "")
    if status == 409:  # noqa: PLR2004
        return Conflict(f"Docker: {said}.", "", status=status)
    return ApiError(f"Docker: {said}.", "", status=status)


def _unreachable(where: str, error: Exception) -> NoEngine:
    said = str(error)
    place = where or "its socket"
    if "Permission denied" in said:
        return NoEngine(f"This user may not talk to the Docker engine at {place}.", HINTS["permission"])
    if "timed out" in said.lower():
        return NoEngine(f"The Docker engine at {place} did not answer in time.", CHECK)
    return NoEngine(f"No Docker engine answers at {place}.", HINTS["absent"])

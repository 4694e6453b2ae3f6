"""The stack's secrets: from the programs' `.env` files into one Secret, and never anywhere else."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_tools.errors import NotFound, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.cluster.connection import Connection

NAME = "backend-secrets"
FILES = ("apps/backend/.env", "apps/frontend/.env")
DATABASE, SIGNING, PASSWORD = "DATABASE_URL", "BETTER_AUTH_SECRET", "POSTGRES_PASSWORD"
OPTIONAL = ("GEMINI_API_KEY", "OPENAI_API_KEY", "NEXT_PUBLIC_OPENAI_DOMAIN_KEY")
KEYS = (DATABASE, SIGNING, *OPTIONAL)
INSIDE = "postgres"
"""The Service of the database inside the cluster."""
LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"})  # noqa: S104  not bound
SHORTEST = 32
"""Better Auth's least length of its secret, in characters."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What goes into the Secret.

    Attributes:
        values: By key, plain.
        inside: The database is the one inside the cluster.
        sources: For people: where each key comes from, without its value.
        problems: What is missing or cannot be used, in clauses.
    """

    values: Mapping[str, str] = field(repr=False)
    inside: bool
    sources: Mapping[str, str]
    problems: tuple[str, ...]


def read_files(root: Path | None) -> dict[str, tuple[str, str]]:
    """The stack's keys of the `.env` files that are there, each with its value and its file.

    Raises:
        UsageError: A file cannot be read, or two of them say different things of one key.
    """
    from dotenv import dotenv_values

    found: dict[str, tuple[str, str]] = {}
    for name in FILES if root else ():
        path = root / name if root else None
        if path is None or not path.is_file():
            continue
        try:
            given = dotenv_values(path, interpolate=False)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name} cannot be read: {error}.", "Make it a readable text file.") from error
        for key in KEYS:
            value = given.get(key)
            if not value:
                continue
            if key in found and found[key][0] != value:
                raise UsageError(f"{found[key][1]} and {name} say different things of {key}.", "Make them agree.")
            found.setdefault(key, (value, name))
    return found


def gather(
    files: Mapping[str, tuple[str, str]], live: Mapping[str, str], *, development: bool, made_up: bool = True
) -> Secrets:
    """What the Secret will hold: the files first, then what is in the cluster already.

    Args:
        files: As `read_files` gives them.
        live: The Secret that is there, decoded; empty where there is none.
        development: A database on this machine or none at all stands for the one inside the cluster, and what is a
            random number anyway is made up.
        made_up: Random values may be made up at all; elsewhere they are reported as missing.
    """
    values = {key: live[key] for key in (*KEYS, PASSWORD) if live.get(key)}
    sources = dict.fromkeys(values, "as in the cluster")
    values |= {key: value for key, (value, _) in files.items()}
    sources |= {key: name for key, (_, name) in files.items()}
    problems = []
    host = _host(values.get(DATABASE, ""))
    inside = development and (not host or host in LOCAL or host == INSIDE)
    if inside:
        password = live.get(PASSWORD) or (secrets.token_hex(16) if made_up else "")
        values[PASSWORD], values[DATABASE] = password, f"postgresql://todo:{password}@{INSIDE}:5432/todo"
        sources[PASSWORD] = "as in the cluster" if live.get(PASSWORD) else "made up"
        sources[DATABASE] = "the database inside the cluster"
    else:
        values.pop(PASSWORD, None)
        sources.pop(PASSWORD, None)
        problems += _database_problems(values, sources, host)
    if development and made_up and SIGNING not in values:
        values[SIGNING], sources[SIGNING] = secrets.token_hex(32), "made up"
    if SIGNING not in values:
        problems.append(f"{SIGNING} is missing: set it in {FILES[1]} (`openssl rand -base64 32` makes one)")
    elif len(values[SIGNING]) < SHORTEST:
        problems.append(f"{SIGNING} in {sources[SIGNING]} is shorter than {SHORTEST} characters")
    return Secrets(values, inside, sources, tuple(problems))


def _database_problems(values: Mapping[str, str], sources: Mapping[str, str], host: str) -> list[str]:
    if DATABASE not in values:
        return [f"{DATABASE} is missing: set it in {FILES[0]}"]
    if not host:
        return [f"{DATABASE} in {sources[DATABASE]} is no postgresql:// address"]
    if host in LOCAL:
        return [f"{DATABASE} in {sources[DATABASE]} leads to {host}, which is the pod itself inside a cluster"]
    return []


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme.startswith("postgres") else ""
    except ValueError:
        return ""


def live_values(connection: Connection, namespace: str) -> dict[str, str]:
    """The Secret that is in the cluster, decoded; empty where there is none.

    Raises:
        ShipmateError: It may not be read, or the cluster does not answer.
    """
    try:
        found = connection.get_object(f"/api/v1/namespaces/{namespace}/secrets/{NAME}")
    except NotFound:
        return {}
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in (found.get("data") or {}).items()}


def manifest(namespace: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The Secret as an object."""
    labels = {"app.kubernetes.io/part-of": "todo"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in sorted(values.items())},
    }

"""A PostgreSQL of the tests' own, on a free port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql


class Missing(Exception):
    """There is no PostgreSQL on this machine."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _binaries() -> Path:
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    # Debian keeps one folder a version, and none of them on the PATH.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise Missing("PostgreSQL is not installed: apt-get install -y postgresql")
    return versions[-1].parent


@contextmanager
def cluster(port: int | None = None) -> Iterator[str]:
    """Run a server, on a free port unless one is given; gives the URL of its `postgres` database."""
    binaries = _binaries()
    # PostgreSQL refuses to run as root, and the user it runs as cannot enter pytest's own folders.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory(prefix="todo-postgres-", ignore_cleanup_errors=True) as data:
        if as_user:
            shutil.chown(data, "postgres", "postgres")
        run(f"{binaries}/initdb", "-D", data, "-U", "todo", "--auth=trust", "--no-sync", "-E", "UTF8")
        port = port or free_port()
        options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories='' -c fsync=off"
        run(f"{binaries}/pg_ctl", "-D", data, "-o", options, "-l", f"{data}/log", "-w", "start")
        try:
            yield f"postgresql://todo@127.0.0.1:{port}/postgres"
        finally:
            run(f"{binaries}/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def new_database(admin_url: str) -> str:
    """Make an empty database; gives its URL."""
    name = f"todo_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return admin_url.rsplit("/", 1)[0] + "/" + name

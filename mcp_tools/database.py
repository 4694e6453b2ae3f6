"""SQLite files of ours: private to the user, brought up to date when they are opened, safe for several processes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.errors import ShipmateError

BUSY_SECONDS = 5.0


class Database:
    """One file, open until it is closed; threads take turns.

    Args:
        migrations: The statements, by `;`, that bring the tables from each version to the next.
        problem: What is raised when the file cannot be used.
        what: What it holds, as the beginning of a sentence: `The journal`.
        durable: A power cut loses nothing that was written; without it, the last moments.

    Raises:
        ShipmateError: `problem`: the file cannot be opened or is no database.
    """

    def __init__(
        self, path: Path, migrations: Sequence[str], problem: type[ShipmateError], what: str, *, durable: bool = False
    ) -> None:
        self.path = path
        self._problem = problem
        self._what = what
        self._lock = threading.RLock()
        with self._trouble():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            self._db = connect(path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with self.transaction() as db:
            migrate(db, migrations)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """The connection, for single statements.

        Raises:
            ShipmateError: `problem`: a statement failed.
        """
        with self._trouble(), self._lock:
            yield self._db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction that is kept unless the block fails; errors as `use`."""
        with self.use() as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._problem(
                f"{self._what} at {self.path} cannot be used: {error}.",
                "Check the disk and the file's permissions, or set XDG_STATE_HOME to another place.",
            ) from error


def connect(place: Path | str) -> sqlite3.Connection:
    """A connection whose rows know their columns, which waits for other processes, and begins no transaction itself."""
    db = sqlite3.connect(place, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    db.row_factory = sqlite3.Row
    return db


def migrate(db: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Bring the tables up to date, in the transaction that the caller began."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(migrations[version:], start=version + 1):
        for statement in script.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")

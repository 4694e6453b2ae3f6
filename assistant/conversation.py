"""Conversations, kept in SQLite so that they can be gone on with: what was said, called and answered.

Items are JSON in the form of the agents SDK's input items. Each passes the redaction before it is written.
"""

from __future__ import annotations

import datetime as dt
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from mcp_tools.database import connect, migrate
from mcp_tools.errors import NotFound, ShipmateError
from mcp_tools.redaction import redact, redact_text

KEPT = 200
"""Conversations; those that were talked in least lately make room for new ones."""
MIGRATIONS = (
    """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY,
        at TEXT NOT NULL
    );
    CREATE TABLE items (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        item TEXT NOT NULL
    );
    CREATE INDEX items_by_conversation ON items (conversation, position);
    """,
)

Item = dict[str, Any]


class ConversationProblem(ShipmateError):
    """The conversations cannot be read or written."""

    code = "conversation"


class Conversation:
    """One conversation. A new one is written, and its file made, with its first item."""

    def __init__(self, identity: str, path: Path | None = None) -> None:
        self.id = identity
        self._store = _Store(path)

    @classmethod
    def begin(cls, path: Path | None = None) -> Conversation:
        """A new conversation in the file at `path`; by default in the user's own."""
        return cls(secrets.token_hex(4), path)

    @classmethod
    def resume(cls, identity: str | None = None, path: Path | None = None) -> Conversation:
        """A conversation that was kept; without an id the last one.

        Raises:
            NotFound: There is none.
            ConversationProblem: The file cannot be read.
        """
        with _Store(path).open(to_write=False) as db:
            row = db.execute(
                "SELECT id FROM conversations WHERE ? IS NULL OR id = ? ORDER BY at DESC, rowid DESC LIMIT 1",
                (identity, identity),
            ).fetchone()
        if row is None:
            which = f"There is no conversation {identity!r}." if identity else "There is no conversation to go on with."
            raise NotFound(which, "Begin one: shipmate.")
        return cls(row["id"], path)

    def items(self) -> list[Item]:
        """Everything that was kept, in order; errors as `add`."""
        with self._store.open(to_write=False) as db:
            rows = db.execute("SELECT item FROM items WHERE conversation = ? ORDER BY position", (self.id,)).fetchall()
        return [msgspec.json.decode(row["item"]) for row in rows]

    def add(self, items: Sequence[Item]) -> None:
        """Keep items, redacted.

        Raises:
            ConversationProblem: They cannot be written.
        """
        if not items:
            return
        rows = [(self.id, str(item.get("role", "")), _dump(item)) for item in items]
        with self._store.open() as db:
            db.execute(
                "INSERT INTO conversations (id, at) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
                (self.id, _now()),
            )
            db.executemany("INSERT INTO items (conversation, role, item) VALUES (?, ?, ?)", rows)
            db.execute(
                "DELETE FROM conversations WHERE id NOT IN"
                " (SELECT id FROM conversations ORDER BY at DESC, rowid DESC LIMIT ?)",
                (KEPT,),
            )

    def pop(self) -> Item | None:
        """Take back the latest item, or None where there is none; errors as `add`."""
        with self._store.open() as db:
            row = db.execute(
                "DELETE FROM items WHERE position = (SELECT max(position) FROM items WHERE conversation = ?)"
                " RETURNING item",
                (self.id,),
            ).fetchone()
        return msgspec.json.decode(row["item"]) if row else None

    def clear(self) -> None:
        """Forget everything that was said; errors as `add`."""
        with self._store.open() as db:
            db.execute("DELETE FROM conversations WHERE id = ?", (self.id,))


class _Store:
    """The file. It is opened for each use: a turn uses it a few times, from whichever thread it runs in."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()

    @contextmanager
    def open(self, *, to_write: bool = True) -> Iterator[sqlite3.Connection]:
        """The database with its tables, in a transaction that is kept unless the block fails.

        A file that is absent is made to write to; to read from, an empty database stands in for it.
        """
        place = self._path
        try:
            place = place or _default()
            with self._lock:
                db = _connect(place) if to_write or place.exists() else connect(":memory:")
                try:
                    with db:
                        db.execute("BEGIN IMMEDIATE")
                        migrate(db, MIGRATIONS)
                        yield db
                finally:
                    db.close()
        except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
            raise ConversationProblem(
                f"The conversations{f' at {place}' if place else ''} cannot be used: {error}.",
                "Check the disk and the file's permissions, move the file away, or set XDG_STATE_HOME.",
            ) from error


def _default() -> Path:
    from mcp_tools.paths import state_dir

    return state_dir() / "conversations.db"


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    db = connect(path)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _dump(item: Item) -> str:
    clean = redact(item)
    if isinstance(item.get("arguments"), str):
        clean["arguments"] = _redact_arguments(item["arguments"])
    return msgspec.json.encode(clean).decode()


def _redact_arguments(arguments: str) -> str:
    """A call's arguments, redacted by their names, and still JSON; to the letter as they were without a secret."""
    try:
        given = msgspec.json.decode(arguments)
    except msgspec.MsgspecError:
        return redact_text(arguments)
    redacted = redact(given)
    return arguments if redacted == given else msgspec.json.encode(redacted).decode()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

"""Keeps a sandbox's objects in an SQLite file, so that it can be stopped and come back."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.sandbox.objects.store import Change, Object
    from mcp_tools.sandbox.world import World

FILE = "sandbox.db"
_DEFINITION = "CustomResourceDefinition"
_SAVE_SECONDS = 0.5
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    key TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (key, namespace, name)
) WITHOUT ROWID;
"""


class DataUnusable(ShipmateError):
    """The folder for the sandbox's data cannot be used."""

    code = "sandbox_data"


class Keeper:
    """Writes what changes in a world into a file, a moment later.

    Args:
        folder: Receives the file; only its owner can read it, as it holds the cluster's Secrets.

    Raises:
        DataUnusable: The folder cannot be written to, or holds something else under this name.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._database = sqlite3.connect(path)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            hint = "Name a folder that you may write to, or an empty one."
            raise DataUnusable(f"The sandbox cannot keep its data in {path}: {error}.", hint) from error
        self._pending: dict[tuple[str, str, str], bytes | None] = {}
        self._world: World | None = None

    def restore(self, world: World) -> bool:
        """Put what was kept into a new world, whose control loops and nodes take it from there.

        Returns:
            Whether anything was kept.
        """
        rows = self._database.execute("SELECT body FROM objects").fetchall()
        objects: list[Object] = [msgspec.json.decode(body) for (body,) in rows]
        # The kinds of custom resources are known only once their definitions are there.
        for obj in sorted(
            objects, key=lambda item: (item["kind"] != _DEFINITION, int(item["metadata"]["resourceVersion"]))
        ):
            kind = world.kinds.of(obj["apiVersion"], obj["kind"])
            if kind is not None:
                world.store.put(kind, obj)
        return bool(objects)

    def follow(self, world: World) -> None:
        """Keep everything that is in a world now, and every change from now on."""
        self._world = world
        for kind in world.kinds.all():
            if not kind.virtual and not kind.stored_as:
                for obj in world.store.all_of(kind):
                    self._note(kind.key, obj)
        world.store.subscribe(self._notice)
        self._save()

    def _notice(self, change: Change) -> None:
        meta = change.obj["metadata"]
        if change.type == "DELETED":
            self._pending[change.kind.key, meta.get("namespace", ""), meta["name"]] = None
        else:
            self._note(change.kind.key, change.obj)

    def _note(self, key: str, obj: Object) -> None:
        meta = obj["metadata"]
        self._pending[key, meta.get("namespace", ""), meta["name"]] = msgspec.json.encode(obj)

    def _save(self) -> None:
        self.save()
        if self._world is not None:
            self._world.clock.call_later(_SAVE_SECONDS, self._save)

    def save(self) -> None:
        """Write what is not written yet."""
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
                [(*place, body) for place, body in pending.items() if body is not None],
            )
            self._database.executemany(
                "DELETE FROM objects WHERE key = ? AND namespace = ? AND name = ?",
                [place for place, body in pending.items() if body is None],
            )

    def close(self) -> None:
        """Write the rest and let the file go."""
        self._world = None
        self.save()
        self._database.close()


def forget(folder: Path) -> None:
    """Take kept data away."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{FILE}{suffix}").unlink(missing_ok=True)

"""Every run of an agent, kept in SQLite: what it was asked, what came of it, what it cost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.database import Database
from mcp_tools.errors import ShipmateError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    import sqlite3

KEPT = 2000
"""Runs; the oldest make room."""
TEXT_CHARACTERS = 8000
MIGRATIONS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        agent TEXT NOT NULL,
        at TEXT NOT NULL,
        ended_at TEXT,
        started_by TEXT NOT NULL,
        context TEXT NOT NULL,
        namespace TEXT NOT NULL,
        model TEXT NOT NULL,
        request TEXT NOT NULL,
        status TEXT NOT NULL,
        answer TEXT NOT NULL DEFAULT '',
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        cost REAL,
        currency TEXT NOT NULL DEFAULT '',
        changes TEXT NOT NULL DEFAULT '[]',
        deferred TEXT NOT NULL DEFAULT '[]',
        inventory TEXT NOT NULL DEFAULT '[]'
    );
    CREATE INDEX runs_by_agent ON runs (agent, at);
    CREATE TABLE ticks (
        agent TEXT NOT NULL,
        tick TEXT NOT NULL,
        PRIMARY KEY (agent, tick)
    );
    """,
)
RUNNING, DONE, FAILED, STOPPED = "running", "done", "failed", "stopped"


class RunsProblem(ShipmateError):
    """The runs of agents cannot be read or written."""

    code = "runs"


class Deferred(msgspec.Struct, frozen=True):
    """A change that a run planned and left to the user."""

    plan_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Attributes:
        at, ended_at: RFC 3339, UTC; a run that is at work, or whose process died, has no end.
        started_by: `hand` or `schedule`.
        model: `offline`, or `provider:name`.
        cost: In `currency`; None where the model has no price.
        changes: The numbers of the changes that it made.
    """

    id: str
    agent: str
    at: str
    ended_at: str | None
    started_by: str
    context: str
    namespace: str
    model: str
    request: str
    status: str
    answer: str
    input_tokens: int
    output_tokens: int
    cost: float | None
    currency: str
    changes: tuple[int, ...]
    deferred: tuple[Deferred, ...]


@dataclass(slots=True)
class Ended:
    """What came of a run."""

    status: str = DONE
    answer: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    currency: str = ""
    changes: tuple[int, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    inventory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Last:
    """The last run of an agent that came to its end: when it began, and what there was then."""

    at: dt.datetime
    inventory: frozenset[str]


class Runs:
    """The runs in one file, shared by all of a user's processes.

    Raises:
        RunsProblem: It cannot be opened or is no database.
    """

    def __init__(self, path: Path | None = None) -> None:
        from mcp_tools.paths import state_dir

        self._database = Database(path or state_dir() / "agents.db", MIGRATIONS, RunsProblem, "The runs of agents")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def begin(
        self, identity: str, agent: str, *, started_by: str, context: str, namespace: str, model: str, request: str
    ) -> None:
        """A run begins."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO runs (id, agent, at, started_by, context, namespace, model, request, status)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (identity, agent, _now(), started_by, context, namespace, model, _kept(request), RUNNING),
            )
            db.execute("DELETE FROM runs WHERE id NOT IN (SELECT id FROM runs ORDER BY at DESC LIMIT ?)", (KEPT,))

    def end(self, identity: str, ended: Ended) -> None:
        """A run came to its end."""
        with self._database.use() as db:
            db.execute(
                "UPDATE runs SET ended_at = ?, status = ?, answer = ?, input_tokens = ?, output_tokens = ?, cost = ?,"
                " currency = ?, changes = ?, deferred = ?, inventory = ? WHERE id = ?",
                (
                    _now(),
                    ended.status,
                    _kept(ended.answer),
                    ended.input_tokens,
                    ended.output_tokens,
                    ended.cost,
                    ended.currency,
                    _dump(ended.changes),
                    _dump(ended.deferred),
                    _dump(ended.inventory),
                    identity,
                ),
            )

    def latest(self, limit: int = 20, agent: str | None = None) -> list[Run]:
        """The latest runs, newest first."""
        with self._database.use() as db:
            rows = db.execute(
                "SELECT * FROM runs WHERE ? IS NULL OR agent = ? ORDER BY at DESC LIMIT ?", (agent, agent, limit)
            ).fetchall()
        return [_run(row) for row in rows]

    def last(self, agent: str, context: str, namespace: str) -> Last | None:
        """The last run there that was done; None where there was none."""
        with self._database.use() as db:
            row = db.execute(
                "SELECT at, inventory FROM runs WHERE agent = ? AND context = ? AND namespace = ? AND status = ?"
                " ORDER BY at DESC LIMIT 1",
                (agent, context, namespace, DONE),
            ).fetchone()
        if row is None:
            return None
        return Last(dt.datetime.fromisoformat(row["at"]), frozenset(msgspec.json.decode(row["inventory"])))

    def claim(self, agent: str, tick: dt.datetime) -> bool:
        """Take a moment of a schedule, so that two schedulers do not run it twice; False where it is taken."""
        with self._database.transaction() as db:
            taken = db.execute("INSERT OR IGNORE INTO ticks VALUES (?, ?)", (agent, tick.isoformat())).rowcount
            db.execute(
                "DELETE FROM ticks WHERE agent = ? AND tick NOT IN"
                " (SELECT tick FROM ticks WHERE agent = ? ORDER BY tick DESC LIMIT 10)",
                (agent, agent),
            )
        return bool(taken)


def _run(row: sqlite3.Row) -> Run:
    return Run(
        id=row["id"],
        agent=row["agent"],
        at=row["at"],
        ended_at=row["ended_at"],
        started_by=row["started_by"],
        context=row["context"],
        namespace=row["namespace"],
        model=row["model"],
        request=row["request"],
        status=row["status"],
        answer=row["answer"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost=row["cost"],
        currency=row["currency"],
        changes=tuple(msgspec.json.decode(row["changes"])),
        deferred=tuple(msgspec.json.decode(row["deferred"], type=list[Deferred])),
    )


def _kept(text: str) -> str:
    from mcp_tools.reads.answer import clip

    return clip(redact_text(text), TEXT_CHARACTERS)


def _dump(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

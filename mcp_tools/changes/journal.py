"""Every change, kept in SQLite: what was planned, what was sent, how it ended, and what undoes it.

A row is written before the request it describes, so that a process that dies leaves a trace. Values pass the redaction
like everything that is kept: a change whose earlier value is a secret cannot be undone from here, and says so.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mcp_tools.changes.model import Outcome, Plan, Verb
from mcp_tools.changes.records import Record, can_be_put_back, can_be_sent, dump, held, is_lost, record_of
from mcp_tools.database import Database
from mcp_tools.errors import NotFound, PlanExpired, ShipmateError, UsageError
from mcp_tools.redaction import redact, redact_text

PLAN_MINUTES = 15
MIGRATIONS = (
    """
    CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        plan_id TEXT NOT NULL UNIQUE,
        at TEXT NOT NULL,
        ended_at TEXT,
        context TEXT NOT NULL,
        server TEXT NOT NULL,
        action TEXT NOT NULL,
        title TEXT NOT NULL,
        arguments TEXT NOT NULL,
        steps TEXT NOT NULL,
        warnings TEXT NOT NULL,
        reversible INTEGER NOT NULL,
        status TEXT NOT NULL,
        process TEXT NOT NULL DEFAULT '',
        reason TEXT,
        undoes INTEGER REFERENCES changes (id),
        undone_by INTEGER REFERENCES changes (id)
    );
    CREATE INDEX changes_by_context ON changes (context, id);
    """,
    "ALTER TABLE changes ADD COLUMN cluster TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE changes ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
)
APPLYING = "applying"
"""The status between the moment a request is sent and the moment its end is known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the journal.

    Attributes:
        status: An `Outcome` value, or `applying` while a change is in flight.
        origin: What it belongs to, such as a step of a runbook's run; empty for what the user asked for by itself.
    """

    id: int
    plan: Plan
    records: tuple[Record, ...]
    at: str
    ended_at: str | None
    status: str
    reason: str | None
    undone_by: int | None
    process: str
    cluster: str
    origin: str

    def is_of(self, cluster: str) -> bool:
        """Whether it was made on that cluster, as far as both are known: a context's name can be used again."""
        return not (self.cluster and cluster) or self.cluster == cluster

    @property
    def is_outside(self) -> bool:
        """Whether a program of this machine made it, outside of any cluster."""
        return any(record.step.verb is Verb.RUN for record in self.records)


class JournalProblem(ShipmateError):
    """The journal cannot be read or written; nothing is changed without it."""

    code = "journal"


class Journal:
    """The journal in one file, shared by all of a user's processes."""

    def __init__(self, path: Path, origin: Callable[[], str] = str) -> None:
        """Open the journal, make it where it is absent, and bring its tables up to date.

        Args:
            origin: Says what a change that is planned belongs to.

        Raises:
            JournalProblem: The file cannot be opened or is no database.
        """
        self.path = path
        self._origin = origin
        self._database = Database(path, MIGRATIONS, JournalProblem, "The journal", durable=True)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add_plan(self, plan: Plan, records: tuple[Record, ...], *, server: str, cluster: str) -> int:
        """Keep a plan before anything is done.

        Args:
            server: Where the cluster was reached.
            cluster: What tells it from others, wherever it is reached; empty where that is not known.

        Returns:
            Its number, which is the change's number if it is carried out.
        """
        with self._database.use() as db:
            cursor = db.execute(
                "INSERT INTO changes (plan_id, at, context, server, action, title, arguments, steps, warnings,"
                " reversible, status, undoes, cluster, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    plan.id,
                    _now(),
                    plan.context,
                    server,
                    plan.action,
                    redact_text(plan.title),
                    dump(redact(plan.arguments)),
                    dump([held(record) for record in records]),
                    dump(redact(plan.warnings)),
                    plan.reversible,
                    Outcome.PLANNED.value,
                    plan.undoes,
                    cluster,
                    redact_text(self._origin()),
                ),
            )
        return int(cursor.lastrowid or 0)

    def planned(self, plan_id: str) -> Entry:
        """A plan that still can be carried out.

        Raises:
            PlanExpired: It is unknown, was used or declined, or is older than a quarter of an hour.
        """
        with self._database.use() as db:
            row = db.execute("SELECT * FROM changes WHERE plan_id = ?", (plan_id,)).fetchone()
        hint = "Ask for the change again to get a fresh plan."
        if row is None:
            raise PlanExpired(f"There is no plan {plan_id!r}.", hint)
        if row["status"] != Outcome.PLANNED.value:
            raise PlanExpired(f"The plan {plan_id!r} was used already (change {row['id']}: {row['status']}).", hint)
        if row["at"] < _now(dt.timedelta(minutes=PLAN_MINUTES)):
            raise PlanExpired(f"The plan {plan_id!r} is older than {PLAN_MINUTES} minutes.", hint)
        return _entry(row)

    def claim(self, plan_id: str, process: str) -> Entry:
        """Take a plan for carrying out, in one atomic step, so that no plan is carried out twice.

        Args:
            process: What tells the process that carries it out, in case it ends in the middle.

        Raises:
            PlanExpired: As `planned`; a plan that another process took a moment ago is used.
        """
        entry = self.planned(plan_id)
        with self._database.use() as db:
            taken = db.execute(
                "UPDATE changes SET status = ?, process = ? WHERE plan_id = ? AND status = ?",
                (APPLYING, process, plan_id, Outcome.PLANNED.value),
            ).rowcount
        return entry if taken else self.planned(plan_id)

    def carried_out(self, change_id: int, records: tuple[Record, ...]) -> None:
        """Keep what was really done so far, which is what an undo has to put back, and what is still to come."""
        with self._database.use() as db:
            steps = dump([held(record) for record in records])
            db.execute("UPDATE changes SET steps = ? WHERE id = ?", (steps, change_id))

    def taking_back(self, change_id: int, why: str) -> None:
        """Keep that a change is being rolled back, for whoever has to find out how that ended."""
        with self._database.use() as db:
            db.execute("UPDATE changes SET reason = ? WHERE id = ?", (redact_text(why), change_id))

    def leave(self, change_id: int, reason: str) -> None:
        """Give a change up whose end could not be seen: whoever comes next finds out how it ended."""
        with self._database.use() as db:
            db.execute("UPDATE changes SET process = '', reason = ? WHERE id = ?", (redact_text(reason), change_id))

    def finish(
        self,
        change_id: int,
        outcome: Outcome,
        reason: str | None = None,
        records: tuple[Record, ...] | None = None,
    ) -> None:
        """Write down how a change ended, and mark what it undid.

        Args:
            records: What was really done, where that is less than what was planned.
        """
        with self._database.transaction() as db:
            db.execute(
                "UPDATE changes SET status = ?, reason = ?, ended_at = ? WHERE id = ?",
                (outcome.value, redact_text(reason) if reason else None, _now(), change_id),
            )
            if records is not None:
                steps = dump([held(record) for record in records])
                db.execute("UPDATE changes SET steps = ? WHERE id = ?", (steps, change_id))
            if outcome in {Outcome.VERIFIED, Outcome.INTERRUPTED}:
                db.execute(
                    "UPDATE changes SET undone_by = ? WHERE id = (SELECT undoes FROM changes WHERE id = ?)",
                    (change_id, change_id),
                )

    def get(self, change_id: int) -> Entry | None:
        """One entry, or None."""
        with self._database.use() as db:
            row = db.execute("SELECT * FROM changes WHERE id = ?", (change_id,)).fetchone()
        return _entry(row) if row else None

    def latest(self, limit: int, *, context: str | None = None) -> list[Entry]:
        """The latest changes that were decided on, newest first; plans nobody answered are left out."""
        with self._database.use() as db:
            rows = db.execute(
                "SELECT * FROM changes WHERE status != ? AND (? IS NULL OR context = ?) ORDER BY id DESC LIMIT ?",
                (Outcome.PLANNED.value, context, context, limit),
            ).fetchall()
        return [_entry(row) for row in rows]

    def in_flight(self, context: str) -> list[Entry]:
        """The changes in a context whose end is not known, oldest first."""
        with self._database.use() as db:
            rows = db.execute(
                "SELECT * FROM changes WHERE status = ? AND context = ? ORDER BY id", (APPLYING, context)
            ).fetchall()
        return [_entry(row) for row in rows]

    def last_reversible(self, context: str, cluster: str = "") -> Entry | None:
        """The latest change in a context (of that cluster) that stands and was not itself an undo."""
        with self._database.use() as db:
            row = db.execute(
                "SELECT * FROM changes WHERE context = ? AND status IN (?, ?) AND undone_by IS NULL AND undoes IS NULL"
                " AND (cluster = '' OR ? IN ('', cluster)) ORDER BY id DESC LIMIT 1",
                (context, Outcome.VERIFIED.value, Outcome.INTERRUPTED.value, cluster),
            ).fetchone()
        return _entry(row) if row else None

    def undoable(self, change_id: int | None, context: str, cluster: str = "", *, but_secrets: bool = False) -> Entry:
        """A change that can be undone in a context and on that cluster; None is the last one.

        Args:
            but_secrets: A Secret whose earlier values are kept nowhere is no reason against it.

        Raises:
            NotFound: There is no such change, or none to undo.
            UsageError: It cannot be undone, and why.
        """
        if change_id is None:
            entry = self.last_reversible(context, cluster)
            if entry is None:
                raise NotFound(f"There is no change to undo in context {context!r}.", _LISTS)
        else:
            entry = self.get(change_id)
            if entry is None or entry.status == Outcome.PLANNED.value:
                raise NotFound(f"There is no change {change_id}.", _LISTS)
        problem = _why_not_undoable(entry, context, cluster, but_secrets=but_secrets)
        if problem:
            raise UsageError(f"Change {entry.id} cannot be undone: {problem}.", "`shipmate history` lists the others.")
        return entry


_LISTS = "`shipmate history` lists them."


def can_be_applied(entry: Entry) -> bool:
    """Whether the entry still holds every value that has to be sent: a secret is not kept."""
    return all(can_be_sent(record) for record in entry.records)


def _why_not_undoable(entry: Entry, context: str, cluster: str, *, but_secrets: bool) -> str | None:
    if entry.is_outside and not entry.plan.reversible:
        back = entry.plan.arguments.get("back")
        made = f"{entry.plan.context} made it, outside of any cluster"
        return f"{made}; `{back}` goes back" if back else made
    if entry.plan.context != context:
        return f"it was made in context {entry.plan.context!r}, and this is {context!r}"
    if not entry.is_of(cluster):
        return f"it was made on another cluster, which was also called {context!r}"
    if entry.undone_by is not None:
        return f"it was undone already, by change {entry.undone_by}"
    if entry.status not in {Outcome.VERIFIED.value, Outcome.INTERRUPTED.value}:
        return f"it ended as {entry.status.replace('_', ' ')}, so there is nothing to put back"
    if not entry.plan.reversible:
        return f"a {entry.plan.action.replace('_', ' ')} leaves nothing that could be put back"
    if not all(can_be_put_back(record) or (but_secrets and is_lost(record)) for record in entry.records):
        return "the earlier value is a secret, which the journal does not keep"
    return None


def _entry(row: sqlite3.Row) -> Entry:
    records = tuple(record_of(kept) for kept in msgspec.json.decode(row["steps"]))
    plan = Plan(
        id=row["plan_id"],
        action=row["action"],
        title=row["title"],
        steps=tuple(record.step for record in records),
        context=row["context"],
        warnings=tuple(msgspec.json.decode(row["warnings"])),
        reversible=bool(row["reversible"]),
        arguments=msgspec.json.decode(row["arguments"]),
        undoes=row["undoes"],
    )
    return Entry(
        id=row["id"],
        plan=plan,
        records=records,
        at=row["at"],
        ended_at=row["ended_at"],
        status=row["status"],
        reason=row["reason"],
        undone_by=row["undone_by"],
        process=row["process"],
        cluster=row["cluster"],
        origin=row["origin"],
    )


def _now(ago: dt.timedelta = dt.timedelta()) -> str:
    return (dt.datetime.now(dt.UTC) - ago).isoformat(timespec="seconds").replace("+00:00", "Z")

"""What must outlive a process that watches: the alerts that stand, counters, silences, and what is not told yet."""

from __future__ import annotations

import datetime as dt
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.database import Database
from mcp_tools.diagnosis.model import Ref
from mcp_tools.errors import NotFound, ShipmateError
from mcp_tools.monitoring.alert import Alert, Severity, State, Transition
from mcp_tools.monitoring.counters import Growth
from mcp_tools.monitoring.silences import Silence
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

FILE = "alerts.db"
"""In the state directory."""
HISTORY_KEPT = 2000
"""Transitions of a scope that are kept; those that are not told yet are kept whatever their number."""
MIGRATIONS = (
    """
    CREATE TABLE scopes (scope TEXT PRIMARY KEY, looked_at TEXT NOT NULL, counted_at TEXT);
    CREATE TABLE alerts (
        scope TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        alert BLOB NOT NULL,
        told INTEGER NOT NULL,
        ceased_at TEXT,
        unseen_since TEXT,
        PRIMARY KEY (scope, fingerprint)
    );
    CREATE TABLE growths (
        scope TEXT NOT NULL,
        series TEXT NOT NULL,
        after TEXT NOT NULL,
        at TEXT NOT NULL,
        by INTEGER NOT NULL,
        value INTEGER NOT NULL
    );
    CREATE INDEX growths_by_series ON growths (scope, series);
    CREATE TABLE transitions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL,
        at TEXT NOT NULL,
        alert BLOB NOT NULL,
        told INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX transitions_by_scope ON transitions (scope, id);
    CREATE TABLE silences (
        id TEXT PRIMARY KEY,
        begins TEXT NOT NULL,
        until TEXT NOT NULL,
        rule TEXT NOT NULL,
        namespace TEXT NOT NULL,
        object TEXT NOT NULL,
        why TEXT NOT NULL,
        made_by TEXT NOT NULL
    )
    """,
    "CREATE TABLE failing (scope TEXT NOT NULL, rule TEXT NOT NULL, why TEXT NOT NULL, PRIMARY KEY (scope, rule))",
)
_SILENCE_COLUMNS = "id, begins, until, rule, namespace, object, why, made_by"


class AlertStoreProblem(ShipmateError):
    """What is known of alerts cannot be read or kept."""

    code = "alert_store"


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert that is pending or firing, with what has to be remembered of it.

    Attributes:
        told: Whether somebody was told that it fires, who is then also told when it is over.
        ceased_at: Since when its condition holds no more, while that may be a short while only.
        unseen_since: Since when nothing can be said of its condition, because what it rests on cannot be read.
        pods: Those that show it; not kept.
    """

    alert: Alert
    told: bool = False
    ceased_at: dt.datetime | None = None
    unseen_since: dt.datetime | None = None
    pods: frozenset[Ref] = frozenset()


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a scope.

    Attributes:
        looked_at: When it was last observed; None where it never was.
        counted_at: When its counters were last looked at.
    """

    standing: tuple[Standing, ...] = ()
    growths: tuple[Growth, ...] = ()
    looked_at: dt.datetime | None = None
    counted_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What one observation made of a scope, written as a whole or not at all.

    Attributes:
        changed: Alerts that stand and are not as they were.
        over: Fingerprints of alerts that do not stand any more.
        failing: Rules whose conditions could not be evaluated, by id, each with why.
    """

    looked_at: dt.datetime
    counted_at: dt.datetime | None
    changed: Sequence[Standing] = ()
    over: Sequence[str] = ()
    growths: Sequence[Growth] = ()
    gone: Iterable[str] = ()
    outdated: dt.datetime | None = None
    transitions: Sequence[Transition] = ()
    failing: Mapping[str, str] = field(default_factory=dict)


def scope_of(connection: Connection, namespace: str | None) -> str:
    """The name of what is watched: one namespace of a cluster, or all of it (None)."""
    return f"{connection.context}/{namespace or '*'}"


class AlertStore:
    """One file for all scopes, shared by all of a user's processes.

    A scope is what one watcher watches: a cluster, or one namespace of it.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and make it where it is absent.

        Raises:
            AlertStoreProblem: It cannot be opened or is no database.
        """
        self._database = Database(path, MIGRATIONS, AlertStoreProblem, "The store of alerts")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def load(self, scope: str) -> Kept:
        """What is known of a scope; errors as `Database.use`."""
        with self._database.use() as db:
            looked = db.execute("SELECT * FROM scopes WHERE scope = ?", (scope,)).fetchone()
            alerts = db.execute("SELECT * FROM alerts WHERE scope = ?", (scope,)).fetchall()
            growths = db.execute("SELECT * FROM growths WHERE scope = ?", (scope,)).fetchall()
        if looked is None:
            return Kept()
        return Kept(
            tuple(_standing(row) for row in alerts),
            tuple(
                Growth(row["series"], _time(row["after"]), _time(row["at"]), row["by"], row["value"]) for row in growths
            ),
            _time(looked["looked_at"]),
            _maybe(looked["counted_at"]),
        )

    def save(self, scope: str, step: Step) -> list[int]:
        """Keep what one observation changed; errors as `Database.use`.

        Returns:
            The numbers of the transitions, in their order.
        """
        with self._database.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO scopes VALUES (?, ?, ?)",
                (scope, step.looked_at.isoformat(), _text(step.counted_at)),
            )
            db.executemany(
                "INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?)",
                [_row(scope, standing) for standing in step.changed],
            )
            db.executemany(
                "DELETE FROM alerts WHERE scope = ? AND fingerprint = ?", [(scope, mark) for mark in step.over]
            )
            db.execute("DELETE FROM failing WHERE scope = ?", (scope,))
            db.executemany("INSERT INTO failing VALUES (?, ?, ?)", [(scope, *item) for item in step.failing.items()])
            self._count(db, scope, step)
            return [self._add_transition(db, scope, step.looked_at, item) for item in step.transitions]

    @staticmethod
    def _count(db: sqlite3.Connection, scope: str, step: Step) -> None:
        db.executemany("DELETE FROM growths WHERE scope = ? AND series = ?", [(scope, name) for name in step.gone])
        db.executemany(
            "INSERT INTO growths VALUES (?, ?, ?, ?, ?, ?)",
            [(scope, g.series, g.after.isoformat(), g.at.isoformat(), g.by, g.value) for g in step.growths],
        )
        if step.growths and step.outdated:
            # The newest of a series says where its counter stands and stays, however old it is.
            db.execute(
                "DELETE FROM growths WHERE scope = ? AND after < ? AND rowid NOT IN"
                " (SELECT max(rowid) FROM growths WHERE scope = ? GROUP BY series)",
                (scope, step.outdated.isoformat(), scope),
            )

    @staticmethod
    def _add_transition(db: sqlite3.Connection, scope: str, at: dt.datetime, transition: Transition) -> int:
        cursor = db.execute(
            "INSERT INTO transitions (scope, at, alert) VALUES (?, ?, ?)",
            (scope, at.isoformat(), _packed(transition.alert)),
        )
        number = int(cursor.lastrowid or 0)
        db.execute(
            "DELETE FROM transitions WHERE scope = ? AND told AND id <= ("
            "SELECT id FROM transitions WHERE scope = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (scope, scope, HISTORY_KEPT),
        )
        return number

    def looked_at(self, scope: str) -> dt.datetime | None:
        """When a watcher last looked at a scope."""
        with self._database.use() as db:
            row = db.execute("SELECT looked_at FROM scopes WHERE scope = ?", (scope,)).fetchone()
        return _time(row["looked_at"]) if row else None

    def failing(self, scope: str) -> dict[str, str]:
        """The rules that a watcher could not evaluate at its last look, by id, each with why."""
        with self._database.use() as db:
            rows = db.execute("SELECT rule, why FROM failing WHERE scope = ? ORDER BY rule", (scope,)).fetchall()
        return {row["rule"]: row["why"] for row in rows}

    def untold(self, scope: str) -> list[tuple[int, Transition]]:
        """Transitions that nobody has acknowledged, the oldest first, by their numbers."""
        with self._database.use() as db:
            rows = db.execute(
                "SELECT id, alert FROM transitions WHERE scope = ? AND NOT told ORDER BY id", (scope,)
            ).fetchall()
        return [(row["id"], Transition(_unpacked(row["alert"]))) for row in rows]

    def mark_told(self, numbers: Iterable[int]) -> None:
        """Acknowledge transitions: they reached whoever wanted to know."""
        with self._database.transaction() as db:
            db.executemany("UPDATE transitions SET told = 1 WHERE id = ?", [(number,) for number in numbers])

    def history(self, scope: str, limit: int) -> list[tuple[dt.datetime, Alert]]:
        """The latest transitions, the newest first, each with its moment."""
        with self._database.use() as db:
            rows = db.execute(
                "SELECT at, alert FROM transitions WHERE scope = ? ORDER BY id DESC LIMIT ?", (scope, limit)
            ).fetchall()
        return [(_time(row["at"]), _unpacked(row["alert"])) for row in rows]

    def add_silence(self, silence: Silence) -> Silence:
        """Keep a silence; where it has no id it gets one, and what it says passes the redaction."""
        made = replace(silence, id=silence.id or secrets.token_hex(3), why=redact_text(silence.why))
        with self._database.use() as db:
            db.execute(
                f"INSERT INTO silences ({_SILENCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  a constant
                (
                    made.id,
                    made.begins.isoformat(),
                    made.until.isoformat(),
                    made.rule,
                    made.namespace,
                    made.object,
                    made.why,
                    made.by,
                ),
            )
        return made

    def silences(self, at: dt.datetime | None = None) -> list[Silence]:
        """Those in force at a moment (default: this one), the one that ends first at the beginning."""
        moment = at or dt.datetime.now(dt.UTC)
        with self._database.use() as db:
            rows = db.execute("SELECT * FROM silences WHERE until > ? ORDER BY until", (moment.isoformat(),)).fetchall()
        return [silence for row in rows if (silence := _silence(row)).holds(moment)]

    def end_silence(self, id: str, at: dt.datetime | None = None) -> Silence:  # noqa: A002  its name
        """Let a silence end at a moment (default: this one).

        Raises:
            NotFound: None of this id is in force.
        """
        moment = at or dt.datetime.now(dt.UTC)
        found = next((silence for silence in self.silences(moment) if silence.id == id), None)
        if found is None:
            raise NotFound(f"There is no silence {id!r} in force.", "`shipmate alerts silences` lists them.")
        with self._database.use() as db:
            db.execute("UPDATE silences SET until = ? WHERE id = ?", (moment.isoformat(), id))
        return replace(found, until=moment)


def _row(scope: str, standing: Standing) -> tuple[Any, ...]:
    return (
        scope,
        standing.alert.fingerprint,
        _packed(standing.alert),
        standing.told,
        _text(standing.ceased_at),
        _text(standing.unseen_since),
    )


def _standing(row: sqlite3.Row) -> Standing:
    return Standing(_unpacked(row["alert"]), bool(row["told"]), _maybe(row["ceased_at"]), _maybe(row["unseen_since"]))


def _packed(alert: Alert) -> bytes:
    return msgspec.json.encode(alert)


def _unpacked(raw: bytes) -> Alert:
    held = msgspec.json.decode(raw)
    return Alert(
        rule=held["rule"],
        severity=Severity(held["severity"]),
        object=Ref(**held["object"]),
        summary=held["summary"],
        since=_time(held["since"]),
        state=State(held["state"]),
        evidence=tuple(held["evidence"]),
        labels=held["labels"],
        fired_at=_maybe(held["fired_at"]),
        resolved_at=_maybe(held["resolved_at"]),
        inhibited_by=held["inhibited_by"],
        silenced_by=held["silenced_by"],
    )


def _silence(row: sqlite3.Row) -> Silence:
    return Silence(
        row["id"],
        _time(row["begins"]),
        _time(row["until"]),
        row["rule"],
        row["namespace"],
        row["object"],
        row["why"],
        row["made_by"],
    )


def _text(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _maybe(text: str | None) -> dt.datetime | None:
    return _time(text) if text else None


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)

"""The checks of the past, for the trend: SQLite, bounded by number and by age."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.database import Database
from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from mcp_tools.health.assessing import Assessed, Assessment

MIGRATIONS = (
    """
    CREATE TABLE checks (
        id INTEGER PRIMARY KEY,
        cluster TEXT NOT NULL,
        scope TEXT NOT NULL,
        at REAL NOT NULL,
        objects BLOB NOT NULL
    );
    CREATE INDEX checks_by_time ON checks (cluster, at);
    CREATE TABLE scores (
        check_id INTEGER NOT NULL REFERENCES checks (id),
        place TEXT NOT NULL,
        score REAL NOT NULL,
        PRIMARY KEY (check_id, place)
    ) WITHOUT ROWID
    """,
)
KEPT_SECONDS = 14 * 24 * 3600.0
MOST_CHECKS = 1000
"""Of one cluster."""
APART_SECONDS = 60.0
"""Of checks of the same scope that are closer to each other one is kept: a dashboard looks every few seconds."""
MOST_OBJECTS = 1000
"""Of one check, the worst first."""
HOUR = 3600.0
MOST_POINTS = 30
Objects = dict[str, tuple[float, dict[str, float]]]
"""Score and lost points by part, by `namespace/kind/name`."""


class HistoryProblem(ShipmateError):
    """The checks of the past cannot be read or written; the present one is told all the same."""

    code = "health_history"


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier check of the same place.

    Attributes:
        seconds: How long ago.
        points: The scores from then on until now, oldest first, this check's not among them.
    """

    score: float
    seconds: float
    objects: Objects = field(repr=False)
    points: tuple[float, ...] = ()


class History:
    """The checks of all clusters in one file."""

    def __init__(self, path: Path) -> None:
        """Open the file, make it where it is absent.

        Raises:
            HistoryProblem: It cannot be opened or is no database.
        """
        self._database = Database(path, MIGRATIONS, HistoryProblem, "The history of health checks")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def earlier(self, cluster: str, namespace: str | None, now: dt.datetime) -> Earlier | None:
        """What to compare with: the last check that is an hour old, else the oldest.

        Args:
            cluster: What tells it from others, wherever it is reached.
            namespace: None for the whole cluster.
        """
        moment = now.timestamp()
        with self._database.use() as db:
            rows = db.execute(
                "SELECT id, at, score FROM checks JOIN scores ON check_id = id"
                " WHERE cluster = ? AND place = ? AND at >= ? AND at < ? ORDER BY at",
                (cluster, namespace or "", moment - KEPT_SECONDS, moment),
            ).fetchall()
            if not rows:
                return None
            old = [row for row in rows if row["at"] <= moment - HOUR]
            chosen = old[-1] if old else rows[0]
            blob = db.execute("SELECT objects FROM checks WHERE id = ?", (chosen["id"],)).fetchone()[0]
        points = [row["score"] for row in rows if row["at"] >= chosen["at"]]
        step = max(1, -(-len(points) // MOST_POINTS))
        objects = msgspec.json.decode(zlib.decompress(blob), type=Objects)
        return Earlier(chosen["score"], moment - chosen["at"], objects, tuple(points[::step]))

    def keep(self, cluster: str, found: Assessment) -> None:
        """Keep a check, and let go of what is too old or too much."""
        if found.whole is None:
            return
        scope, moment = found.observation.snapshot.namespace, found.observation.at.timestamp()
        places = {name: score.value for name, score in found.namespaces.items()}
        places[scope] = found.whole.value
        with self._database.transaction() as db:
            near = db.execute(
                "SELECT 1 FROM checks WHERE cluster = ? AND scope = ? AND at > ?",
                (cluster, scope, moment - APART_SECONDS),
            ).fetchone()
            if near:
                return
            row = db.execute(
                "INSERT INTO checks (cluster, scope, at, objects) VALUES (?, ?, ?, ?)",
                (cluster, scope, moment, _packed([*found.workloads, *found.nodes])),
            )
            db.executemany(
                "INSERT INTO scores VALUES (?, ?, ?)",
                [(row.lastrowid, place, score) for place, score in places.items()],
            )
            old = (
                "SELECT id FROM checks WHERE at < ? UNION SELECT id FROM (SELECT id FROM checks WHERE cluster = ?"
                " ORDER BY at DESC LIMIT -1 OFFSET ?)"
            )
            gone = [(each["id"],) for each in db.execute(old, (moment - KEPT_SECONDS, cluster, MOST_CHECKS))]
            db.executemany("DELETE FROM scores WHERE check_id = ?", gone)
            db.executemany("DELETE FROM checks WHERE id = ?", gone)


def key_of(found: Assessed) -> str:
    """An object as it is kept: `namespace/kind/name`."""
    ref = found.ref
    return f"{ref.namespace}/{ref.kind.lower()}/{ref.name}"


def _packed(found: list[Assessed]) -> bytes:
    worst = sorted(found, key=lambda each: each.score.value)[:MOST_OBJECTS]
    objects: Objects = {
        key_of(each): (
            round(each.score.value, 1),
            {part.value: round(points, 1) for part, points in each.score.lost.items() if points >= 0.1},  # noqa: PLR2004  a tenth
        )
        for each in worst
    }
    return zlib.compress(msgspec.json.encode(objects))

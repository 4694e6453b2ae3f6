"""What was measured, in SQLite: a row for each container of a workload, and one for each container of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mcp_tools.database import Database
from mcp_tools.errors import ShipmateError
from mcp_tools.usage.aggregate import (
    CPU_BUCKETS,
    DAY,
    HALF_LIFE,
    MEMORY_BUCKETS,
    REMEMBERED_DAYS,
    Aggregate,
    Instance,
)
from mcp_tools.usage.histogram import Buckets, DecayingHistogram

if TYPE_CHECKING:
    import sqlite3

MOST_AGGREGATES = 20_000
MOST_INSTANCES = 100_000
INSTANCE_DAYS = 2
"""A pod that was not seen for so long is gone."""
FILE = "usage.db"
MIGRATIONS = (
    """CREATE TABLE aggregates (cluster TEXT, namespace TEXT, kind TEXT, workload TEXT, container TEXT, last REAL,
    body BLOB, PRIMARY KEY (cluster, namespace, kind, workload, container)) WITHOUT ROWID;
    CREATE INDEX aggregates_last ON aggregates (last);
    CREATE TABLE instances (cluster TEXT, namespace TEXT, pod TEXT, container TEXT, last REAL, body BLOB,
    PRIMARY KEY (cluster, namespace, pod, container)) WITHOUT ROWID;
    CREATE INDEX instances_last ON instances (last)""",
)


class UsageProblem(ShipmateError):
    """What was measured cannot be read or written."""

    code = "usage_store"


class Owner(NamedTuple):
    """Whose use it is: the containers of one name of a workload."""

    namespace: str
    kind: str
    workload: str
    container: str


class Place(NamedTuple):
    """One container of one pod."""

    namespace: str
    pod: str
    container: str


class _Histogram(msgspec.Struct, array_like=True):
    weights: dict[int, float]
    total: float
    reference: float

    @classmethod
    def of(cls, held: DecayingHistogram) -> _Histogram:
        return cls(held.weights, held.total, held.reference)

    def histogram(self, buckets: Buckets) -> DecayingHistogram:
        return DecayingHistogram(buckets, HALF_LIFE, self.weights, self.total, self.reference)


class _Row(msgspec.Struct, array_like=True):
    cpu: _Histogram
    memory: _Histogram
    first: float
    last: float
    samples: int
    cpu_peaks: dict[int, float]
    memory_peaks: dict[int, float]
    oom_needs: dict[int, float]
    ooms: int
    last_oom: float


_encode = msgspec.msgpack.Encoder().encode
_row = msgspec.msgpack.Decoder(_Row)
_instance = msgspec.msgpack.Decoder(Instance)


class UsageStore:
    """What was measured of all clusters, in one file shared by all of a user's processes.

    It is bounded: what was not measured for eight days goes, and the oldest where there are too many workloads.

    Raises:
        UsageProblem: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path, MIGRATIONS, UsageProblem, "What was measured")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def read(self, cluster: str, namespace: str | None = None) -> dict[Owner, Aggregate]:
        """What was measured in one namespace of a cluster, or in all.

        Raises:
            UsageProblem: It cannot be read.
        """
        with self._database.use() as db:
            return dict(_aggregates(db, cluster, namespace))

    @contextmanager
    def updating(self, cluster: str, namespace: str | None, now: float) -> Iterator[Ledger]:
        """Read what was measured in a namespace, or in all, and write what is changed in the block, as one transaction.

        Two processes that record at the same time take turns.

        Args:
            now: Seconds since 1970; what is older than is remembered goes.

        Raises:
            UsageProblem: It cannot be read or written.
        """
        with self._database.transaction() as db:
            ledger = Ledger(dict(_aggregates(db, cluster, namespace)), dict(_instances(db, cluster, namespace)))
            yield ledger
            db.executemany(
                "INSERT OR REPLACE INTO aggregates VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (cluster, *owner, max(held.last, held.last_oom), _packed(held))
                    for owner, held in ledger.changed_aggregates.items()
                ],
            )
            db.executemany(
                "INSERT OR REPLACE INTO instances VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (cluster, *place, max(one.last_cpu, one.last_memory), _encode(one))
                    for place, one in ledger.changed_instances.items()
                ],
            )
            _forget(db, now)


class Ledger:
    """What is held of a namespace while something is added to it."""

    def __init__(self, aggregates: Mapping[Owner, Aggregate], instances: Mapping[Place, Instance]) -> None:
        self._aggregates = dict(aggregates)
        self._instances = dict(instances)
        self.changed_aggregates: dict[Owner, Aggregate] = {}
        self.changed_instances: dict[Place, Instance] = {}

    def aggregate(self, owner: Owner) -> Aggregate:
        """What a workload's container used, to be added to."""
        held = self._aggregates.setdefault(owner, Aggregate())
        self.changed_aggregates[owner] = held
        return held

    def instance(self, place: Place) -> Instance:
        """What is remembered of a pod's container, to be changed."""
        held = self._instances.setdefault(place, Instance())
        self.changed_instances[place] = held
        return held


def _aggregates(db: sqlite3.Connection, cluster: str, namespace: str | None) -> Iterator[tuple[Owner, Aggregate]]:
    query = "SELECT namespace, kind, workload, container, body FROM aggregates WHERE cluster = ?"
    for row in _selected(db, query, cluster, namespace):
        yield Owner(*row[:4]), _unpacked(row["body"])


def _instances(db: sqlite3.Connection, cluster: str, namespace: str | None) -> Iterator[tuple[Place, Instance]]:
    query = "SELECT namespace, pod, container, body FROM instances WHERE cluster = ?"
    for row in _selected(db, query, cluster, namespace):
        yield Place(*row[:3]), _instance.decode(row["body"])


def _selected(db: sqlite3.Connection, query: str, cluster: str, namespace: str | None) -> sqlite3.Cursor:
    if namespace is None:
        return db.execute(query, (cluster,))
    return db.execute(f"{query} AND namespace = ?", (cluster, namespace))


def _packed(held: Aggregate) -> bytes:
    row = _Row(
        _Histogram.of(held.cpu),
        _Histogram.of(held.memory),
        held.first,
        held.last,
        held.samples,
        held.cpu_peaks,
        held.memory_peaks,
        held.oom_needs,
        held.ooms,
        held.last_oom,
    )
    return _encode(row)


def _unpacked(body: bytes) -> Aggregate:
    row = _row.decode(body)
    return Aggregate(
        row.cpu.histogram(CPU_BUCKETS),
        row.memory.histogram(MEMORY_BUCKETS),
        row.first,
        row.last,
        row.samples,
        row.cpu_peaks,
        row.memory_peaks,
        row.oom_needs,
        row.ooms,
        row.last_oom,
    )


def _forget(db: sqlite3.Connection, now: float) -> None:
    for table, days, most in (
        ("aggregates", REMEMBERED_DAYS, MOST_AGGREGATES),
        ("instances", INSTANCE_DAYS, MOST_INSTANCES),
    ):
        db.execute(f"DELETE FROM {table} WHERE last < ?", (now - days * DAY,))  # noqa: S608  two names of ours
        if db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > most:  # noqa: S608
            db.execute(
                f"DELETE FROM {table} WHERE last <= (SELECT last FROM {table} ORDER BY last DESC LIMIT 1 OFFSET ?)",  # noqa: S608
                (most,),
            )

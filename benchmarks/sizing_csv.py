"""Published traces of use: a CSV file with a column of times and a column of what one container or machine used."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcp_tools.errors import UsageError

UNITS = {
    "percent": 0.01,
    "cores": 1.0,
    "millicores": 0.001,
    "bytes": 1.0,
    "KB": 1e3,
    "KiB": 2.0**10,
    "MB": 1e6,
    "MiB": 2.0**20,
    "GB": 1e9,
    "GiB": 2.0**30,
}
"""How many cores or bytes one of each is; per cent are of one core."""
OF_CPU = frozenset({"percent", "cores", "millicores"})
SEPARATORS = ";,\t"
MILLISECONDS = 1e11
"""Seconds since 1970 reach this in the year 5138: more are milliseconds."""


class BadTrace(UsageError):
    """A file is no trace, or not in the way that was said."""

    code = "trace"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read.

    Attributes:
        unit: One of `UNITS`.
        column: The column of use; empty for the only one beside the time.
        time: The column of times; empty for the first.
        time_format: As for `strptime`; empty for ISO 8601 or seconds or milliseconds since 1970. Times without an
            offset are UTC.
        cores: Of which `percent` are a part: a number, or a column that has it.
    """

    unit: str
    column: str = ""
    time: str = ""
    time_format: str = ""
    cores: str = "1"


@dataclass(frozen=True, slots=True)
class Point:
    """What was used at a moment (seconds since 1970): cores, or bytes."""

    at: float
    value: float


def read(path: Path, how: Reading) -> list[Point]:
    """The points of a file in their order; of several of one moment the first, as the recorder has it.

    Raises:
        BadTrace: It cannot be read, lacks a column, has a value that is none, or times that go backwards.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            points = list(_points(path, file, how))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadTrace(f"{path} cannot be read: {error}.", "Give a CSV file in UTF-8.") from error
    if not points:
        raise BadTrace(f"{path} has no samples.", "Give a CSV file with a line of names and lines of numbers.")
    return points


def _points(path: Path, lines: Iterator[str], how: Reading) -> Iterator[Point]:
    head = next(lines, "")
    separator = max(SEPARATORS, key=head.count)
    rows = csv.reader(itertools.chain([head], lines), delimiter=separator)
    names = [name.strip() for name in next(rows, [])]
    time, column = _columns(path, names, how)
    cores = _column(path, names, how.cores) if how.unit == "percent" and _number(how.cores) is None else None
    last = -math.inf
    for row in rows:
        if not row:
            continue
        place = f"{path}, line {rows.line_num}"
        if len(row) != len(names):
            raise BadTrace(f"{place} has {len(row)} columns instead of {len(names)}.", "Mend or remove the line.")
        at = _moment(place, row[time].strip(), how.time_format)
        if at < last:
            raise BadTrace(f"{place} is of a time before that of the line above.", "Sort the lines by time.")
        value = _amount(place, row[column]) * UNITS[how.unit]
        if how.unit == "percent":
            value *= _amount(place, how.cores if cores is None else row[cores])
        if at > last:
            yield Point(at, value)
        last = at


def _columns(path: Path, names: list[str], how: Reading) -> tuple[int, int]:
    """Where the times are, and where use is."""
    time = _column(path, names, how.time) if how.time else 0
    if how.column:
        return time, _column(path, names, how.column)
    others = [index for index in range(len(names)) if index != time]
    if len(others) != 1:
        raise BadTrace(f"{path} has the columns {_listed(names)}.", "Say with --column which of them is use.")
    return time, others[0]


def _column(path: Path, names: list[str], name: str) -> int:
    if name not in names:
        raise BadTrace(f"{path} has no column {name!r}.", f"It has {_listed(names)}.")
    return names.index(name)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names if name) or "none"


def _amount(place: str, text: str) -> float:
    value = _number(text)
    if value is None or value < 0:
        raise BadTrace(f"{place} has {text.strip()!r} where an amount was expected.", "Mend or remove the line.")
    return value


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _moment(place: str, text: str, form: str) -> float:
    if not form and (number := _number(text)) is not None:
        return number / 1000 if number >= MILLISECONDS else number
    try:
        moment = dt.datetime.strptime(text, form) if form else dt.datetime.fromisoformat(text)  # noqa: DTZ007
    except ValueError:
        raise BadTrace(
            f"{place} has {text!r} where a time was expected.", "Say with --time-format how times are written."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()

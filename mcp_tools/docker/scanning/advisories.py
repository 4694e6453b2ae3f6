"""Advisories in the OSV format (OSV schema 1.7), from a file, a folder, an archive, or an address asked for."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from mcp_tools.errors import ShipmateError, UsageError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.model import Coverage

MAX_DOWNLOAD = 4 * 1024**3
MAX_RECORD = 64 * 1024 * 1024
SECONDS = 60
_BLOCK = 1024 * 1024
_MOST_PROBLEMS = 5
_SUFFIXES = {".json", ".jsonl", ".zip"}
_ZIP = b"PK\x03\x04"


class AdvisedPackage(msgspec.Struct):
    """Which package of which ecosystem."""

    name: str = ""
    ecosystem: str = ""


class Event(msgspec.Struct, omit_defaults=True):
    """A version at which something changes; exactly one field is set."""

    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class Range(msgspec.Struct):
    """Versions between events."""

    type: str = ""
    events: list[Event] = []


class Score(msgspec.Struct):
    """A severity: a CVSS vector, or a distribution's own word."""

    type: str = ""
    score: Any = ""


class Affected(msgspec.Struct):
    """One package that an advisory is about."""

    package: AdvisedPackage | None = None
    severity: list[Score] | None = None
    ranges: list[Range] | None = None
    versions: list[str] | None = None
    ecosystem_specific: Any = None
    database_specific: Any = None


class Advisory(msgspec.Struct):
    """One record; `vulns` is there where it is an answer of OSV's API, which holds several."""

    id: str = ""
    modified: str = ""
    withdrawn: str | None = None
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    related: list[str] | None = None
    summary: str | None = None
    severity: list[Score] | None = None
    affected: list[Affected] | None = None
    database_specific: Any = None
    vulns: list[Advisory] | None = None


_ONE = msgspec.json.Decoder(Advisory)
_SEVERAL = msgspec.json.Decoder(list[Advisory])


def read_advisories(database: str | Path, coverage: Coverage) -> Iterator[Advisory]:
    """The advisories of a database that are not withdrawn, one at a time.

    Args:
        database: A record or several as `.json` or `.jsonl`, an `all.zip` of OSV, a folder of such files, or an
            `https://` or `http://` address of one; only then, and only there, something is fetched.
        coverage: Told what was read, and what was not.

    Raises:
        UsageError: There is no such file, or nothing in it is an advisory.
        ShipmateError: The address did not give it.
    """
    before = coverage.records
    with _file_of(str(database)) as path:
        for name, content in _contents(path, coverage):
            for advisory in _decoded(name, content, coverage):
                coverage.records += 1
                coverage.newest = max(coverage.newest, advisory.modified)
                if advisory.withdrawn is None:
                    yield advisory
    if coverage.records == before:
        raise UsageError(
            f"{redact_text(str(database))} holds no advisory in the OSV format.",
            "Name a file, folder or archive of OSV records, such as the all.zip of an ecosystem.",
        )


@contextmanager
def _file_of(database: str) -> Iterator[Path]:
    if database.startswith(("https://", "http://")):
        with tempfile.NamedTemporaryFile(prefix="shipmate-osv-") as file:
            _fetch(database, file)
            yield Path(file.name)
        return
    path = Path(database).expanduser()
    if not path.exists():
        raise UsageError(f"There is no vulnerability database at {path}.", "Name a file or folder of OSV records.")
    yield path


def _fetch(address: str, file: Any) -> None:
    from http.client import HTTPException
    from urllib.request import urlopen

    shown = redact_text(address)
    hint = "Check the address, or download the file by other means and name it."
    try:
        with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310  http and https only, checked
            received = 0
            while block := answer.read(_BLOCK):
                received += len(block)
                if received > MAX_DOWNLOAD:
                    raise ShipmateError(f"{shown} gives more than {MAX_DOWNLOAD >> 30} GiB.", hint)
                file.write(block)
            if answer.length:
                raise ShipmateError(f"{shown} broke off, {answer.length} bytes before its end.", "Try again.")
            file.flush()
    except (OSError, ValueError, HTTPException) as error:
        raise ShipmateError(f"{shown} did not give the vulnerability database: {error}", hint) from error


def _contents(path: Path, coverage: Coverage) -> Iterator[tuple[str, bytes]]:
    """Each document: its name for messages, and what it holds."""
    if path.is_dir():
        for one in sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES and one.is_file()):
            yield from _contents(one, coverage)
        return
    try:
        with path.open("rb") as file:
            if file.read(4) == _ZIP:
                yield from _unzipped(path, coverage)
                return
            file.seek(0)
            if path.suffix == ".jsonl":
                yield from ((path.name, line) for line in file if line.strip())
                return
            yield from _bounded(path.name, file, path.stat().st_size, coverage)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        _problem(coverage, f"{path.name} could not be read ({error}).")


def _unzipped(path: Path, coverage: Coverage) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".json"):
                with archive.open(entry) as file:
                    yield from _bounded(entry.filename, file, entry.file_size, coverage)


def _bounded(name: str, file: IO[bytes], size: int, coverage: Coverage) -> Iterator[tuple[str, bytes]]:
    if size > MAX_RECORD:
        _problem(coverage, f"{name} was not read: it has {size} bytes.")
    else:
        yield name, file.read(MAX_RECORD)


def _decoded(name: str, content: bytes, coverage: Coverage) -> list[Advisory]:
    try:
        found = _SEVERAL.decode(content) if content.lstrip()[:1] == b"[" else [_ONE.decode(content)]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        _problem(coverage, f"{name} is no OSV record.")
        return []
    flat = [one for advisory in found for one in (advisory.vulns or [] if not advisory.id else [advisory])]
    return [advisory for advisory in flat if advisory.id]


def _problem(coverage: Coverage, text: str) -> None:
    # The rest of a damaged database says the same.
    if len(coverage.problems) < _MOST_PROBLEMS:
        coverage.problems.append(text)
    elif len(coverage.problems) == _MOST_PROBLEMS:
        coverage.problems.append("More of the database could not be read.")

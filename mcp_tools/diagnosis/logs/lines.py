"""One log line: its time, its level, and what it says, whatever format it is written in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Level = Literal["fatal", "error", "warning", "info", "debug", ""]
WIDTH = 4000
_STAMP = re.compile(
    r"^\[?(?P<time>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)\]?[ \t]*"
)
_STAMPS = frozenset("[0123456789")
_NAMES: dict[str, Level] = {
    **dict.fromkeys(("fatal", "panic", "emerg", "emergency", "alert", "critical", "crit", "severe"), "fatal"),
    **dict.fromkeys(("error", "err"), "error"),
    **dict.fromkeys(("warning", "warn"), "warning"),
    **dict.fromkeys(("info", "notice", "log", "information"), "info"),
    **dict.fromkeys(("debug", "trace", "verbose"), "debug"),
}
_STATED = re.compile(r"\b(?:level|severity|lvl|levelname)=\"?(?P<level>\w+)", re.IGNORECASE)
_LEADING = re.compile(rf"^(?:[\w.\[\]-]+ ){{0,3}}?\W?(?P<level>{'|'.join(_NAMES)})\b(?:[\]:>|\s]|$)", re.IGNORECASE)
_KLOG = re.compile(r"^(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d")
_KLOG_NAMES: dict[str, Level] = {"I": "info", "W": "warning", "E": "error", "F": "fatal"}
_GUESS = re.compile(
    r"\b(?:panic|fatal|exception|traceback|failed|failure|refused|denied|cannot|unable to|not found)\b"
    r"|\berror\b|\w(?:Error|Exception)\b|\bE[A-Z]{4,}\b"
)
_NO_FAILURE = re.compile(
    r"\b(?:0|no|without) (?:errors?|failures?|failed)\b|\b(?:errors?|failed)[=:] ?0\b", re.IGNORECASE
)
# pino and bunyan count levels: 30 is info, 60 fatal.
_NUMBERS: tuple[tuple[int, Level], ...] = ((60, "fatal"), (50, "error"), (40, "warning"), (30, "info"), (0, "debug"))
_MESSAGES = ("message", "msg", "event", "log", "text")
_ERRORS = ("error", "err", "exception", "exc_info", "stack", "stack_trace", "stacktrace")
_TIMES = ("time", "timestamp", "ts", "@timestamp")


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        text: What it says, without time and wrapping; of JSON the message.
        error: Of JSON the error's own text, which may have several lines.
        time: As it was written; empty where the line has none.
        level: Stated, or guessed from the words; empty where nothing tells.
    """

    text: str
    error: str = ""
    time: str = ""
    level: Level = ""


def split_time(raw: str) -> tuple[str, str]:
    """The time in front of a line, empty where there is none, and the rest, bounded."""
    text = raw[:WIDTH].rstrip()
    stamp = _STAMP.match(text) if text[:1] in _STAMPS else None
    return (stamp["time"], text[stamp.end() :]) if stamp else ("", text)


def read_line(raw: str) -> Line:
    """Read a line; what is no known format is its own text."""
    time, text = split_time(raw)
    if text[:1] == "{" and (fields := _fields(text)) is not None:
        return _of_fields(fields, text, time)
    return Line(text, "", time, level_of(text))


def level_of(text: str) -> Level:
    """The level that a line of text states, or the one that its words suggest."""
    if klog := _KLOG.match(text):
        return _KLOG_NAMES[klog["level"]]
    if stated := _STATED.search(text) or _LEADING.match(text[:80]):
        return _NAMES.get(stated["level"].lower(), "")
    return "error" if _GUESS.search(text) and not _NO_FAILURE.search(text) else ""


def _fields(text: str) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of_fields(fields: dict[str, Any], text: str, time: str) -> Line:
    message = next((str(fields[key]) for key in _MESSAGES if fields.get(key)), "")
    error = next((_error(fields[key]) for key in _ERRORS if fields.get(key)), "")
    written = next((str(fields[key]) for key in _TIMES if fields.get(key)), "")
    stated = next((fields[key] for key in ("level", "severity", "lvl", "levelname") if key in fields), "")
    if isinstance(stated, int) and not isinstance(stated, bool):
        level: Level = next((name for least, name in _NUMBERS if stated >= least), "debug")
    else:
        level = _NAMES.get(str(stated).lower(), "") or ("error" if error else level_of(message))
    return Line((message or error or text)[:WIDTH], error[:WIDTH], time or written, level)


def _error(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    parts = [str(value[key]) for key in ("type", "name", "message", "msg") if value.get(key)]
    return str(value.get("stack") or ": ".join(parts) or value)

"""A log in a dozen lines: its traces folded, its templates counted, and the first error after the last good time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_tools.diagnosis.logs.lines import Level, Line, level_of, read_line, split_time
from mcp_tools.diagnosis.logs.templates import SHAPES, WIDTH, Miner, mask
from mcp_tools.diagnosis.logs.traces import Trace, traces_in

TOLD = 12
ENDING = 12
"""Lines before the end among which an error is taken for what ended the program."""
BAD: frozenset[Level] = frozenset({"fatal", "error"})
_RANK: dict[Level, int] = {"fatal": 0, "error": 1, "warning": 2, "info": 4, "debug": 5, "": 3}


@dataclass(slots=True)
class Entry:
    """Lines, or traces, that say the same.

    Attributes:
        text: The template, or the line of a trace that matters.
        first, last: When it was said first and last; empty where the lines have no times.
        trace: For folded traces.
    """

    text: str
    level: Level
    count: int = 0
    first: str = ""
    last: str = ""
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """What a log says.

    Attributes:
        entries: The worst first, then the commonest; at most `TOLD`.
        first_error: The first line or trace that says that something is wrong, after the last good time.
        last_words: What the log ends with: a trace, else an error, else the last line that is no part of a stack.
        lines: How many were read.
        more: How many entries are not told.
        unsorted: How many lines fitted no template when there were too many.
    """

    entries: tuple[Entry, ...] = ()
    first_error: Entry | None = None
    last_words: str = ""
    lines: int = 0
    more: int = 0
    unsorted: int = 0


def digest(lines: Sequence[str], good_until: str = "") -> Digest:
    """Digest the lines of a log, oldest first.

    Args:
        lines: Bounded and redacted.
        good_until: RFC 3339: until then all was well, and what was said before is not the first error.
    """
    collected = _Collected(good_until)
    bodies = [_body(raw) for raw in lines]
    traces = {trace.first: trace for trace in traces_in([line.text for line in bodies])}
    position = 0
    while position < len(bodies):
        line, trace = bodies[position], traces.get(position)
        if trace is None and "\n" in line.error:
            inner = next(traces_in(line.error.splitlines()), None)
            collected.add(line, position, inner)
        else:
            collected.add(line, position, trace)
        position = max(position + 1, trace.end if trace else 0)
    ordered = sorted(collected.entries.values(), key=lambda each: (_RANK[each.level], -each.count))
    more = max(0, len(ordered) - TOLD)
    words = _last_words(bodies, list(traces.values()))
    return Digest(tuple(ordered[:TOLD]), collected.first_error, words, len(lines), more, collected.miner.unsorted)


def _last_words(bodies: Sequence[Line], traces: Sequence[Trace]) -> str:
    said = [index for index, line in enumerate(bodies) if line.text.strip()][-ENDING:]
    if traces and said and traces[-1].end > said[0]:
        return str(traces[-1])
    told = [bodies[index] for index in said if not bodies[index].text.startswith((" ", "\t"))]
    wrong = [line for line in told if (line.level or level_of(line.text)) in BAD]
    return next((line.text.strip() for line in (wrong or told)[::-1]), "")


def _body(raw: str) -> Line:
    """A line whose level is found later, once for all lines of its shape, unless it is JSON and states it."""
    time, text = split_time(raw)
    return read_line(raw) if text[:1] == "{" else Line(text, "", time)


class _Collected:
    """What was said so far."""

    def __init__(self, good_until: str) -> None:
        self.miner = Miner()
        self.entries: dict[object, Entry] = {}
        self.first_error: Entry | None = None
        self._good_until = good_until
        self._levels: dict[str, Level] = {}

    def add(self, line: Line, position: int, trace: Trace | None) -> None:
        """Count a line, or the trace that begins with it."""
        if trace is not None:
            self._count((trace.root.error, trace.root.place), str(trace), "error", line, trace)
        elif line.text:
            masked = mask(line.text)
            level = line.level or self._level(masked, line.text)
            template = self.miner.add(masked, line.text, position, level)
            if template is not None:
                self._count(id(template), template.text, level, line, None)

    def _level(self, masked: str, text: str) -> Level:
        level = self._levels.get(masked)
        if level is None:
            level = level_of(text)
            if len(self._levels) < SHAPES:
                self._levels[masked] = level
        return level

    def _count(self, key: object, text: str, level: Level, line: Line, trace: Trace | None) -> None:
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(text, level, 0, line.time, "", trace)
        entry.count += 1
        entry.text, entry.last = text, line.time or entry.last
        if self.first_error is None and level in BAD and _after(line.time, self._good_until):
            said = text if trace else line.text[:WIDTH]
            self.first_error = Entry(said, level, 1, line.time, line.time, trace)


def _after(time: str, good_until: str) -> bool:
    """Whether a line was written after the good time; one without a time may have been."""
    return not good_until or not time or time[:19].replace(" ", "T").replace("/", "-") > good_until[:19]

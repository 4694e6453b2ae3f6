"""A Dockerfile as BuildKit reads it, with the place of everything in the file.

The grammar is that of `moby/buildkit/frontend/dockerfile/parser`: parser directives, continuation lines with comments
in between, flags, the JSON form, heredocs. Nothing is lost: the pieces put together again are the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from mcp_tools.docker.dockerfile.mapped import Mapped

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]*)$")
_BLANK = " \t\r\v\f"
JSON_FORMS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})
INSTRUCTIONS = frozenset(
    {
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    }
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the file that is no instruction; `line` counts from 1."""

    kind: Literal["directive", "comment", "blank"]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value`; `start` and `end` are places in the file, and `value` is None where there is no `=`."""

    name: str
    value: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document in the file.

    Attributes:
        name: Of its end, without quotes.
        content: Its lines, without leading tabs where it was opened by `<<-`.
        expands: Variables in it are replaced: its name is not quoted.
        closed: Its end is there.
        line: Of its first line, from 1.
    """

    name: str
    content: str
    expands: bool
    closed: bool
    line: int


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        keyword: In upper case.
        text: As it stands in the file, with its continuations, heredocs and line end.
        start, end: Its place in the file.
        line, end_line: Counted from 1; the last one is that of its own last line.
        flags: In front of its value.
        value: What follows the flags, continuations joined and comments dropped, with places in the file.
        heredocs: In the order in which they are opened.
    """

    keyword: str
    text: str
    start: int
    end: int
    line: int
    end_line: int
    flags: tuple[Flag, ...]
    value: Mapped
    heredocs: tuple[Heredoc, ...]
    escape: str = "\\"

    @cached_property
    def json(self) -> tuple[str, ...] | None:
        """Its words where it is in JSON form; None where it is in shell form."""
        return _json_form(self.keyword, self.value.text)

    @cached_property
    def inner(self) -> Instruction | None:
        """What ONBUILD keeps for later, and what HEALTHCHECK runs; None of any other."""
        if self.keyword == "ONBUILD" or (self.keyword == "HEALTHCHECK" and self.value.text[:3].upper() == "CMD"):
            keyword, flags, value = _parts(self.value, self.escape)
            return Instruction(
                keyword, self.text, self.start, self.end, self.line, self.end_line, flags, value, self.heredocs
            )
        return None

    def flag(self, name: str) -> str | None:
        """The value of its first flag of a name; empty where it has none, None where the flag is not there."""
        return next((flag.value or "" for flag in self.flags if flag.name == name), None)

    def text_of(self, flag: Flag) -> str:
        """A flag as it is written."""
        return f"--{flag.name}" if flag.value is None else f"--{flag.name}={flag.value}"

    @property
    def indent(self) -> str:
        """The white space in front of it."""
        return self.text[: len(self.text) - len(self.text.lstrip(_BLANK))]


@dataclass(frozen=True)
class Dockerfile:
    """A file in its pieces.

    Attributes:
        escape: The character that continues a line.
        problems: What BuildKit would refuse, as (line, clause).
    """

    text: str
    pieces: tuple[Piece | Instruction, ...]
    escape: str
    problems: tuple[tuple[int, str], ...] = ()

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """In the order of the file."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Instruction))

    @cached_property
    def directives(self) -> dict[str, str]:
        """The parser directives, such as `syntax`."""
        found = (_DIRECTIVE.match(piece.text.lstrip("\ufeff").strip()) for piece in self.pieces if _directs(piece))
        return {match[1].lower(): match[2] for match in found if match}

    def write(self) -> str:
        """The pieces as a file."""
        return "".join(piece.text for piece in self.pieces)


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile; never fails: what BuildKit would refuse is in `problems`."""
    return _Reader(text).read()


def words_of(value: Mapped, escape: str = "\\") -> Iterator[Mapped]:
    """The words of a line, quotes and escapes left as they stand."""
    text, at = value.text, 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
            continue
        start, quote = at, ""
        while at < len(text) and (quote or text[at] not in " \t"):
            letter = text[at]
            if letter == escape and quote != "'":
                at += 1
            elif letter == quote:
                quote = ""
            elif not quote and letter in "\"'":
                quote = letter
            at += 1
        yield value.cut(start, min(at, len(text)))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        # `splitlines` would also end a line at a form feed or U+2028.
        self.lines = re.findall(r"[^\n]*\n|[^\n]+", text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.escape = "\\"
        self.problems: list[tuple[int, str]] = []

    def read(self) -> Dockerfile:
        pieces: list[Piece | Instruction] = []
        directing, index = True, 0
        while index < len(self.lines):
            raw = self.lines[index]
            line = raw.removeprefix("\ufeff") if index == 0 else raw
            bare = line.strip()
            directive = _DIRECTIVE.match(bare) if directing else None
            if directive and directive[1].lower() in _DIRECTIVES:
                if directive[1].lower() == "escape":
                    self._set_escape(directive[2], index + 1)
                pieces.append(Piece("directive", raw, index + 1))
                index += 1
                continue
            directing = False
            if not bare or bare.startswith("#"):
                pieces.append(Piece("comment" if bare else "blank", raw, index + 1))
                index += 1
                continue
            instruction, index = self._instruction(index)
            pieces.append(instruction)
        return Dockerfile(self.text, tuple(pieces), self.escape, tuple(self.problems))

    def _set_escape(self, value: str, line: int) -> None:
        if value in {"\\", "`"}:
            self.escape = value
        else:
            self.problems.append((line, f"the escape character {value!r} is neither \\ nor `"))

    def _instruction(self, first: int) -> tuple[Instruction, int]:
        parts: list[Mapped] = []
        index, going = first, True
        while going and index < len(self.lines):
            line = self.lines[index]
            bare = line.strip()
            if index > first and (not bare or bare.startswith("#")):
                index += 1
                continue
            body = line.rstrip("\n").removesuffix("\r")
            skip = 1 if index == 0 and body.startswith("\ufeff") else 0
            if index == first:
                skip += len(body[skip:]) - len(body[skip:].lstrip(_BLANK))
            kept, going = self._continued(body)
            parts.append(Mapped.of(self.text, self.starts[index] + skip, self.starts[index] + len(kept)))
            index += 1
        line_value = Mapped.join(parts).stripped()
        keyword, flags, value = _parts(line_value, self.escape)
        heredocs, index = self._heredocs(keyword, value, index)
        start, end = self.starts[first], self.starts[index]
        text = self.text[start:end]
        if keyword not in INSTRUCTIONS:
            self.problems.append((first + 1, f"unknown instruction: {keyword}"))
        elif not value.text and keyword != "MAINTAINER":
            self.problems.append((first + 1, f"{keyword} requires arguments"))
        found = Instruction(
            keyword, text, start, end, first + 1, index, flags, value, tuple(heredocs), escape=self.escape
        )
        return found, index

    def _continued(self, body: str) -> tuple[str, bool]:
        bare = body.rstrip(" \t")
        if bare.endswith(self.escape) and not bare[:-1].endswith(self.escape):
            return bare[:-1], True
        return body, False

    def _heredocs(self, keyword: str, value: Mapped, index: int) -> tuple[list[Heredoc], int]:
        found: list[Heredoc] = []
        if keyword == "ONBUILD":
            keyword, _, value = _parts(value, self.escape)
        if "<<" not in value.text or keyword not in WITH_HEREDOCS or _json_form(keyword, value.text) is not None:
            return found, index
        for word in words_of(value, self.escape):
            opened = _HEREDOC.match(word.text)
            name = _unquoted(opened[3]) if opened else ""
            if not opened or not name:
                continue
            content: list[str] = []
            line, closed = index + 1, False
            while index < len(self.lines):
                text = self.lines[index].lstrip("\t") if opened[2] else self.lines[index]
                index += 1
                if text.rstrip("\n").removesuffix("\r") == name:
                    closed = True
                    break
                content.append(text)
            if not closed:
                self.problems.append((line - 1, f"unterminated heredoc {name}"))
            found.append(Heredoc(name, "".join(content), opened[3] == name, closed, line))
        return found, index


def _parts(line: Mapped, escape: str) -> tuple[str, tuple[Flag, ...], Mapped]:
    text = line.text
    at = next((i for i, letter in enumerate(text) if letter in _BLANK), len(text))
    keyword, rest = text[:at].upper(), line.cut(at).stripped()
    flags: list[Flag] = []
    while rest.text.startswith("--"):
        word = next(words_of(rest, escape))
        rest = rest.cut(len(word.text)).stripped()
        if word.text == "--":
            break
        name, equals, value = word.text[2:].partition("=")
        flags.append(Flag(name, _unquoted(value) if equals else None, *word.place))
    return keyword, tuple(flags), rest


def _json_form(keyword: str, text: str) -> tuple[str, ...] | None:
    if not text.startswith("[") or keyword not in JSON_FORMS:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return tuple(found) if isinstance(found, list) and all(isinstance(item, str) for item in found) else None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)|[\"']", lambda match: match[1] or "", text)


def _directs(piece: Piece | Instruction) -> bool:
    return isinstance(piece, Piece) and piece.kind == "directive"

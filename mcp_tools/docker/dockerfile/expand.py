"""Variables in a Dockerfile, as BuildKit replaces them (`frontend/dockerfile/shell/lex.go`)."""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections.abc import Callable, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-]")
_OPERATOR = re.compile(r":?[-+?]|##?|%%?|//?")
MAX_DEPTH = 8


class Unset(LookupError):
    """`${NAME:?message}` of a variable that is not set."""


def expand(text: str, variables: Mapping[str, str], escape: str = "\\", *, quotes: bool = True) -> str:
    """Replace the variables in a word; one that is not set is empty.

    Args:
        quotes: Take quotes and escapes away, as for `COPY`, `ENV` or `WORKDIR`.

    Raises:
        Unset: The text itself demands one that is not set.
    """
    return _Expansion(text, variables, escape, quotes=quotes).word("", 0)


def names_in(text: str, escape: str = "\\") -> set[str]:
    """The variables that a text reads and gives no default of its own."""
    found: set[str] = set()

    class Seen(dict[str, str]):
        def get(self, name: str, default: object = None) -> str | None:  # type: ignore[override]
            found.add(name)
            return None if default is None else str(default)

    with contextlib.suppress(Unset):
        expand(_DEFAULTED.sub("", text), Seen(), escape)
    return found


_DEFAULTED = re.compile(r"\$\{\w+:?[-+?][^}]*\}")


class _Expansion:
    def __init__(self, text: str, variables: Mapping[str, str], escape: str, *, quotes: bool) -> None:
        self.text, self.variables, self.escape, self.quotes = text, variables, escape, quotes
        self.at = 0

    def word(self, until: str, depth: int) -> str:
        out: list[str] = []
        while self.at < len(self.text):
            letter = self.text[self.at]
            if until and letter == until:
                return "".join(out)
            if letter == "'":
                out.append(self._quoted(letter, depth, raw=True))
            elif letter == '"':
                out.append(self._quoted(letter, depth, raw=False))
            elif letter == self.escape:
                pair = self.text[self.at : self.at + 2]
                out.append(pair[1:] if self.quotes else pair)
                self.at += 2
            elif letter == "$":
                out.append(self._variable(depth))
            else:
                out.append(letter)
                self.at += 1
        return "".join(out)

    def _quoted(self, mark: str, depth: int, *, raw: bool) -> str:
        out = [] if self.quotes else [mark]
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != mark:
            letter = self.text[self.at]
            if raw:
                out.append(letter)
                self.at += 1
            elif letter == "$":
                out.append(self._variable(depth))
            elif letter == self.escape and self.text[self.at + 1 : self.at + 2] in {'"', "$", self.escape}:
                out.append(self.text[self.at + 1] if self.quotes else self.text[self.at : self.at + 2])
                self.at += 2
            else:
                out.append(letter)
                self.at += 1
        self.at += 1
        return "".join(out) if self.quotes else "".join([*out, mark])

    def _variable(self, depth: int) -> str:
        self.at += 1
        braced = self.text[self.at : self.at + 1] == "{"
        name = _NAME.match(self.text, self.at + braced)
        if name is None or depth > MAX_DEPTH:
            return "$"
        self.at = name.end()
        value = self.variables.get(name[0])
        if not braced:
            return value or ""
        return self._braced(name[0], value, depth)

    def _braced(self, name: str, value: str | None, depth: int) -> str:
        operator = _OPERATOR.match(self.text, self.at)
        if operator is None:
            self.at += self.text[self.at : self.at + 1] == "}"
            return value or ""
        self.at = operator.end()
        if operator[0].startswith("/"):
            return self._replaced(value or "", depth, every=operator[0] == "//")
        argument = self.word("}", depth + 1)
        self.at += 1
        there = bool(value) if operator[0].startswith(":") else value is not None
        match operator[0][-1]:
            case "-":
                return (value or "") if there else argument
            case "+":
                return argument if there else ""
            case "?":
                if not there:
                    raise Unset(argument or f"{name} is not set")
                return value or ""
            case "#":
                return _without_start(value or "", argument, longest=operator[0] == "##")
            case _:
                return _without_end(value or "", argument, longest=operator[0] == "%%")

    def _replaced(self, value: str, depth: int, *, every: bool) -> str:
        pattern = self.word("/", depth + 1)
        self.at += 1
        replacement = self.word("}", depth + 1)
        self.at += 1
        found = re.compile(_regex(pattern))
        return found.sub(lambda _: replacement, value, count=0 if every else 1) if pattern else value


def _regex(pattern: str) -> str:
    return fnmatch.translate(pattern).removesuffix(r"\Z").removesuffix(r"\z")


def _matches(pattern: str) -> Callable[[str], bool]:
    whole = re.compile(fnmatch.translate(pattern))
    return lambda text: whole.match(text) is not None


def _without_start(value: str, pattern: str, *, longest: bool) -> str:
    fits = _matches(pattern)
    cuts = range(len(value), -1, -1) if longest else range(len(value) + 1)
    return next((value[cut:] for cut in cuts if fits(value[:cut])), value)


def _without_end(value: str, pattern: str, *, longest: bool) -> str:
    fits = _matches(pattern)
    cuts = range(len(value) + 1) if longest else range(len(value), -1, -1)
    return next((value[:cut] for cut in cuts if fits(value[cut:])), value)

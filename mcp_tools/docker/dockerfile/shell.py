"""The simple commands of a RUN, with the place of each of their words in the file.

Not a shell: quotes, escapes, comments, `$(…)`, groups and operators are told apart, so that a rule can ask what is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.syntax import Instruction, parse

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.mapped import Mapped

_OPERATORS = ("&&", "||", ";;", "|&", ";", "|", "&", "\n")
_BETWEEN = frozenset({"then", "do", "else", "elif", "if", "while", "until", "!", "{", "}", "time", "fi", "done"})
_WRAPPERS = frozenset({"env", "exec", "command", "nice", "nohup", "sudo", "time"})
SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as a program sees it, as it is written, and where."""

    text: str
    raw: str
    start: int
    end: int


@dataclass(frozen=True)
class Command:
    """One simple command.

    Attributes:
        words: Assignments in front of it, its name, its arguments.
        before: The operator in front of it: empty, `&&`, `||`, `;`, `|` or a line end.
        grouped: It stands in `( )` or `$( )`.
    """

    words: tuple[Word, ...]
    before: str
    grouped: bool

    @cached_property
    def plain(self) -> tuple[Word, ...]:
        """From its name on, without assignments, `env` and `sudo`."""
        words = self.words
        while words and (
            words[0].text in _WRAPPERS
            or words[0].text in _BETWEEN
            or ("=" in words[0].text and words[0].text.partition("=")[0].isidentifier())
        ):
            words = words[1:]
            while words and words[0].text.startswith("-") and len(words) > 1:
                words = words[1:]
        return words

    @property
    def name(self) -> str:
        """Its program, without a path."""
        return self.plain[0].text.rpartition("/")[2] if self.plain else ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What its program is given."""
        return tuple(word.text for word in self.plain[1:])

    @property
    def start(self) -> int:
        """Where it begins in the file."""
        return self.words[0].start

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return self.words[-1].end

    def is_(self, *words: str) -> bool:
        """Whether it is a program with a subcommand, options in between left out: `is_("npm", "ci")`."""
        if not words or self.name != words[0]:
            return False
        given = [word for word in self.arguments if not word.startswith("-")]
        return tuple(given[: len(words) - 1]) == words[1:]

    def has(self, *options: str) -> bool:
        """Whether one of some options is among its arguments, with a value behind `=` or without."""
        return any(word.partition("=")[0] in options for word in self.arguments)


def commands_of(found: Instruction) -> tuple[Command, ...]:
    """What an instruction runs; of the JSON form its one command, of a heredoc for the shell the lines of it."""
    if found.keyword == "HEALTHCHECK" and found.inner:
        return commands_of(found.inner)
    if found.json is not None:
        start, end = found.value.place
        words = tuple(Word(word, word, start, end) for word in found.json)
        if len(words) > 2 and words[0].text.rpartition("/")[2] in SHELLS and words[1].text == "-c":  # noqa: PLR2004
            return tuple(_moved(one, start, end) for one in _of_text(words[2].text))
        return (Command(words, "", grouped=False),) if words else ()
    told = split(found.value, found.escape)
    if found.heredocs and (not told or told[0].words[0].raw.startswith("<<") or told[0].name in SHELLS):
        start, end = found.start, found.end
        return tuple(_moved(one, start, end) for doc in found.heredocs for one in _of_text(doc.content))
    return told


def _of_text(text: str) -> tuple[Command, ...]:
    # Comment lines of a script are no commands, as those of a Dockerfile are none.
    lines = [line for line in text.split("\n") if not line.strip().startswith("#")]
    found: list[Command] = []
    for line in "\n".join(lines).replace("\\\n", " ").split("\n"):
        read = parse(f"RUN {line.strip()}\n").instructions if line.strip() else ()
        found += [one for inner in read for one in split(inner.value)]
    return tuple(found)


def _moved(one: Command, start: int, end: int) -> Command:
    return Command(tuple(Word(word.text, word.raw, start, end) for word in one.words), one.before, one.grouped)


def split(value: Mapped, escape: str = "\\") -> tuple[Command, ...]:
    """Take a command line apart."""
    return tuple(_Splitter(value, escape).commands(""))


class _Splitter:
    def __init__(self, value: Mapped, escape: str) -> None:
        self.value, self.text, self.escape = value, value.text, escape
        self.at = 0

    def commands(self, until: str) -> Iterator[Command]:
        words: list[Word] = []
        operator, text = "", self.text
        while self.at < len(text) and (not until or text[self.at] != until):
            letter = text[self.at]
            found = next((one for one in _OPERATORS if text.startswith(one, self.at)), "")
            if letter in " \t\r":
                self.at += 1
            elif letter == "#":
                self.at = text.find("\n", self.at) if "\n" in text[self.at :] else len(text)
            elif found:
                if words:
                    yield Command(tuple(words), operator, grouped=bool(until))
                words, operator = [], found
                self.at += len(found)
            elif letter == "(":
                self.at += 1
                yield from self.commands(")")
                self.at += 1
            elif letter == ")":
                self.at += 1
            else:
                inner: list[Command] = []
                words.append(self._word(inner))
                yield from inner
        if words:
            yield Command(tuple(words), operator, grouped=bool(until))

    def _word(self, inner: list[Command]) -> Word:
        start, out, quote = self.at, [], ""
        text = self.text
        while self.at < len(text):
            letter = text[self.at]
            if text.startswith("$(", self.at) and quote != "'":
                self.at += 2
                begun = self.at
                inner += self.commands(")")
                out.append(f"$({text[begun : self.at]})")
            elif letter == self.escape and quote != "'":
                out.append(text[self.at + 1 : self.at + 2])
                self.at += 1
            elif letter == quote:
                quote = ""
            elif not quote and letter in "\"'":
                quote = letter
            elif not quote and (letter in " \t\r\n;|()" or (letter == "&" and text[self.at - 1] not in "<>")):
                break
            else:
                out.append(letter)
            self.at += 1
        cut = self.value.cut(start, min(self.at, len(text)))
        return Word("".join(out), cut.text, *cut.place)

"""The text of a command: its words with quotes resolved, kubectl's flags apart, courtesies gone."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.offline.words import ASKING_KINDLY, CLOSINGS, CONDITIONS, NEGATIONS, NUMBERS, OPENINGS, kinds

if TYPE_CHECKING:
    from assistant.offline.model import Mention

MAX_LENGTH = 4000
GLUE = "\x00"
"""Stands for a space inside a word, so that patterns see words."""
_SWITCHES = (
    "overwrite it i t stdin tty rm A all-namespaces record R ignore-daemonsets delete-emptydir-data delete-local-data "
    "install wait create-namespace all a"
)
SWITCHES = frozenset(_SWITCHES.split())
SHORT = {"n": "namespace", "f": "filename", "p": "patch", "c": "container", "l": "selector"}
_CURLY = str.maketrans({"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"'})
NAME = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
NUMBER = rf"\d+|{'|'.join(sorted(NUMBERS, key=len, reverse=True))}"
_TYPES = {
    "name": NAME,
    "image": r"[^\s=]*[a-z0-9][^\s=]*",
    "number": NUMBER,
    "port": r"\d{1,5}",
    "word": r"\S+",
    "pairs": r"[^\s=]+=\S*(?: (?:and )?[^\s=]+=\S*)*",
    "rest": r".+",
    "quantity": r"\d+(?:\.\d+)?(?:m|[kKMGTPE]i?)?(?: ?(?:mb|gb|mib|gib))?",
}
_POSSESSIVE = re.compile(r"\b(yesterday|today)'s\b", re.IGNORECASE)
"""An apostrophe that opens no quotation."""
_TO_BEFORE = re.compile(r"\bto\s+(?=before\b)", re.IGNORECASE)
"""Says to where, and no condition: it becomes one word."""
_LIMITING = NEGATIONS | CONDITIONS
_ARGV_FOLLOWS = frozenset({"--", "running", "runs"})
"""What comes after is a program's own words."""
_OPENING = re.compile(r"(?:\(\?(?::|P<[a-z_]+>)([a-z|-]+(?: [a-z]+)?)\)|([a-z-]+))(?= |\(\?: )")
_ASKS = re.compile(r"\?[?!.]*$")
_SLOT = re.compile(r"(?<!\?P)<(?P<group>[a-z_]+)(?::(?P<type>[a-z]+))?>")


@dataclass(frozen=True, slots=True)
class Said:
    """A command.

    Attributes:
        text: The words with a space between them; a space inside a word is `GLUE`.
        flags: By their long names, in order; a switch has the value "".
        argv: What follows `--`.
    """

    text: str
    flags: dict[str, list[str]] = field(default_factory=dict)
    argv: tuple[str, ...] = ()

    @property
    def namespace(self) -> dict[str, str]:
        """The argument `namespace`, where it was said."""
        return {"namespace": self.flags["namespace"][0]} if "namespace" in self.flags else {}

    def only(self, *flags: str) -> bool:
        """Whether no flag but these (and the namespace) was given, each once but for those that may repeat."""
        return set(self.flags) <= {*flags, "namespace", "overwrite", "record"}

    def one(self, flag: str) -> str | None:
        """A flag's value."""
        return self.flags[flag][0] if flag in self.flags else None


def split(raw: str) -> list[str]:
    """The words as a shell has them, but for apostrophes of possession.

    Raises:
        ValueError: A quotation is not closed.
    """
    return shlex.split(_TO_BEFORE.sub("to-", _POSSESSIVE.sub(r"\1s", raw.translate(_CURLY))), posix=True)


def said(raw: str) -> Said | None:
    """Read a text; None where it is no command: too long, unbalanced quotes, a question that asks."""
    if len(raw) > MAX_LENGTH:
        return None
    try:
        words = split(raw)
    except ValueError:
        return None
    kindly, words = _without_manners([word.rstrip(",;") for word in words if word.rstrip(",;")])
    if not kindly and any(_ASKS.search(word) for word in words):
        return None
    if _LIMITING & {word.lower() for word in itertools.takewhile(lambda word: word not in _ARGV_FOLLOWS, words)}:
        return None
    if words and words[-1] not in {".", ".."}:
        words[-1] = words[-1].rstrip(".!?")
        words = words if words[-1] else words[:-1]
    if words and words[0].lower() in {"kubectl", "oc", "k"}:
        words = words[1:]
    return _split(words)


@functools.cache
def pattern(template: str) -> re.Pattern[str]:
    """A pattern with slots: `<name>`, `<port>`, `<to:name>` (group and type), `<target>` for an object."""

    def slot(found: re.Match[str]) -> str:
        group, kind = found["group"], found["type"] or found["group"]
        if kind == "target":
            words = "|".join(sorted((re.escape(word) for word in kinds()), key=len, reverse=True))
            return rf"(?:(?:the|my|our|this) )?(?P<{group}>(?:(?:{words})[ /])?{NAME}(?:/{NAME})?|it)"
        return f"(?P<{group}>{_TYPES[kind]})"

    return re.compile(_SLOT.sub(slot, template), re.IGNORECASE)


def parse(template: str, given: Said) -> dict[str, str] | None:
    """What fills the slots when the whole text has the shape, None where it has not; `spaced` gives spaces back."""
    openings = _openings(template)
    if openings and given.text.partition(" ")[0].lower() not in openings:
        # Most sentences are none of these, and making the patterns takes longer than everything else about them.
        return None
    found = pattern(template).fullmatch(given.text)
    return found.groupdict("") if found else None


@functools.cache
def _openings(template: str) -> frozenset[str]:
    """The words that a pattern can begin with, where they stand there plainly."""
    found = _OPENING.match(template)
    return frozenset(words.split()[0] for words in (found[1] or found[2]).split("|")) if found else frozenset()


def spaced(text: str) -> str:
    """A value as it was typed."""
    return text.replace(GLUE, " ")


def target(text: str, last: Mention | None) -> str:
    """A target as tools take it: `deployments/web` for "deployment web"; empty for an "it" that is nobody."""
    if text.lower() == "it":
        return last.target if last else ""
    word, _, name = text.replace(" ", "/", 1).partition("/")
    return f"{kinds().get(word.lower(), word)}/{name}".lower() if name else text.lower()


def number(text: str) -> int:
    """A number in digits or in words."""
    return int(text) if text.isdigit() else NUMBERS[text.lower()]


def pairs(text: str) -> dict[str, str]:
    """`A=1 and B=2` as a mapping."""
    given = (part.partition("=") for part in text.split(" ") if "=" in part)
    return {key: spaced(value) for key, _, value in given}


def _without_manners(words: list[str]) -> tuple[bool, list[str]]:
    kindly, stripped = False, True
    while stripped and words:
        stripped = False
        lower = [word.lower() for word in words]
        if lower[0] in {"please", "pls", "just", "now", "shipmate"}:
            words, stripped = words[1:], True
            continue
        for opening in OPENINGS:
            if tuple(lower[: len(opening)]) == opening and len(words) > len(opening):
                kindly, stripped = kindly or opening in ASKING_KINDLY, True
                words = words[len(opening) :]
                break
        for closing in (*CLOSINGS, ("please",)):
            ending = tuple(word.lower().rstrip("?.!") for word in words[-len(closing) :])
            if ending == closing and len(words) > len(closing) + 1:
                mark = "?" if words[-1].endswith("?") else ""
                words, stripped = words[: -len(closing)], True
                words[-1] += mark
                break
    return kindly, words


def _split(words: list[str]) -> Said | None:
    plain: list[str] = []
    flags: dict[str, list[str]] = {}
    argv: tuple[str, ...] = ()
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            argv = tuple(left)
            break
        if word.lower() in _ARGV_FOLLOWS:
            plain += [part.replace(" ", GLUE) for part in (word, *left)]
            break
        found = re.fullmatch(r"--?(?P<name>[A-Za-z][A-Za-z-]*)(?:=(?P<value>.*))?", word, re.DOTALL)
        if not found:
            plain.append(word.replace(" ", GLUE))
            continue
        name = SHORT.get(found["name"], found["name"])
        if name in SWITCHES or (found["value"] is None and (not left or left[0].startswith("--"))):
            value = found["value"] or ""
        else:
            value = found["value"] if found["value"] is not None else left.pop(0)
        flags.setdefault(name, []).append(value)
    return Said(" ".join(plain), flags, argv) if plain else None

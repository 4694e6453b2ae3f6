"""The shape of a sentence: its words with every object, number and image replaced by a letter.

"please scale the backend deployment to three" has the shape `scale T to N`, so that the grammar is a short table of
shapes, and a word that is not understood shows up as one letter too many.

====  =========================================
T     an object, with its article, kind and noun
N     a whole number
S     a number with a sign
H     a number with a hash
I     an image
C     container=image
V     a version
X     what is none of these
====  =========================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.offline.words import ARTICLES, POINTING, PRONOUNS, is_word, kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.offline.sentence import Word

WORKLOAD_KINDS = frozenset({"deployments", "statefulsets", "daemonsets"})
# "the backend service" is the thing that serves; whoever means the Service object says service/backend.
_NOUNS = frozenset({"services", "whole", "workload", "pods", "container", "containers"})
_NAME = re.compile(r"[a-z](?:[a-z0-9.-]*[a-z0-9])?|[0-9][a-z0-9]*-[a-z0-9.-]*[a-z][a-z0-9.-]*(?<![.-])")
_ANY_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?")
_CONTAINER_IMAGE = re.compile(r"(?P<container>[a-z0-9-]+|\*)=(?P<image>\S+)")
_LITERALS = (
    (re.compile(r"[0-9]{1,9}"), "N"),
    (re.compile(r"[+-][0-9]{1,9}"), "S"),
    (re.compile(r"#[0-9]{1,9}"), "H"),
    (re.compile(r"v?[0-9]+(?:\.[0-9]+)+(?:[-+.][\w.]+)?"), "V"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One letter or word of a shape.

    Attributes:
        symbol: A letter of the table, or a word in canonical form.
        text: A T's `name` or `kind/name` (empty for a pronoun), a number's digits, an image as typed.
        typed: The words it was made of.
    """

    symbol: str
    text: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A sentence's shape; `text` is what patterns match, `parts` hold the values."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The symbols, with a space between them."""
        return " ".join(part.symbol for part in self.parts)

    def all(self, symbol: str) -> list[Part]:
        """The parts with a symbol, in order."""
        return [part for part in self.parts if part.symbol == symbol]


def shape(words: Sequence[Word]) -> Shape:
    """The shape of words."""
    parts: list[Part] = []
    position = 0
    while position < len(words):
        part, used = _object(words[position:]) or (_single(words[position]), 1)
        position += used
        if part is not None:
            parts.append(part)
    return Shape(tuple(parts))


def is_bare_name(word: str) -> bool:
    """Whether a word can name an object by itself: a DNS name that is no word of the vocabulary."""
    return _NAME.fullmatch(word) is not None and not is_word(word)


def _single(word: Word) -> Part | None:
    if word.text in ARTICLES:
        return None
    for pattern, symbol in _LITERALS:
        if pattern.fullmatch(word.text):
            return Part(symbol, word.text.removeprefix("#"), word.typed)
    if is_word(word.text):
        return Part(word.text, typed=word.typed)
    found = _CONTAINER_IMAGE.fullmatch(word.typed)
    if found and _is_image(found["image"]):
        return Part("C", word.typed, word.typed)
    return Part("I" if _is_image(word.typed) else "X", word.typed, word.typed)


def _is_image(text: str) -> bool:
    from mcp_tools.changes.configuring import IMAGE

    # A bare word may be anything; a tag, a digest or a path says image. "10:30" and "1/2" are no repositories.
    repository = re.split(r"[:@]", text)[0]
    return bool(re.search("[:@/]", text) and re.search("[a-z]", repository) and IMAGE.fullmatch(text))


def _object(words: Sequence[Word]) -> tuple[Part, int] | None:
    """The object that the words begin with, and of how many words it is made."""
    start = 0
    while start < len(words) and (words[start].text in ARTICLES or words[start].text in POINTING):
        start += 1
    found = _named(words[start:])
    if found is None:
        if words[0].text in PRONOUNS:
            return Part("T", "", words[0].typed), 1
        return None
    target, used = found
    used += start
    noun = words[used].text if used < len(words) else ""
    closes = used < len(words) and _named(words[used:]) is None
    if "/" not in target and closes and (noun in WORKLOAD_KINDS or noun in _NOUNS):
        target = f"{noun}/{target}" if noun in WORKLOAD_KINDS else target
        used += 1
    return Part("T", target, " ".join(word.typed for word in words[:used])), used


def _named(words: Sequence[Word]) -> tuple[str, int] | None:
    """`name`, `kind/name`, `kind name` or `kind named name` at the beginning of the words."""
    if not words:
        return None
    typed = words[0].typed.lower() if words[0].typed.isascii() else ""
    kind, slash, name = typed.partition("/")
    if slash:
        # An unknown kind may be a custom one, and then its group says so; `todo/backend` is an image.
        known = kinds().get(kind) or (
            kind if re.fullmatch(r"[a-z]+(?:\.[a-z0-9-]+)+", kind) and ":" not in name else None
        )
        return (f"{known}/{name}", 1) if known and _ANY_NAME.fullmatch(name) else None
    if words[0].text in kinds().values():
        called = len(words) > 1 and words[1].text in {"named", "called"}
        rest = words[2:] if called else words[1:]
        name = rest[0].text if rest else ""
        fits = _ANY_NAME.fullmatch(rest[0].typed.lower()) if called and rest else is_bare_name(name)
        return (f"{words[0].text}/{rest[0].typed.lower()}", 3 if called else 2) if fits else None
    if words[0].text in {"named", "called"} and len(words) > 1 and is_bare_name(words[1].text):
        return words[1].text, 2
    return (words[0].text, 1) if is_bare_name(words[0].text) else None

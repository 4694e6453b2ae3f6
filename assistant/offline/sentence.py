"""From what was typed to words in canonical form: noise gone, flags apart, synonyms and numbers in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from assistant.offline.typos import correct
from assistant.offline.words import (
    ARTICLES,
    ASKING_KINDLY,
    CANONICAL,
    CLOSINGS,
    CONDITIONS,
    NEGATIONS,
    NOISE,
    NOT_OFFERED,
    NUMBERS,
    OPENINGS,
    PHRASES,
    QUESTIONS,
    is_word,
    kinds,
)

MAX_LENGTH = 2000
MAX_WORDS = 200
VALUE_FLAGS = {
    "-n": "namespace",
    "--namespace": "namespace",
    "--replicas": "replicas",
    "--to-revision": "revision",
    "-l": "selector",
    "--selector": "selector",
    "--label": "selector",
    "--field-selector": "field_selector",
    "--sort-by": "sort_by",
    "--tail": "tail",
    "--since": "since",
    "-c": "container",
    "--container": "container",
    "-o": "output",
    "--output": "output",
}
SWITCHES = {
    "-A": "all_namespaces",
    "--all-namespaces": "all_namespaces",
    "-f": "follow",
    "--follow": "follow",
    "-p": "previous",
    "--previous": "previous",
    "-w": "watch",
    "--watch": "watch",
}
_CURLY = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"'}
)
_QUOTED_WORD = re.compile(r"(?<![\w\"'`])([\"'`])([^\s\"'`]+)\1(?![\w\"'`])")
_QUOTE = re.compile(r"[\"`]|(?<!\w)'|'(?!\w)")
_DO_ASKS = frozenset({"i", "we", "you", "they", "he", "she", "it", "the", "that", "this", "all", "any", "my", "our"})
_PHRASES = {tuple(CANONICAL.get(word, word) for word in said): meaning for said, meaning in PHRASES.items()}


class Word(NamedTuple):
    """A word, in canonical form and as it was typed."""

    text: str
    typed: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence ready for the grammar.

    Attributes:
        flags: kubectl's flags, by what they set; values as typed.
        unknown_flags: Flags that mean nothing here.
        question: It asks; a question never changes anything.
        negated, conditional, quoting: It says no, says when, or cites: none of them changes anything either.
        kubectl: It began with kubectl.
    """

    words: tuple[Word, ...]
    flags: dict[str, str] = field(default_factory=dict)
    unknown_flags: tuple[str, ...] = ()
    question: bool = False
    negated: bool = False
    conditional: bool = False
    quoting: bool = False
    kubectl: bool = False


def read(raw: str) -> Sentence:
    """Read a sentence of at most `MAX_LENGTH` characters."""
    text = _QUOTED_WORD.sub(r"\2", raw.translate(_CURLY))
    quoting = _QUOTE.search(text) is not None
    typed = [word for part in _QUOTE.sub(" ", text).split() if (word := _bare(part))]
    kindly, typed = _without_manners(typed)
    kubectl = bool(typed) and typed[0].lower() in {"kubectl", "oc", "k"}
    typed, flags, unknown = _split_flags(typed[1:] if kubectl else typed)
    lower = [_lower(word) for word in typed]
    words = [
        Word(_canonical(word, first=index == 0), given)
        for index, (word, given) in enumerate(zip(lower, typed, strict=True))
    ]
    return Sentence(
        words=_merged(words),
        flags=flags,
        unknown_flags=tuple(unknown),
        question=("?" in raw and not kindly) or _asks(lower),
        negated=any(word in NEGATIONS for word in lower),
        conditional=any(word in CONDITIONS for word in lower),
        quoting=quoting,
        kubectl=kubectl,
    )


def mended(sentence: Sentence, position: int, *, strict: bool) -> Word | None:
    """The word at a position with its typo mended, or None where there is nothing to mend."""
    word = sentence.words[position]
    known = correct(word.text, strict=strict)
    return Word(_canonical(known, first=position == 0), word.typed) if known else None


def _bare(part: str) -> str:
    """A word without the punctuation that ends clauses; nothing is taken from inside a word."""
    return part.strip(",;!?").rstrip(".:,;!?")


def _lower(word: str) -> str:
    # Lower-casing can turn other alphabets into ours (the Kelvin sign becomes k); what is not ASCII stays foreign.
    word = word.lower() if word.isascii() else word
    return word if word in CANONICAL or word in QUESTIONS or is_word(word) else word.removesuffix("'s")


def _canonical(word: str, *, first: bool) -> str:
    if word in NUMBERS:
        return str(NUMBERS[word])
    # "deploy backend" asks for what is not offered; "scale deploy backend" names a kind.
    if word in kinds() and not (first and word in NOT_OFFERED):
        return kinds()[word]
    return CANONICAL.get(word, word)


def _merged(words: list[Word]) -> tuple[Word, ...]:
    merged: list[Word] = []
    while words:
        for size in (3, 2):
            if tuple(word.text for word in words[:size]) in _PHRASES:
                meaning = _PHRASES[tuple(word.text for word in words[:size])]
                merged.append(Word(meaning, " ".join(word.typed for word in words[:size])))
                words = words[size:]
                break
        else:
            merged.append(words[0])
            words = words[1:]
    return tuple(merged)


def _without_manners(typed: list[str]) -> tuple[bool, list[str]]:
    """Whether it asks kindly, and the words without greetings, thanks and filler."""
    kindly, words, stripped = False, typed, True
    while stripped and words:
        stripped = False
        lower = [word.lower() for word in words]
        for opening in OPENINGS:
            if tuple(lower[: len(opening)]) == opening and len(words) > len(opening):
                kindly, stripped = kindly or opening in ASKING_KINDLY, True
                words = words[len(opening) :]
                break
        for closing in CLOSINGS:
            if tuple(word.lower() for word in words[-len(closing) :]) == closing and len(words) > len(closing) + 1:
                stripped, words = True, words[: -len(closing)]
                break
        meant = [word for index, word in enumerate(words) if not _is_noise(words, index)]
        stripped, words = stripped or len(meant) < len(words), meant
    return kindly, words


def _is_noise(typed: list[str], index: int) -> bool:
    # After a kind or "named" even "now" is a name; alone it is all there is.
    before = typed[index - 1].lower() if index else ""
    return (
        typed[index].lower() in NOISE and len(typed) > 1 and before not in {"named", "called"} and before not in kinds()
    )


def _asks(lower: list[str]) -> bool:
    words = [word for word in lower if word not in ARTICLES] or lower
    if words[:1] == ["do"]:
        return lower[1:2] != [] and lower[1] in _DO_ASKS
    return bool(words) and words[0] in QUESTIONS


def _split_flags(typed: list[str]) -> tuple[list[str], dict[str, str], list[str]]:
    rest: list[str] = []
    flags: dict[str, str] = {}
    unknown: list[str] = []
    words = iter(typed)
    for word in words:
        name, equals, value = word.partition("=")
        if name in VALUE_FLAGS:
            given = value if equals else next(words, "")
            if not given or given.startswith("-") or flags.get(VALUE_FLAGS[name], given) != given:
                unknown.append(f"{name} with {given or 'nothing'}")
            flags[VALUE_FLAGS[name]] = given
        elif word in SWITCHES:
            flags[SWITCHES[word]] = "true"
        elif re.match(r"--?[A-Za-z]", word):
            unknown.append(word)
        else:
            rest.append(word)
    return rest, flags, unknown

"""From what was typed to a sentence the grammar can read: noise gone, flags apart, synonyms and numbers in one form."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from assistant.offline.words import (
    CANONICAL,
    CONDITIONS,
    FUNCTION_WORDS,
    KIND_OF,
    NEGATIONS,
    NUMBERS,
    POLITE,
    QUESTION_STARTS,
    correct,
)

MAX_LENGTH = 2000
VALUE_FLAGS = {
    "-n": "namespace",
    "--namespace": "namespace",
    "--replicas": "replicas",
    "-l": "selector",
    "--selector": "selector",
    "--label": "selector",
    "--field-selector": "field_selector",
    "--tail": "tail",
    "--since": "since",
    "-c": "container",
    "--container": "container",
    "-o": "output",
    "--output": "output",
}
SWITCHES = {
    "-a": "all_namespaces",
    "--all-namespaces": "all_namespaces",
    "-f": "follow",
    "--follow": "follow",
    "-p": "previous",
    "--previous": "previous",
    "-w": "watch",
    "--watch": "watch",
}
_POLITE = re.compile(r"(?<![\w-])(?:" + "|".join(re.escape(word) for word in POLITE) + r")(?![\w-])[,!]?")
_QUOTED = re.compile(r"([\"'`“”‘’«»])(.+?)([\"'`“”‘’«»])")
_ASKS_KINDLY = re.compile(r"^(?:(?:hey|hi|hello|ok|okay|shipmate|please)[, ]+)*(?:can|could|would|will) you\b")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence ready for the grammar.

    Attributes:
        text: Lower-case words in canonical form, one space between them.
        flags: kubectl's flags, by what they set.
        question: It asks; a question never changes anything.
        negated, conditional, quoting: It says no, says when, or cites: none of them changes anything either.
        unknown_flags: Flags that mean nothing here.
        kubectl: It began with kubectl.
    """

    raw: str
    text: str
    flags: dict[str, str] = field(default_factory=dict)
    question: bool = False
    negated: bool = False
    conditional: bool = False
    quoting: bool = False
    kubectl: bool = False
    unknown_flags: tuple[str, ...] = ()


def read(raw: str, *, mend: bool = False) -> Sentence:
    """Read a sentence.

    Args:
        mend: Take words that are no vocabulary for typos of it where they are near enough.
    """
    text = unicodedata.normalize("NFKC", raw[:MAX_LENGTH]).replace("’", "'").lower().strip()
    kindly = _ASKS_KINDLY.match(text) is not None
    quoting = any(len(match[2].split()) > 1 for match in _QUOTED.finditer(_without_apostrophes(text)))
    text = _POLITE.sub(" ", _QUOTED.sub(r"\2", text) if not quoting else text)
    asked = text.rstrip(" .!").endswith("?")
    words = [word for part in text.split() if (word := part.strip(",;!?\"'`()") if part[0] != "-" else part)]
    words = [word.rstrip(".:") for word in words if word.rstrip(".:")]
    kubectl = bool(words) and words[0] in {"kubectl", "k", "kc", "oc"}
    words, flags, unknown = _split_flags(words[1:] if kubectl else words)
    starts = bool(words) and words[0] in QUESTION_STARTS
    canonical = [_canonical(word, mend=mend) for word in words]
    return Sentence(
        raw=raw,
        text=_numbers(" ".join(canonical)),
        flags=flags,
        question=(asked and not kindly) or starts,
        negated=any(word in NEGATIONS for word in words),
        conditional=any(word in CONDITIONS for word in words),
        quoting=quoting,
        kubectl=kubectl,
        unknown_flags=tuple(unknown),
    )


def is_name(word: str) -> bool:
    """Whether a word can name an object: a DNS-1123 label or subdomain, perhaps with its kind, and no vocabulary."""
    kind, _, name = word.rpartition("/")
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", name) or (kind and not re.fullmatch(r"[a-z.]+", kind)):
        return False
    return bool(kind) or not (name in FUNCTION_WORDS or name in CANONICAL or name in KIND_OF or name.isdigit())


def _without_apostrophes(text: str) -> str:
    return re.sub(r"(?<=\w)'(?=\w)", "", text)


def _canonical(word: str, *, mend: bool) -> str:
    if word in CANONICAL:
        return CANONICAL[word]
    if mend and word not in KIND_OF and word not in NUMBERS:
        mended = correct(word)
        if mended:
            return CANONICAL.get(mended, mended)
    return word


def _numbers(text: str) -> str:
    text = re.sub(r"\ba couple(?: of)?\b", "2", text)
    text = re.sub(r"\ba dozen\b", "12", text)
    return " ".join(str(NUMBERS.get(word, word)) for word in text.split())


def _split_flags(words: list[str]) -> tuple[list[str], dict[str, str], list[str]]:
    rest: list[str] = []
    flags: dict[str, str] = {}
    unknown: list[str] = []
    waiting: str | None = None
    for word in words:
        if waiting:
            flags[waiting], waiting = word, None
            continue
        name, equals, value = word.partition("=")
        if name in VALUE_FLAGS and equals:
            flags[VALUE_FLAGS[name]] = value
        elif word in VALUE_FLAGS:
            waiting = VALUE_FLAGS[word]
        elif word in SWITCHES:
            flags[SWITCHES[word]] = "true"
        elif re.match(r"--?[a-z]", word):
            unknown.append(word)
        else:
            rest.append(word)
    if waiting:
        unknown.append(f"{waiting} without a value")
    return rest, flags, unknown

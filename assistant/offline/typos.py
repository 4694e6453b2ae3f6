"""Which word of the vocabulary a misspelt one was meant to be; a change is held to a stricter measure than a look."""

from __future__ import annotations

import functools

from assistant.offline.words import CANONICAL, NOT_TYPOS, STRUCTURE, is_word, kinds

_SHORTEST = 4
_LONG = 8
_ENDINGS = ("s", "es", "d", "ed", "r", "er", "ers", "rs", "ing", "y", "able")


@functools.lru_cache(maxsize=512)
def correct(word: str, *, strict: bool) -> str | None:
    """The vocabulary's word that this is a typo of, or None where it is none or could be two.

    Args:
        strict: One slip, the first letter right; otherwise two slips are forgiven in a long word.
    """
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()) or word in NOT_TYPOS or is_word(word):
        return None
    most = 2 if len(word) >= _LONG and not strict else 1
    meanings: dict[str, tuple[int, str]] = {}
    for known, meaning in _known():
        slips = distance(word, known, most)
        if slips > most or _inflected(word, known):
            continue
        meanings[meaning] = min(meanings.get(meaning, (slips, known)), (slips, known))
    best = sorted(meanings.values())
    # "iecrease" is as near to increase as to decrease, and is neither.
    if not best or (len(best) > 1 and best[0][0] == best[1][0]):
        return None
    return best[0][1] if not strict or _begins_alike(word, best[0][1]) else None


def distance(one: str, other: str, most: int) -> int:
    """The optimal string alignment distance (Damerau-Levenshtein without overlapping edits); `most + 1` if larger."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


@functools.cache
def _known() -> tuple[tuple[str, str], ...]:
    structure = {word: word for word in STRUCTURE}
    return tuple(
        (word, meaning) for word, meaning in (CANONICAL | kinds() | structure).items() if len(word) >= _SHORTEST
    )


def _begins_alike(word: str, known: str) -> bool:
    return word[0] == known[0] or (word[1], word[0]) == (known[0], known[1])


def _inflected(word: str, known: str) -> bool:
    # "I scaled it yesterday" asks for nothing: another form of a word is another word.
    stems = {known, known.removesuffix("e"), known + known[-1]}
    return any(word.removesuffix(ending) in stems and word.endswith(ending) for ending in _ENDINGS)

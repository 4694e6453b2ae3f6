"""Where a sentence says to look: `in prod`, `in the todo-app namespace`, `-n prod`, `everywhere`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.offline.shape import is_bare_name
from assistant.offline.words import ARTICLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.offline.sentence import Word

_LOOSE = frozenset({"in", "inside", "within"})
_EXPLICIT = _LOOSE | {"from", "of", "on", "at", "for"}


def without_namespace(words: Sequence[Word], *, loose: bool = True) -> tuple[tuple[Word, ...], str] | None:
    """The words without the phrase that names a namespace, and the namespace; None where there is no such phrase.

    Args:
        loose: Take "in prod" for one; otherwise the word namespace must be said.
    """
    for position, word in reversed(list(enumerate(words))):
        start = _after_articles(words, position + 1)
        rest = words[start : start + 2]
        if word.text in _EXPLICIT and len(rest) == 2:  # noqa: PLR2004
            for label, name in (rest, reversed(rest)):
                if label.text == "namespaces" and is_bare_name(name.text):
                    return (*words[:position], *words[start + 2 :]), name.text
    for position, word in reversed(list(enumerate(words))):
        start = _after_articles(words, position + 1)
        if start == len(words) or not is_bare_name(words[start].text):
            continue
        said = position > 0 and start == position + 1 and word.text == "namespaces"
        if said or (loose and word.text in _LOOSE):
            return (*words[:position], *words[start + 1 :]), words[start].text
    return None


def _after_articles(words: Sequence[Word], start: int) -> int:
    while start < len(words) and words[start].text in ARTICLES:
        start += 1
    return start

"""Templates of log lines: what differs becomes a placeholder, so that thousands of lines become a dozen with counts.

A small tree in the manner of Drain (He et al., 2017): by number of words, then by the first word, then by likeness.
`drain3`, the known library, was released last in 2022 and pins old releases of what it needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LIKE = 0.6
MOST = 200
SHAPES = 10 * MOST
WIDTH = 600
LONG_NUMBER = 12
ANY = "<*>"
_VARIES = re.compile(r"[^\s=,;()\[\]{}\"']*\d[^\s=,;()\[\]{}\"']*")
_KIND = re.compile(
    r"(?P<number>[-+]?\d+(?:[.,]\d+)*[.,:]?)"
    r"|(?P<time>\d{4}-\d\d-\d\d(?:T.*)?|\d\d:\d\d(?::\d\d.*)?|\d{1,2}/\w{3}/\d{4}\S*)"
    r"|(?P<duration>\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)(?:\d+\S*)?)"
    r"|(?P<size>\d+(?:\.\d+)?(?:[KMGT]i?B?|B|%))"
    r"|(?P<address>(?:\d{1,3}\.){3}\d{1,3}(?:[:/]\d+)?:?|[0-9A-Fa-f]*:[0-9A-Fa-f:]+:[0-9A-Fa-f]*)"
    r"|(?P<id>(?:0x)?[0-9A-Fa-f]{8,}|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})"
)
_IP = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_DIGITS = re.compile(r"\d+")


@dataclass(slots=True)
class Template:
    """Lines that differ in details only.

    Attributes:
        words: The template; see `text`.
        first, last: The positions of the first and the last line in what was mined.
        example: The first line.
    """

    words: list[str]
    count: int
    first: int
    last: int
    example: str

    @property
    def text(self) -> str:
        """The line with placeholders."""
        return " ".join(self.words)


def mask(text: str) -> str:
    """The text with numbers, ids, addresses, times and durations as placeholders."""
    return _VARIES.sub(_placeholder, text[:WIDTH])


def _placeholder(found: re.Match[str]) -> str:
    word = found[0]
    if word.isdecimal():
        return "<number>" if len(word) < LONG_NUMBER else "<id>"
    kind = _KIND.fullmatch(word)
    if kind is not None:
        return "<address>" if _IP.fullmatch(word) else f"<{kind.lastgroup}>"
    # Part of a word: the letters tell what it is, the digits which one.
    return _DIGITS.sub("<n>", word[:120])


class Miner:
    """Collects templates; memory is bounded by `MOST` templates, whatever comes."""

    def __init__(self) -> None:
        self.unsorted = 0
        self._tree: dict[tuple[int, str, str], list[Template]] = {}
        self._known: dict[tuple[str, str], Template] = {}
        self._count = 0

    def add(self, masked: str, text: str, position: int, kind: str = "") -> Template | None:
        """Count a line.

        Args:
            masked: The line after `mask`.
            kind: Lines of different kinds, such as levels, never share a template.

        Returns:
            Its template; None where there are too many already and it fits none.
        """
        found = self._known.get((masked, kind))
        if found is None:
            found = self._sort_in(masked, text, position, kind)
            if found is None:
                self.unsorted += 1
                return None
            if len(self._known) < SHAPES:
                self._known[masked, kind] = found
        found.count += 1
        found.last = position
        return found

    def templates(self) -> list[Template]:
        """All of them, the commonest first."""
        found = [each for group in self._tree.values() for each in group]
        return sorted(found, key=lambda each: (-each.count, each.first))

    def _sort_in(self, masked: str, text: str, position: int, kind: str) -> Template | None:
        words = masked.split()
        first = words[0] if words and "<" not in words[0] else ANY
        key = (len(words), first, kind)
        group = self._tree.get(key, [])
        best, most = None, 0.0
        for each in group:
            same = sum(one in (other, ANY) for one, other in zip(each.words, words, strict=True))
            if same > most:
                best, most = each, same
        if best is not None and most >= LIKE * len(words):
            best.words = [one if one == other else ANY for one, other in zip(best.words, words, strict=True)]
            return best
        if self._count >= MOST:
            return None
        self._count += 1
        made = Template(words, 0, position, position, text[:WIDTH])
        self._tree.setdefault(key, []).append(made)
        return made

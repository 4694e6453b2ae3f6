"""Text that was put together from parts of a file, and knows where each of its characters stands there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BLANK = " \t\r\v\f"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Text with places.

    Attributes:
        text: What it says.
        places: The place in the file of each character.
        end: The place behind the last one.
    """

    text: str
    places: Sequence[int]
    end: int

    @classmethod
    def of(cls, whole: str, start: int, end: int) -> Mapped:
        """A part of a file."""
        return cls(whole[start:end], range(start, max(start, end)), max(start, end))

    @classmethod
    def join(cls, parts: Iterable[Mapped]) -> Mapped:
        """Parts in a row."""
        found = list(parts)
        if len(found) == 1:
            return found[0]
        places = [place for part in found for place in part.places]
        return cls("".join(part.text for part in found), places, found[-1].end if found else 0)

    def cut(self, start: int, end: int | None = None) -> Mapped:
        """A part of it, by places in its own text."""
        stop = len(self.text) if end is None else end
        behind = self.places[stop - 1] + 1 if 0 < stop <= len(self.text) and stop > start else self._at(start)
        return Mapped(self.text[start:stop], self.places[start:stop], behind)

    def stripped(self) -> Mapped:
        """Without white space around it."""
        left = len(self.text) - len(self.text.lstrip(_BLANK))
        return self.cut(left, max(left, len(self.text.rstrip(_BLANK))))

    @property
    def place(self) -> tuple[int, int]:
        """Where it begins and ends in the file."""
        return (self.places[0] if self.places else self.end), self.end

    def _at(self, index: int) -> int:
        return self.places[index] if index < len(self.places) else self.end

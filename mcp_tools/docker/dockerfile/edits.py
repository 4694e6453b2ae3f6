"""Patches: exact changes of files, put together, applied and shown."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DOCKERFILE = "Dockerfile"
DOCKERIGNORE = ".dockerignore"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A part of a file replaced.

    Attributes:
        file: `Dockerfile`, `.dockerignore`, or a path in the build context.
        start, end: Places in its text; both at its end to append, both 0 in a file that is to be made.
        new: What is to stand there.
    """

    file: str
    start: int
    end: int
    new: str


def apply(files: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The files after the edits; a file that is not there begins empty.

    Raises:
        ValueError: Two edits of one place do not agree.
    """
    after = dict(files)
    wanted = set(edits)
    for file in {edit.file for edit in wanted}:
        here = sorted(edit for edit in wanted if edit.file == file)
        if clash(here):
            raise ValueError(f"edits of {file} overlap")
        text = after.get(file, "")
        for edit in reversed(here):
            text = text[: edit.start] + edit.new + text[edit.end :]
        after[file] = text
    return after


def clash(edits: Sequence[Edit]) -> bool:
    """Whether two of some edits are of one place."""
    ordered = sorted(edits)
    return any(
        one.file == other.file and (other.start < one.end or (one.start, one.end) == (other.start, other.end))
        for one, other in itertools.pairwise(ordered)
    )


def as_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What differs, as `diff -u` shows it."""
    parts: list[str] = []
    for file in sorted({*before, *after}):
        old, new = before.get(file, ""), after.get(file, "")
        if old != new:
            lines = difflib.unified_diff(
                old.splitlines(keepends=True),
                new.splitlines(keepends=True),
                f"a/{file}" if file in before else "/dev/null",
                f"b/{file}",
                n=2,
            )
            parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(parts)

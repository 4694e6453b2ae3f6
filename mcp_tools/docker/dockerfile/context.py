"""A build context: what `.dockerignore` lets through, measured on the disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

MAX_FILES = 200_000
MAX_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of `.dockerignore`."""

    text: str
    includes: bool
    matches: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the context: its path from the root, its size in bytes, and whether it is left out."""

    path: str
    size: int
    ignored: bool


@dataclass(slots=True)
class Context:
    """A directory that is built from.

    Attributes:
        patterns: Of its `.dockerignore`.
        cut: There are more files than were looked at.
        texts: What stands for the text of a file on the disk, by its path.
    """

    root: Path
    ignore_file: Path
    patterns: tuple[Pattern, ...]
    files: dict[str, File] = field(default_factory=dict)
    cut: bool = False
    texts: dict[str, str] = field(default_factory=dict)

    def there(self, path: str) -> bool:
        """Whether a file or folder is in the context, and not left out."""
        clean = clean_path(path)
        if not clean:
            return True
        found = self.files.get(clean)
        return not found.ignored if found else any(self.below(clean))

    def below(self, folder: str) -> Iterator[File]:
        """The files that a COPY of a path takes."""
        clean = clean_path(folder)
        if any(letter in clean for letter in "*?["):
            pattern = re.compile(_regex(clean) + r"(?:/.*)?$")
            yield from (one for one in self.files.values() if not one.ignored and pattern.match(one.path))
            return
        prefix = f"{clean}/" if clean else ""
        yield from (
            one for one in self.files.values() if not one.ignored and (one.path == clean or one.path.startswith(prefix))
        )

    def ignored(self, path: str) -> bool:
        """Whether `.dockerignore` leaves a path out, there or not."""
        return is_ignored(self.patterns, clean_path(path))

    def text(self, path: str) -> str:
        """What a file says; empty where it is not there, left out or too large."""
        clean = clean_path(path)
        if clean in self.texts:
            return self.texts[clean]
        found = self.files.get(clean)
        if found is None or found.ignored or found.size > MAX_TEXT:
            return ""
        try:
            return (self.root / clean).read_text("utf-8", "replace")
        except OSError:
            return ""


def clean_path(path: str) -> str:
    """A path of COPY, from the context's root: `./a/` and `/a` are `a`."""
    return os.path.normpath(f"/{path}").strip("/") if path not in {"", ".", "./", "/"} else ""


def read_context(root: Path, dockerfile: Path | None = None) -> Context:
    """Measure a context; `<Dockerfile>.dockerignore` counts before `.dockerignore`, as BuildKit has it."""
    own = dockerfile.with_name(f"{dockerfile.name}.dockerignore") if dockerfile else None
    ignore = own if own and own.is_file() else root / ".dockerignore"
    text = ignore.read_text("utf-8", "replace") if ignore.is_file() else ""
    return measure(root, ignore, text)


def measure(root: Path, ignore_file: Path, text: str) -> Context:
    """Measure a context as it would be under some text of a `.dockerignore`."""
    found = Context(root, ignore_file, read_patterns(text))
    for folder, folders, names in os.walk(root):
        folders.sort()
        at = Path(folder)
        for name in [*sorted(names), *(one for one in folders if (at / one).is_symlink())]:
            path = (at / name).relative_to(root).as_posix()
            if len(found.files) >= MAX_FILES:
                found.cut = True
                return found
            try:
                size = (at / name).lstat().st_size
            except OSError:
                continue  # gone meanwhile
            found.files[path] = File(path, size, is_ignored(found.patterns, path))
    return found


def read_patterns(text: str) -> tuple[Pattern, ...]:
    """The lines of a `.dockerignore`, as `moby/patternmatcher` reads them."""
    found = []
    for line in text.removeprefix("\ufeff").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        bare = line.strip()
        includes = bare.startswith("!")
        clean = clean_path(bare.removeprefix("!").strip())
        if clean:
            found.append(Pattern(clean, includes, re.compile(_regex(clean) + r"$")))
    return tuple(found)


def is_ignored(patterns: tuple[Pattern, ...], path: str) -> bool:
    """Whether the last pattern that fits a path, or a folder above it, leaves it out."""
    ignored = False
    parts = PurePosixPath(path)
    above = [path, *(str(one) for one in parts.parents if str(one) != ".")]
    for pattern in patterns:
        if pattern.includes == ignored and any(pattern.matches.match(one) for one in above):
            ignored = not pattern.includes
    return ignored


@cache
def _regex(pattern: str) -> str:
    out, at = [], 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            out.append(".*")
            at += 2
        elif pattern[at] == "*":
            out.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            out.append("[^/]")
            at += 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 1)) > 0:
            out.append(pattern[at : end + 1])
            at = end + 1
        elif pattern[at] == "\\" and at + 1 < len(pattern):
            out.append(re.escape(pattern[at + 1]))
            at += 2
        else:
            out.append(re.escape(pattern[at]))
            at += 1
    return "^" + "".join(out)

"""The build context: what is copied that nobody needs, measured on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_tools.docker.dockerfile.context import File, is_ignored, read_patterns
from mcp_tools.docker.dockerfile.edits import DOCKERIGNORE, Edit
from mcp_tools.docker.dockerfile.model import Finding, Look, finding, rule
from mcp_tools.docker.dockerfile.stages import operands
from mcp_tools.reads.answer import listed

JUNK = (
    *(".git", "**/node_modules", "**/.venv", "**/venv", "**/__pycache__", "**/.pytest_cache", "**/.mypy_cache"),
    *("**/.ruff_cache", "**/.tox", "**/.next", "**/.nuxt", "**/.turbo", "**/coverage", "**/htmlcov", "**/.terraform"),
    *("**/.gradle", "**/*.log", "**/.DS_Store", "**/*.pyc", "**/.idea", "**/.vscode", "**/target/debug", "**/*.swp"),
)
"""What tools make, and building makes again or does not need."""
ALWAYS = frozenset({".git", "**/node_modules", "**/.venv", "**/venv"})
"""Told however small they are: they differ from what the image has, and change without a change of the sources."""
MIN_BYTES = 200_000


@rule("context", "Files get into the image that nobody needs there", "medium")
def context(look: Look) -> Iterator[Finding]:
    """Docker: ".dockerignore files"; what is copied without need makes layers larger and caches useless."""
    taken: dict[str, tuple[int, File]] = {}
    for stage in look.layout.stages:
        for found in stage.body:
            if found.keyword not in {"COPY", "ADD"} or found.flag("from") is not None or found.heredocs:
                continue
            for word in operands(found)[:-1]:
                for file in look.context.below(stage.said(found, word.text)):
                    taken.setdefault(file.path, (found.line, file))
    lines: dict[str, int] = {}
    first = 0
    for text in JUNK:
        patterns = read_patterns(text)
        hits = [(line, file) for line, file in taken.values() if is_ignored(patterns, file.path)]
        if hits:
            lines[text] = sum(file.size for _, file in hits)
            first = first or min(line for line, _ in hits)
            for _, file in hits:
                taken.pop(file.path, None)
    total = sum(lines.values())
    if not lines or (total < MIN_BYTES and not ALWAYS & set(lines)):
        return
    old = look.ignore_text or ""
    gap = "\n" if old and not old.endswith("\n") else ""
    edit = Edit(DOCKERIGNORE, len(old), len(old), gap + "".join(f"{text}\n" for text in lines))
    names = [
        f"{re.sub(r'^[*][*]/', '', text)} ({megabytes(size)})"
        for text, size in sorted(lines.items(), key=lambda item: -item[1])
    ]
    missing = "There is no .dockerignore" if look.ignore_text is None else ".dockerignore lets them through"
    yield finding(first, f"Line {first} copies {listed(names, 4)}. {missing}", edit, bytes=total)


def megabytes(size: int) -> str:
    """`12.3 MB`; `under 0.1 MB` of little."""
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else "under 0.1 MB"  # noqa: PLR2004  what rounds to 0.0

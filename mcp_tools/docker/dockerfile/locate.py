"""Which Dockerfile is meant: by its path, its folder, or the name of what is built from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mcp_tools.errors import Ambiguous, NotFound
from mcp_tools.stack.images import NOT_BUILT_FROM

MAX_FOLDERS = 5000


def locate(name: str, root: Path) -> Path:
    """The Dockerfile that a name stands for.

    Args:
        name: A file or folder below `root`, or an image: `todo-backend:1.0.0` and `backend` are built in `…/backend`.
        root: Where to look.

    Raises:
        NotFound: There is none; the candidates are those that there are.
        Ambiguous: There are several.
    """
    place = root / Path(name).expanduser()
    if place.is_file() or (place / "Dockerfile").is_file():
        return place if place.is_file() else place / "Dockerfile"
    image = name.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    there = list(_dockerfiles(root))
    found = [one for one in there if _is_of(image, one.parent.name.lower())]
    if len(found) == 1:
        return found[0]
    names = tuple(str(one.relative_to(root)) for one in (found or there)[:10])
    if found:
        raise Ambiguous(f"Several Dockerfiles may be meant by {name!r}.", "Name one by its path.", names)
    hint = "Name one by its path." if names else "Start in the directory that has it."
    raise NotFound(f"There is no Dockerfile of {name!r} here.", hint, names)


def _is_of(image: str, folder: str) -> bool:
    return image == folder or image.endswith(f"-{folder}")


def _dockerfiles(root: Path) -> Iterator[Path]:
    for number, (directory, folders, files) in enumerate(os.walk(root)):
        if number > MAX_FOLDERS:
            return
        folders[:] = sorted(name for name in folders if name not in NOT_BUILT_FROM and not name.startswith("."))
        if "Dockerfile" in files:
            yield Path(directory) / "Dockerfile"

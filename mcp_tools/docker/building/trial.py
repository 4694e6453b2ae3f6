"""Building on a copy: the user's files stay as they are, and what was built for a look is taken away again."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.edits import DOCKERFILE, DOCKERIGNORE
from mcp_tools.errors import ConnectionProblem, UsageError
from mcp_tools.reads.answer import count
from mcp_tools.stack.images import engine_answers
from mcp_tools.stack.programs import ProgramFailed, looked, output, run

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.context import Context

MAX_CONTEXT = 2_000_000_000
MAX_LOG = 20_000
PREFIX = "shipmate-trial"
Tell = Callable[[str, str], None]
"""Hears what is being done, and the line that the builder printed on the way."""


@dataclass(frozen=True, slots=True)
class Built:
    """How a build went.

    Attributes:
        seconds: From the start of the builder to its end.
        log: What it printed, redacted.
    """

    ok: bool
    seconds: float
    log: str


class Trial:
    """A copy of a build context, with a Dockerfile and a `.dockerignore` beside it.

    Attributes:
        root: The copy: what `.dockerignore` leaves out is not in it. Files are hard links where that is possible, so
            write with `put`.
        tag: Of the image that is built.
    """

    def __init__(self, place: Path, context: Context, texts: Mapping[str, str], stop: threading.Event) -> None:
        self._stop = stop
        self.root = place / "context"
        self.tag = f"{PREFIX}:{secrets.token_hex(6)}"
        self._file = place / DOCKERFILE
        _copy(context, self.root)
        for name, text in texts.items():
            self.put(name, text)

    def put(self, name: str, text: str) -> None:
        """Write one of its files, by its name in a patch."""
        beside = {DOCKERFILE: self._file, DOCKERIGNORE: self._file.with_name(f"{DOCKERFILE}.dockerignore")}
        path = beside.get(name, self.root / name)
        mode = path.stat().st_mode if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        if mode is not None:
            path.chmod(mode)

    def build(
        self,
        tell: Tell,
        *,
        fresh: bool = False,
        build_args: Mapping[str, str] | None = None,
        target: str | None = None,
    ) -> Built:
        """Build it with BuildKit.

        Args:
            fresh: Take nothing from the builder's cache.

        Raises:
            ConnectionProblem: No engine answers.
        """
        words = ["docker", "build", "--progress=plain", f"--tag={self.tag}", f"--file={self._file}"]
        words += ["--no-cache"] if fresh else []
        words += [f"--target={target}"] if target else []
        # Values stand in the environment: the list of processes is for everybody to read.
        words += [part for name in build_args or {} for part in ("--build-arg", name)]
        lines: deque[str] = deque(maxlen=MAX_LOG)

        def hear(line: str) -> None:
            lines.append(line)
            tell(f"building {self._file.parent.name}", line)

        began = time.monotonic()
        environment = {"DOCKER_BUILDKIT": "1", **(build_args or {})}
        try:
            run([*words, str(self.root)], hear, self._stop, environment=environment)
        except ProgramFailed:
            require_engine()
            return Built(ok=False, seconds=time.monotonic() - began, log="\n".join(lines))
        return Built(ok=True, seconds=time.monotonic() - began, log="\n".join(lines))

    def remove(self) -> None:
        """Take the image away; what the builder's cache holds of it, it lets go by itself."""
        looked("docker", "image", "rm", "--force", self.tag)


@contextlib.contextmanager
def trial(
    context: Context, texts: Mapping[str, str], name: str = "trial", stop: threading.Event | None = None
) -> Iterator[Trial]:
    """A copy of a context with some of its files changed; gone at the end, with its image.

    Args:
        texts: By the names of a patch; the Dockerfile is one of them.
        name: For the progress.
        stop: Set from another thread, it ends the build that runs with `Stopped`.

    Raises:
        UsageError: The context is too large to be copied.
    """
    with tempfile.TemporaryDirectory(prefix="shipmate-") as place:
        folder = Path(place) / name
        folder.mkdir()
        found = Trial(folder, context, texts, stop or threading.Event())
        try:
            yield found
        finally:
            found.remove()


def require_engine() -> None:
    """Refuse to go on where no engine answers.

    Raises:
        ConnectionProblem: None does.
    """
    if not engine_answers():
        raise ConnectionProblem("No Docker engine answers here.", "Start Docker, or set DOCKER_HOST, then ask again.")


def image_sizes() -> dict[str, int]:
    """The images of this machine's engine with their bytes, by name; empty where it does not answer."""
    text = output("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}") or ""
    names = [name for name in text.split() if "<none>" not in name][:500]
    told = output("docker", "image", "inspect", "--format", "{{.Size}}", *names) if names else None
    sizes = told.split() if told else []
    return {name: int(size) for name, size in zip(names, sizes, strict=False)} if len(sizes) == len(names) else {}


def _copy(context: Context, into: Path) -> None:
    files = [one for one in context.files.values() if not one.ignored]
    size = sum(one.size for one in files)
    if size > MAX_CONTEXT or context.cut:
        raise UsageError(
            f"The build context is too large to try it on a copy: {count(len(files), 'file')}, {size / 1e9:.1f} GB.",
            "Leave out what is not built from, in .dockerignore.",
        )
    into.mkdir(parents=True)
    for one in files:
        source, target = context.root / one.path, into / one.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
            continue
        try:
            os.link(source, target)
        except OSError:  # another file system, or none that has links
            shutil.copy2(source, target)

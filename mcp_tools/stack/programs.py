"""Running the programs of the user's machine that images need: docker, minikube, kind."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from mcp_tools.errors import ShipmateError, Stopped
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LOOK_SECONDS = 20.0
WORK_SECONDS = 1800.0
STOP_SECONDS = 10.0
"""How long a program that is told to end may take to put its things in order."""
WAKE_SECONDS = 0.2
TAIL = 12
WIDTH = 300


class ProgramFailed(ShipmateError):
    """A program of this machine is missing, or ended with an error."""

    code: ClassVar[str] = "program_failed"


def is_there(program: str) -> bool:
    """Whether a program is on the PATH."""
    return shutil.which(program) is not None


def looked(
    *words: str, directory: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str] | None:
    """What a program that only looks gave; None where it is missing or does not answer in 20 seconds."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(  # noqa: S603  words, no shell
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LOOK_SECONDS,
            check=False,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    return None


def output(*words: str, directory: Path | None = None) -> str | None:
    """What a program that only looks prints; None where it is missing, fails or does not answer in 20 seconds."""
    done = looked(*words, directory=directory)
    return done.stdout if done and done.returncode == 0 else None


def run(
    words: Sequence[str],
    tell: Callable[[str], None],
    stop: threading.Event,
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    given: str | None = None,
) -> None:
    """Run a program to its end, telling each line it prints, bounded and redacted.

    It has a session of its own: a Ctrl-C in the terminal is for us, and what it is to mean is asked first.

    Args:
        stop: Set from another thread, it ends the program with all that it started.
        given: What it reads from its standard input, which is where secrets go: neither words nor files hold them.

    Raises:
        Stopped: `stop` was set.
        ProgramFailed: It is missing, failed, or did not end in half an hour; the message ends in its last lines.
    """
    if not is_there(words[0]):
        raise ProgramFailed(f"There is no {words[0]} on this machine.", f"Install {words[0]}, then ask again.")
    told: deque[str] = deque(maxlen=TAIL)
    name = f"`{' '.join(words[:3])} …`"
    process = subprocess.Popen(  # noqa: S603  words, no shell
        list(words),
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=directory,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
    try:
        if process.stdin and given is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(given)
        for line in _lines(process, stop, name):
            if text := redact_text(line.strip()[:WIDTH]):
                told.append(text)
                tell(text)
        process.wait(STOP_SECONDS)
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        said = " | ".join(told) or "it said nothing"
        raise ProgramFailed(f"{name} ended with exit code {process.returncode}: {said}", "")


def _lines(process: subprocess.Popen[str], stop: threading.Event, name: str) -> Iterator[str]:
    """The lines of a program as they come, until there are no more of them.

    Raises:
        Stopped, ProgramFailed: As `run`.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        if process.stdout:
            with process.stdout:
                for line in process.stdout:
                    lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="program", daemon=True).start()
    until = time.monotonic() + WORK_SECONDS
    while not stop.is_set():
        try:
            line = lines.get(timeout=WAKE_SECONDS)
        except queue.Empty:
            if time.monotonic() > until:
                raise ProgramFailed(f"{name} did not end in {WORK_SECONDS / 60:.0f} minutes, and was ended.") from None
            continue
        if line is None:
            return
        yield line
    raise Stopped(f"{name} was ended, since it was stopped.")


def _end(process: subprocess.Popen[str]) -> None:
    """End a program with all that it started: asked once, then made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until:
            process.poll()
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(WAKE_SECONDS)

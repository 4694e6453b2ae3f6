"""The sandbox as a background process: start it once, find it again, stop it.

Cheap to import, and cheap to call while the sandbox runs: nothing of the server is loaded here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from mcp_tools.errors import ConnectionProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INFO = "sandbox.json"
_LOCK = "lock"
_LOG = "log"
_KUBECONFIG = "kubeconfig"
START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_CONNECT_SECONDS = 1.0
_LOG_LINES = 12


class SandboxStartFailed(ConnectionProblem):
    """The sandbox's process ended, or did not answer in time; the message has the last lines of its log."""

    code = "sandbox_start_failed"


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """A sandbox that runs.

    Attributes:
        kubeconfig: Reaches it; only its owner can read it.
        url: Such as `https://127.0.0.1:40123`.
        pid: Of its process.
        data: The folder in which its objects are kept; `None` where they are not.
    """

    kubeconfig: Path
    url: str
    pid: int
    data: Path | None = None


def default_state() -> Path:
    """Where the sandbox keeps its files unless told otherwise."""
    from mcp_tools.paths import state_dir

    return state_dir() / "sandbox"


def ensure_running(
    state: Path | None = None, *, empty: bool = False, idle_minutes: float = 120.0, data: Path | None = None
) -> SandboxInfo:
    """The running sandbox, started in the background if there is none. Callers at the same time start one.

    Args:
        state: The directory of its files; two directories are two sandboxes.
        empty: Without the todo stack, if it has to be started.
        idle_minutes: It ends by itself after so long without a request.
        data: A folder in which its objects are kept, if it has to be started.

    Raises:
        SandboxStartFailed: It did not come up.
    """
    place = state or default_state()
    if found := status(place):
        return found
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(place):
        return status(place) or _start(place, empty=empty, idle_minutes=idle_minutes, data=data)


def status(state: Path | None = None) -> SandboxInfo | None:
    """The running sandbox, or `None`: its process lives and its port takes connections."""
    place = state or default_state()
    try:
        raw = json.loads((place / _INFO).read_text(encoding="utf-8"))
        data = type(place)(raw["data"]) if raw.get("data") else None
        info = SandboxInfo(place / _KUBECONFIG, str(raw["url"]), int(raw["pid"]), data)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return info if info.kubeconfig.is_file() and _alive(info.pid) and _answers(info.url) else None


def stop(state: Path | None = None) -> bool:
    """End the sandbox and everything in it; says whether there was one."""
    place = state or default_state()
    if not place.is_dir():
        return False
    with _locked(place):
        return _stop(place)


def reset(state: Path | None = None) -> SandboxInfo:
    """A fresh sandbox in place of the one that runs; errors as `ensure_running`."""
    from mcp_tools.sandbox.durable import forget

    running = status(state)
    stop(state)
    data = running.data if running else None
    if data:
        forget(data)
    return ensure_running(state, data=data)


def write_info(state: Path, url: str, pid: int, data: Path | None = None) -> None:
    """Called by the sandbox's process once it answers: lets others find it."""
    temporary = state / f".{_INFO}.{pid}"
    temporary.write_text(
        json.dumps({"url": url, "pid": pid, "data": str(data.absolute()) if data else ""}), encoding="utf-8"
    )
    temporary.replace(state / _INFO)


def _start(place: Path, *, empty: bool, idle_minutes: float, data: Path | None) -> SandboxInfo:
    (place / _INFO).unlink(missing_ok=True)
    command = [
        sys.executable,
        "-P",
        "-m",
        "mcp_tools.sandbox",
        "--state",
        str(place),
        "--idle-minutes",
        str(idle_minutes),
        *(["--empty"] if empty else []),
        *(["--data", str(data.absolute())] if data else []),
    ]
    with (place / _LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own module
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
            cwd=place,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if found := status(place):
            return found
        if process.poll() is not None:
            raise SandboxStartFailed(f"The sandbox ended while starting:\n{_last_lines(place / _LOG)}", _hint(place))
        time.sleep(0.01)
    process.kill()
    process.wait()
    raise SandboxStartFailed(
        f"The sandbox did not answer within {START_SECONDS:.0f} s.\n{_last_lines(place / _LOG)}", _hint(place)
    )


def _hint(place: Path) -> str:
    return f"Its log is {place / _LOG}."


def _last_lines(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])


def _stop(place: Path) -> bool:
    found = status(place)
    if found is None:
        (place / _INFO).unlink(missing_ok=True)
        return False
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _alive(found.pid):
        if time.monotonic() > deadline:
            os.kill(found.pid, signal.SIGKILL)
            break
        time.sleep(0.01)
    (place / _INFO).unlink(missing_ok=True)
    (place / _KUBECONFIG).unlink(missing_ok=True)
    return True


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError, OSError):
        # A child of ours that ended stays a zombie until somebody asks for it.
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(url: str) -> bool:
    host, _, port = url.removeprefix("https://").partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS):
            return True
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    with (place / _LOCK).open("a+b") as file:
        _lock(file)
        yield


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX)

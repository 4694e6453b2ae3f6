"""Log lines as a function of time: nothing is stored, the same container always wrote the same lines."""

from __future__ import annotations

import bisect
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.sandbox.clock import rfc3339_micro

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.containers.behaviours import Behaviour

MOST_LINES = 2000


@dataclass(frozen=True, slots=True)
class Trouble:
    """From a moment on, calls to a target fail in this way; an empty error ends it.

    Attributes:
        url: That is called.
        error: As the program's language says it.
    """

    when: float
    url: str
    error: str


@dataclass(slots=True)
class Run:
    """One life of a container, from start to end.

    Attributes:
        seed: Makes its lines its own.
        finished: When it ended; `None` while it runs.
    """

    behaviour: Behaviour
    seed: int
    started: float
    finished: float | None = None
    exit_code: int = 0
    reason: str = ""
    signal: int = 0
    message: str = ""
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A line and when it was written, in seconds since 1970."""

    when: float
    text: str


def lines_of(run: Run, now: float, most: int = MOST_LINES) -> list[Line]:
    """The last lines that a container has written until now, oldest first.

    Args:
        run: Of the container.
        now: Seconds since 1970.
        most: How many at the most.
    """
    end = min(now, run.finished if run.finished is not None else now)
    behaviour = run.behaviour
    step = behaviour.boot / (len(behaviour.opening) + 1)
    found = [
        Line(run.started + step * index, _stamped(text, run.started + step * index))
        for index, text in enumerate(behaviour.opening, 1)
    ]
    if behaviour.traffic:
        # A generator, or `repeat`: the opening lines over and over.
        write = _TRAFFIC.get(behaviour.traffic)
        ticks = int(max(0.0, end - run.started - behaviour.boot) / behaviour.period) + 1
        for tick in range(max(0, ticks - most), ticks):
            source = random.Random(run.seed * 1_000_003 + tick)  # noqa: S311  made-up traffic
            when = run.started + behaviour.boot + (tick + source.random()) * behaviour.period
            text = write(source, when) if write else behaviour.opening[tick % len(behaviour.opening)]
            trouble = next((item for item in reversed(run.troubles) if item.when <= when), None)
            if trouble and trouble.error:
                text = _failed_call(behaviour.voice, trouble, when)
            found.append(Line(when, text))
    if run.finished is not None and behaviour.end and run.exit_code == behaviour.end.exit_code:
        found += [Line(run.finished, text) for text in behaviour.end.lines]
    return [line for line in found if line.when <= end][-most:]


def after(lines: list[Line], moment: float) -> list[Line]:
    """The lines that were written after a moment."""
    return lines[bisect.bisect_right([line.when for line in lines], moment) :]


def _stamped(text: str, when: float) -> str:
    return text.replace("@", rfc3339_micro(when)[:-4] + "Z", 1)


def _json(when: float, logger: str, message: str, **fields: object) -> str:
    entry = {"ts": rfc3339_micro(when)[:-4] + "Z", "level": "info", "logger": logger, "msg": message, **fields}
    return msgspec.json.encode(entry).decode()


def _failed_call(voice: str, trouble: Trouble, when: float) -> str:
    if voice == "node":
        return f" \u2a2f TypeError: fetch failed: {trouble.url} [cause]: Error: {trouble.error}"
    entry = {"ts": rfc3339_micro(when)[:-4] + "Z", "level": "error", "logger": "app.upstream", "msg": "call failed"}
    return msgspec.json.encode({**entry, "url": trouble.url, "error": trouble.error}).decode()


_REQUESTS = (
    ("GET", "/api/tasks", 200),
    ("GET", "/api/tasks", 200),
    ("GET", "/api/tasks?status=open", 200),
    ("POST", "/api/tasks", 201),
    ("PATCH", "/api/tasks/{id}/complete", 200),
    ("PUT", "/api/tasks/{id}", 200),
    ("DELETE", "/api/tasks/{id}", 204),
    ("POST", "/api/chat", 200),
    ("GET", "/api/tasks/{id}", 404),
)
_TOOLS = ("list_tasks", "list_tasks", "add_task", "complete_task", "update_task", "delete_task")
_PAGES = ("/", "/dashboard", "/dashboard", "/sign-in", "/api/auth/get-session", "/chat")


def _backend(source: random.Random, when: float) -> str:
    method, path, status = source.choice(_REQUESTS)
    return _json(
        when,
        "app.access",
        "request",
        method=method,
        path=path.replace("{id}", str(source.randint(1, 400))),
        status=status,
        duration_ms=round(source.lognormvariate(2.4, 0.6), 1),
        request_id=f"{source.getrandbits(48):012x}",
    )


def _mcp(source: random.Random, when: float) -> str:
    duration = round(source.lognormvariate(2.0, 0.5), 1)
    return _json(when, "mcp", "tool call", tool=source.choice(_TOOLS), ok=True, duration_ms=duration)


def _frontend(source: random.Random, _: float) -> str:
    return f" GET {source.choice(_PAGES)} 200 in {source.randint(4, 60)}ms"


def _nginx(_: random.Random, when: float) -> str:
    return f'10.244.0.1 - - [{rfc3339_micro(when)[:19]}] "GET / HTTP/1.1" 200 615 "-" "kube-probe/1.34" "-"'


_TRAFFIC: dict[str, Callable[[random.Random, float], str]] = {
    "backend": _backend,
    "mcp": _mcp,
    "frontend": _frontend,
    "nginx": _nginx,
}

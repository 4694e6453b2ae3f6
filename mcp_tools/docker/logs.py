"""The last log lines of a container, told as a pod's are."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from mcp_tools.docker.containers import find
from mcp_tools.docker.engine import engine
from mcp_tools.reads.answer import Answer, count
from mcp_tools.reads.lines import Line, folded, is_wanted, last_lines, read_lines

if TYPE_CHECKING:
    from mcp_tools.docker.engine import Api

MAX_LINES = 500
FILTERED_TAIL = 5000
MAX_BYTES = 2_000_000


def get_logs(
    target: str,
    *,
    tail_lines: int = 100,
    since_seconds: int | None = None,
    contains: str | None = None,
    level: str | None = None,
) -> Answer:
    """Read the last log lines of a container.

    Args:
        tail_lines: How many lines at most; 500 is the most.
        contains: Only lines that hold this text, whatever the case.
        level: Only `error` lines, or `warning` and worse.

    Returns:
        `target`, `lines`, `truncated`, and of a log that is longer than what is shown `digest` and `first_error`.

    Raises:
        NotFound, Ambiguous: No such container, or several.
        NoEngine, ApiError: As `engine`.
    """
    wanted = min(tail_lines, MAX_LINES)
    with engine() as api:
        found = find(api, target)
        read = read_log(api, found.id, FILTERED_TAIL if contains or level else wanted, since_seconds)
    lines = [line for line in read if is_wanted(line.text, contains, level)]
    shown = last_lines(lines, wanted)
    data = {
        "target": found.target,
        "lines": [line.text for line in shown],
        "truncated": len(lines) > len(shown),
        **(folded(lines) if len(lines) > len(shown) else {}),
    }
    which = f" of level {level} or worse" if level else ""
    match = f" with {contains!r}" if contains else ""
    return Answer(f"{count(len(shown), 'line')}{which}{match} of the log of {found} ({found.status}).", data)


def read_log(api: Api, container_id: str, tail: int, since_seconds: int | None = None) -> list[Line]:
    """The last lines, at most 2 MB of them, redacted; errors as `engine`."""
    since = int(time.time()) - since_seconds if since_seconds else None
    kept: deque[bytes] = deque()
    size = 0
    for piece in api.logs(container_id, stream=True, follow=False, timestamps=True, tail=tail, since=since):
        kept.append(piece)
        size += len(piece)
        while size > MAX_BYTES:
            size -= len(kept.popleft())
    return list(read_lines(b"".join(kept)))

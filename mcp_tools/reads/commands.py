"""What a command that only looks says, in a container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tools.cluster.streams import run_command
from mcp_tools.reads.answer import Answer

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

LOOK_SECONDS = 15.0


def look(connection: Connection, found: Found, container: str, argv: Sequence[str]) -> Answer:
    """Run a command that changes nothing; errors as `run_command`.

    Returns:
        `target`, `command`, `exit_code` (None where it did not end in time), `stdout`, `stderr`, `truncated`.
    """
    output = run_command(connection, found.namespace or "", found.name, container, argv, timeout=LOOK_SECONDS)
    ended = "did not end in time" if output.exit_code is None else f"ended with {output.exit_code}"
    data = {
        "target": str(found),
        "command": list(argv),
        "exit_code": output.exit_code,
        "stdout": output.stdout,
        "stderr": output.stderr,
        "truncated": output.truncated,
    }
    return Answer(f"`{' '.join(argv)}` in {found} (container {container}) {ended}.", data)

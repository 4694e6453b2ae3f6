"""What a change does inside a pod: running a command, writing a file, reading one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mcp_tools.changes.copying import copy_in, copy_out
from mcp_tools.changes.model import Verb
from mcp_tools.cluster.streams import run_command

if TYPE_CHECKING:
    from mcp_tools.changes.steps import Ready
    from mcp_tools.cluster.connection import Connection

EXEC_SECONDS = 60.0


def carry_out(connection: Connection, ready: Ready) -> Ready:
    """Do what a step whose `inside` is true says.

    Returns:
        The step with what it gave.

    Raises:
        Conflict: What was shown is not what is there any more.
        ShipmateError: The server, or the container, refused it.
    """
    found, body = ready.found, ready.body or {}
    if ready.step.verb is Verb.COPY_IN:
        copy_in(connection, found, body)
        return ready
    if ready.step.verb is Verb.COPY_OUT:
        return dataclasses.replace(ready, step=copy_out(connection, found, body, ready.step))
    output = run_command(
        connection, found.namespace or "", found.name, body["container"], body["argv"], timeout=EXEC_SECONDS
    )
    return dataclasses.replace(ready, output=output)

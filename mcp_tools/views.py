"""Looks that are no tools: what a person's faces show of a toolbox's cluster, redacted as the tools' answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.toolbox import redacted, redacting

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Set as AbstractSet

    from mcp_tools.health.frame import Frame
    from mcp_tools.toolbox import Toolbox, ToolResult

LOOKED_BACK = 200
"""Entries of the journal that may be told as changes since a moment."""


def look_at_health(box: Toolbox, *, everywhere: bool = False) -> Frame:
    """What a live view of health shows at this moment; kept for the trend like any check.

    Args:
        everywhere: The whole cluster instead of the target's namespace.

    Raises:
        ConnectionProblem: The cluster does not answer; message and hint are redacted.
    """
    from mcp_tools.health.checking import FILE, check
    from mcp_tools.health.frame import frame_of

    with redacting():
        connection = box.connection
        namespace = None if everywhere else connection.namespace
        history = box.journal.path.with_name(FILE)
        found = check(connection, namespace, history=history, settings=box.health)
    return frame_of(connection.context, found, namespace)


def changed(
    box: Toolbox, since: dt.datetime, namespace: str | None = None, before: AbstractSet[str] = frozenset()
) -> tuple[ToolResult, tuple[str, ...]]:
    """What changed since a moment, and what there is at this one, for the next time.

    Args:
        namespace: None is the current one.
        before: What this gave the last time.

    Raises:
        ShipmateError: As `mcp_tools.diagnosis.changed.changed_since`, and `Toolbox.journal`; redacted.
    """
    from mcp_tools.diagnosis.changed import changed_since

    with redacting():
        connection = box.connection
        latest = box.journal.latest(LOOKED_BACK, context=connection.context)
        entries = [entry for entry in latest if entry.is_of(box.engine.cluster)]
        answer, there = changed_since(connection, namespace or connection.namespace, since, entries, before)
    return redacted(answer), there

"""What an object, as it is now, says of a step: whether it was carried out, was taken back, or is overruled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import value_at
from mcp_tools.changes.model import Verb
from mcp_tools.changes.warnings import moved_on
from mcp_tools.cluster.connection import TROUBLE
from mcp_tools.errors import ApiError, Unreachable
from mcp_tools.redaction import MASK

if TYPE_CHECKING:
    from mcp_tools.changes.model import Step
    from mcp_tools.errors import ShipmateError

FIELD_MANAGER = "shipmate"


def stands(step: Step, live: dict[str, Any]) -> bool:
    """Whether an object, as it is now, shows that a step was carried out."""
    if step.takes_away:
        return not live or live["metadata"]["uid"] != step.uid or "deletionTimestamp" in live["metadata"]
    if step.verb is Verb.RELEASE:
        # The number tells, whatever Helm says of how it ended; who went has none.
        decisive = [change for change in step.changes if change.path == ("revision",)] or step.changes
        return all(value_at(live, change.path) == change.new for change in decisive)
    if step.creates:
        # The server may keep what was given in other words (1000m is 1); who made it is certain.
        return is_ours(live)
    return bool(live) and overruled(step, live) is None


def is_ours(live: dict[str, Any]) -> bool:
    """Whether Shipmate wrote to an object, or made it."""
    fields = (live.get("metadata") or {}).get("managedFields") or []
    return any(entry.get("manager") == FIELD_MANAGER for entry in fields)


def is_back(step: Step, live: dict[str, Any]) -> bool:
    """Whether an object, as it is now, has what was there before a step that set some of its fields."""
    return all(value_at(live, change.path) == change.old for change in step.changes)


def is_trouble(error: ShipmateError) -> bool:
    """Whether an error says nothing of what was asked for, only that the cluster cannot be asked right now."""
    return isinstance(error, Unreachable) or (isinstance(error, ApiError) and error.status in TROUBLE)


def overruled(step: Step, live: dict[str, Any]) -> str | None:
    """What somebody else set otherwise since the step was sent, as a clause; None where it stands."""
    if step.takes_away or step.inside:
        return None
    for change in step.changes:
        masked = step.creates and change.new == MASK
        if not masked and value_at(live, change.path) != change.new:
            return moved_on(live, change.path)
    return None

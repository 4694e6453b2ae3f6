"""What a person should know before saying yes: who will set a field back, and what stops working."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import render_path
from mcp_tools.changes.ownership import REPLICAS, owns, set_back
from mcp_tools.changes.unblocking import held_up_by

if TYPE_CHECKING:
    from mcp_tools.changes.model import FieldChange, FieldPath
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found


def warnings_for(connection: Connection, found: Found, changes: tuple[FieldChange, ...]) -> tuple[str, ...]:
    """Sentences to show above the approval question, the most important first; errors as `Connection.get`."""
    warnings = []
    replicas = next((change for change in changes if change.path == REPLICAS), None)
    if replicas is not None and replicas.new == 0:
        warnings.append(f"With 0 replicas nothing serves {found.name} any more.")
    if (found.object.get("spec") or {}).get("paused") and any(c.path[:2] == ("spec", "template") for c in changes):
        warnings.append("The rollout is paused: this waits until it is resumed.")
    there = found.kind.name == "StatefulSet" and found.object
    if there and any(change.path[:2] == ("spec", "template") for change in changes):
        warnings += [
            f"Pod {name} is broken, and a StatefulSet waits for such a pod for ever: it is deleted and comes again."
            for name in held_up_by(connection, found)
        ]
    warnings += set_back(connection, found, changes)
    return tuple(warnings)


def who_set(live: dict[str, Any], path: FieldPath) -> str:
    """Who last wrote a field, by `managedFields`: `kubectl-edit at 2026-01-02T03:04:05Z`, or `somebody`."""
    latest: tuple[str, str] | None = None
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if owns(entry.get("fieldsV1") or {}, path):
            candidate = (str(entry.get("time", "")), str(entry.get("manager", "somebody")))
            latest = max(latest, candidate) if latest else candidate
    return f"{latest[1]} at {latest[0]}" if latest else "somebody"


def moved_on(live: dict[str, Any], path: FieldPath) -> str:
    """A clause that names the field somebody else changed, and who."""
    return f"{render_path(path)} was changed by {who_set(live, path)}"

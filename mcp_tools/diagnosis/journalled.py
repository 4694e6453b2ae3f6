"""What was changed through Shipmate, at the time since when something is wrong: it can be undone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.model import Fix

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.diagnosis.model import Finding, Ref

SAID_LATER_SECONDS = 60
"""Between a change and what its object or its controller says of when it was changed."""
STANDS = frozenset({"verified", "interrupted"})


def with_own_change(finding: Finding, entries: Sequence[Entry]) -> Finding:
    """The finding with the change of the journal that came when it began, and its undoing as the first fix.

    Args:
        entries: Of this cluster, the newest first. Only the newest change of an object can have brought its state.
    """
    entry = next((one for one in entries if _is_about(one, finding.object)), None)
    if entry is None or entry.undone_by or not finding.since or not _began(entry, finding.since):
        return finding
    told = f"change {entry.id} of Shipmate: {entry.plan.title}"
    changed = f"{told}; {finding.changed}" if finding.changed else told
    fixes = finding.fixes
    if entry.status in STANDS and entry.plan.reversible:
        fixes = (Fix(f"Undo change {entry.id}: {entry.plan.title}", "undo_change", {"change_id": entry.id}), *fixes)
    return replace(finding, changed=changed, fixes=fixes)


def _is_about(entry: Entry, ref: Ref) -> bool:
    targets = [record.step.target for record in entry.records]
    return any((one.kind, one.namespace or "", one.name) == (ref.kind, ref.namespace, ref.name) for one in targets)


def _began(entry: Entry, since: str) -> bool:
    """Whether what is wrong began while the change was carried out, or right after it."""
    began = _seconds(since)
    return _seconds(entry.at) - 1 <= began <= _seconds(entry.ended_at or entry.at) + SAID_LATER_SECONDS


def _seconds(time: str) -> float:
    return dt.datetime.fromisoformat(time).timestamp()

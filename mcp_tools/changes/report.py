"""How a change is told: one sentence that can be trusted, and the data behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import public
from mcp_tools.changes.model import Outcome
from mcp_tools.reads.answer import Answer, count

if TYPE_CHECKING:
    from mcp_tools.changes.engine import Change
    from mcp_tools.changes.journal import Entry, Journal


def report(change: Change) -> Answer:
    """Tell how a change ended.

    Returns:
        `status` (an `Outcome` value), `title`, `target`, `context`, `plan_id`, `change_id`, `diff`, `warnings`,
        `reason`, `replicas` (desired, ready), `pods`, `undo` (the command that undoes it, where one does).
    """
    plan, rollout = change.plan, change.rollout
    stands = change.outcome in {Outcome.VERIFIED, Outcome.INTERRUPTED}
    undoable = stands and plan.reversible and plan.undoes is None
    data: dict[str, Any] = {
        "status": change.outcome.value,
        "title": plan.title,
        "target": str(plan.target),
        "context": plan.context,
        "plan_id": plan.id if change.outcome is Outcome.PLANNED else None,
        "change_id": change.change_id,
        "diff": [public(field, plan.target.kind) for field in plan.changes],
        "warnings": list(plan.warnings),
        "reason": change.reason,
        "replicas": {"desired": rollout.desired, "ready": rollout.ready} if rollout else None,
        "pods": [asdict(pod) for pod in rollout.pods] if rollout else [],
        "undo": f"shipmate undo {change.change_id}" if undoable else None,
    }
    return Answer(_sentence(change), data)


def history(journal: Journal, limit: int) -> Answer:
    """The latest changes, newest first, as `changes`."""
    entries = journal.latest(limit)
    changes = [_entry(entry) for entry in entries]
    summary = f"The last {count(len(entries), 'change')}, newest first." if entries else "Nothing was changed yet."
    return Answer(summary, {"changes": changes})


def _entry(entry: Entry) -> dict[str, Any]:
    plan = entry.plan
    return {
        "id": entry.id,
        "at": entry.at,
        "context": plan.context,
        "target": str(plan.target),
        "action": plan.action,
        "title": plan.title,
        "status": entry.status,
        "reason": entry.reason,
        "undone_by": entry.undone_by,
        "diff": [public(field, plan.target.kind) for field in plan.changes],
    }


def _sentence(change: Change) -> str:
    plan, rollout = change.plan, change.rollout
    ready = f": {rollout.ready} of {count(rollout.desired, 'replica')} ready" if rollout else ""
    match change.outcome:
        case Outcome.UNCHANGED:
            return f"Nothing to change: {plan.target} is as asked for already{ready}."
        case Outcome.PLANNED:
            return f"Planned, not applied: {plan.title}. apply_plan with {plan.id} carries it out."
        case Outcome.DECLINED:
            return f"Declined, nothing was changed: {plan.title}."
        case Outcome.VERIFIED:
            return f"Done and verified: {plan.title}{ready} (change {change.change_id})."
        case Outcome.ROLLED_BACK:
            after = f" After the rollback{ready}." if ready else ""
            return f"Failed and rolled back: {plan.title}. Reason: {change.reason}.{after}"
        case Outcome.INTERRUPTED:
            return f"Applied, not verified: {plan.title}{ready} (change {change.change_id}); {change.reason}."
        case Outcome.FAILED:
            return f"Failed: {plan.title}. Reason: {change.reason}."

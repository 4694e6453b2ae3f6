"""How a change is told: one sentence that can be trusted, and the data behind it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import public
from mcp_tools.changes.model import ABSENT, Outcome, Verb
from mcp_tools.cluster.pods import told
from mcp_tools.reads.answer import Answer, count
from mcp_tools.redaction import MASK, redact_at

if TYPE_CHECKING:
    from mcp_tools.changes.carrying import Change
    from mcp_tools.changes.journal import Entry, Journal
    from mcp_tools.changes.model import Plan


def report(change: Change) -> Answer:
    """Tell how a change ended.

    Returns:
        `status` (an `Outcome` value), `title`, `target`, `context`, `plan_id`, `change_id`, `diff`, `warnings`,
        `reason`, `replicas` (desired, ready), `pods`, `more_pods`, `undo` (the command that undoes it, where one does).
    """
    plan, rollout = change.plan, change.rollout
    stands = change.outcome in {Outcome.VERIFIED, Outcome.INTERRUPTED}
    undoable = stands and plan.reversible and plan.undoes is None and not _forgets(plan)
    data: dict[str, Any] = {
        "status": change.outcome.value,
        "title": plan.title,
        "target": plan.what,
        "context": plan.context,
        "plan_id": plan.id if change.outcome is Outcome.PLANNED else None,
        "change_id": change.change_id,
        "diff": public_diff(plan),
        "warnings": list(plan.warnings),
        "reason": change.reason,
        "replicas": {"desired": rollout.desired, "ready": rollout.ready} if rollout else None,
        **told(rollout.pods if rollout else ()),
        "undo": f"shipmate undo {change.change_id}" if undoable else None,
    }
    if change.output:
        output = dataclasses.asdict(change.output)
        data |= {key: value for key, value in output.items() if value != "" and value is not False}
    return Answer(_sentence(change), data)


def public_diff(plan: Plan) -> list[dict[str, Any]]:
    """The plan's fields as they are shown and sent: redacted, each with its object where there are several.

    An object that is deleted or made has a row with that `verb` and no path.
    """
    rows: list[dict[str, Any]] = []
    for step in plan.steps:
        about = {"object": str(step.target)} if len(plan.steps) > 1 else {}
        if step.takes_away or step.creates:
            rows.append({"object": str(step.target), "verb": step.verb.value if step.takes_away else "create"})
        rows += [{**about, **public(change, step.target.kind)} for change in step.changes]
    return rows


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
        "target": plan.what,
        "action": plan.action,
        "title": plan.title,
        "status": entry.status,
        "reason": entry.reason,
        "undone_by": entry.undone_by,
        **({"part_of": entry.origin} if entry.origin else {}),
        "diff": public_diff(plan),
    }


def _forgets(plan: Plan) -> bool:
    """Whether an earlier value is a secret, which the journal does not keep."""
    return any(
        change.old is not ABSENT and MASK in str(redact_at(change.path, change.old, step.target.kind))
        for step in plan.steps
        if step.verb in {Verb.PATCH, Verb.APPLY}
        for change in step.changes
    )


def _sentence(change: Change) -> str:
    plan, rollout = change.plan, change.rollout
    ready = f": {rollout.ready} of {count(rollout.desired, 'replica')} ready" if rollout else ""
    match change.outcome:
        case Outcome.UNCHANGED:
            return (
                f"Nothing to change: {plan.what} {'is' if len(plan.steps) == 1 else 'are'} as asked for already{ready}."
            )
        case Outcome.PLANNED:
            return f"Planned, not applied: {plan.title}. apply_plan with {plan.id} carries it out."
        case Outcome.DECLINED:
            return f"Declined, nothing was changed: {plan.title}."
        case Outcome.VERIFIED:
            return f"Done and verified: {plan.title}{ready} (change {change.change_id})."
        case Outcome.ROLLED_BACK:
            after = f" After the rollback{ready}." if ready else ""
            return f"Failed and rolled back: {plan.title}. Reason: {_bare(change.reason)}.{after}"
        case Outcome.INTERRUPTED:
            return f"Applied, not verified: {plan.title}{ready} (change {change.change_id}); {_bare(change.reason)}."
        case Outcome.FAILED:
            return f"Failed: {plan.title}. Reason: {_bare(change.reason)}."


def _bare(reason: str | None) -> str:
    """A reason without the full stop that the words of others may bring."""
    return (reason or "").rstrip(".")

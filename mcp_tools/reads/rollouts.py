"""Whether a workload's rollout is complete, moving or failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes.rollout import ROLLOUTS, judge
from mcp_tools.cluster.pods import told
from mcp_tools.cluster.resolve import WORKLOADS, find_object
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer
from mcp_tools.reads.revisions import history_rows, revisions_of
from mcp_tools.reads.unseen import Unseen

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection


def rollout_status(connection: Connection, target: str, namespace: str | None) -> Answer:
    """Where the rollout of a Deployment, StatefulSet, DaemonSet or ReplicaSet stands.

    Returns:
        `target`, `complete`, `failed`, `reason`, `replicas` (desired, updated, ready, available), `pods`, `more_pods`,
        `revisions` (newest first: what each ran, and what it changed).

    Raises:
        NotFound, Ambiguous: No such workload, or several.
        UsageError: The kind has no rollout.
    """
    found = find_object(connection, target, namespace, WORKLOADS)
    if found.kind.plural not in ROLLOUTS:
        raise UsageError(f"A {found.kind.name} has no rollout.", f"These have: {', '.join(sorted(ROLLOUTS))}.")
    rollout = judge(connection, found.kind, found.object)
    if rollout.complete:
        verdict = "complete"
    elif rollout.failure:
        verdict = f"failed: {rollout.failure}"
    else:
        verdict = "not complete" + (f": {rollout.suspicion}" if rollout.suspicion else "")
    unseen = Unseen()
    revisions = unseen.look("revisions", lambda: revisions_of(connection, found))
    data = {
        "target": str(found),
        "complete": rollout.complete,
        "failed": rollout.failure is not None,
        "reason": rollout.failure or rollout.suspicion,
        "replicas": {
            "desired": rollout.desired,
            "updated": rollout.updated,
            "ready": rollout.ready,
            "available": rollout.available,
        },
        **told(rollout.pods),
        "revisions": history_rows(revisions),
    }
    return unseen.told(Answer(f"The rollout of {found} is {verdict} ({rollout.message}).", data), needs=0)

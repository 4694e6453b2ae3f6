"""Going back to an earlier revision of a workload, and holding or letting go of its rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.model import ABSENT
from mcp_tools.changes.operations import Wanted, require_workload
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.reads.revisions import Revision, revisions_of

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found


def roll_back(connection: Connection, found: Found, revision: int | None) -> Wanted:
    """Put the pod template of an earlier revision back, as `kubectl rollout undo` does.

    Args:
        revision: Its number; None is the one before the present one.

    Raises:
        NotFound: There is no such revision, or none before the present one.
        UsageError: The kind keeps no revisions, or the rollout is paused.
    """
    require_workload(found, "rolled back")
    if found.object["spec"].get("paused"):
        raise UsageError(f"The rollout of {found} is paused.", "Resume it first.")
    kept = revisions_of(connection, found)
    chosen = _choose(found, kept, revision)
    return Wanted(
        action="roll_back",
        title=f"Roll {found} back to revision {chosen.number} ({', '.join(chosen.images)})",
        found=found,
        edits=(Edit(("spec", "template"), chosen.template),),
        arguments={"revision": chosen.number},
    )


def pause(found: Found) -> Wanted:
    """Hold a Deployment's rollout: changes of its template wait until it is resumed.

    Raises:
        UsageError: Only Deployments can be paused.
    """
    return _paused(found, paused=True)


def resume(found: Found) -> Wanted:
    """Let a paused Deployment roll out what was changed meanwhile; errors as `pause`."""
    return _paused(found, paused=False)


def _paused(found: Found, *, paused: bool) -> Wanted:
    if found.kind.plural != "deployments":
        raise UsageError(f"A {found.kind.name} cannot be paused.", "Only Deployments can.")
    verb = "Pause" if paused else "Resume"
    return Wanted(
        action=verb.lower(),
        title=f"{verb} the rollout of {found}",
        found=found,
        edits=(Edit(("spec", "paused"), True if paused else ABSENT),),
    )


def _choose(found: Found, kept: list[Revision], wanted: int | None) -> Revision:
    numbers = ", ".join(str(revision.number) for revision in kept)
    if wanted is not None:
        chosen = next((revision for revision in kept if revision.number == wanted), None)
        if chosen is None:
            raise NotFound(f"{found} keeps no revision {wanted}.", f"It keeps: {numbers or 'none'}.")
        return chosen
    if len(kept) < 2:  # noqa: PLR2004  the present one and one before it
        raise NotFound(f"{found} keeps no revision before the present one.", "There is nothing to go back to.")
    return kept[1]

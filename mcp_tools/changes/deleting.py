"""Deleting an object: what goes with it, and what cannot come back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Wanted
from mcp_tools.reads.answer import count, listed
from mcp_tools.reads.owned import inside, owned_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

GONE_FOR_GOOD = {
    "secrets": "Its values are kept nowhere: undo cannot bring them back.",
    "persistentvolumeclaims": "The data of its volume goes with it where the reclaim policy is Delete: undo cannot "
    "bring it back.",
    "persistentvolumes": "What it points to may be deleted with it: undo cannot bring that back.",
    "namespaces": "Undo cannot bring back what was in it.",
    "customresourcedefinitions": "Every object of its kind goes with it: undo cannot bring them back.",
    "jobs": "Made again, it would run again: undo does not do that.",
    "nodes": "Its kubelet registers it again by itself; undo has nothing to do.",
}


def delete(connection: Connection, found: Found) -> Wanted:
    """Delete an object with what it owns.

    Raises:
        ShipmateError: As `Connection.get`.
    """
    notes = list(_notes(connection, found))
    reversible = found.kind.plural not in GONE_FOR_GOOD and not _controlled(found)
    return Wanted(
        action="delete",
        title=f"Delete {found}",
        found=found,
        verb=Verb.DELETE,
        reversible=reversible,
        notes=tuple(notes),
    )


def _notes(connection: Connection, found: Found) -> Iterator[str]:
    metadata = found.object["metadata"]
    if found.kind.plural == "namespaces":
        counts = inside(connection, found.name)
        if counts:
            parts = [count(number, plural.removesuffix("s")) for plural, number in counts.most_common()]
            yield f"Everything in the namespace goes with it: {listed(parts, 8)}."
    else:
        owned = Counter(item.kind.name for item in owned_by(connection, found, custom=True))
        if owned:
            parts = [count(number, name) for name, number in owned.most_common()]
            yield f"It takes along what it owns: {listed(parts, 8)}."
    if found.kind.plural in GONE_FOR_GOOD:
        yield GONE_FOR_GOOD[found.kind.plural]
    if _controlled(found):
        yield "Its controller makes another one at once; to have fewer, scale the controller."
    finalizers = metadata.get("finalizers") or []
    if finalizers:
        yield f"It goes only when these finalizers are done: {', '.join(finalizers)}."


def _controlled(found: Found) -> bool:
    return any(owner.get("controller") for owner in found.object["metadata"].get("ownerReferences") or ())

"""From a change in the journal to the request that puts back what it replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes.diff import inverse
from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.changes.recreating import recreatable
from mcp_tools.changes.steps import overruled
from mcp_tools.errors import Conflict

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry, Record
    from mcp_tools.changes.steps import Writer

LOOK = "Look at the object and ask for the values you want."


def put_back(writer: Writer, entry: Entry) -> Request:
    """The steps of a change in reverse: what was set is set back, what was made is deleted, what was deleted is made.

    Raises:
        Conflict: Somebody else changed one of the fields since, or the object is another one.
        ShipmateError: As `Writer.find`.
    """
    title = f"Undo change {entry.id} ({entry.plan.title})"
    # A pod that was evicted runs elsewhere by now: there is nothing to put back.
    records = [record for record in reversed(entry.records) if record.step.verb is not Verb.EVICT]
    parts = tuple(_part(writer, entry, record, title) for record in records)
    return Request("undo", title, parts, {"change_id": entry.id}, undoes=entry.id)


def _part(writer: Writer, entry: Entry, record: Record, title: str) -> Wanted:
    step = record.step
    found = writer.look(step.target)
    if step.verb is Verb.DELETE:
        if found.object:
            raise Conflict(f"Change {entry.id} cannot be undone: {found} is there again.", LOOK)
        return Wanted("undo", title, found, verb=Verb.APPLY, body=recreatable(record.before or {}))
    if not found.object:
        raise Conflict(f"Change {entry.id} cannot be undone: {found} is gone.", LOOK)
    if step.uid and found.object["metadata"]["uid"] != step.uid:
        raise Conflict(f"{found} was deleted and made anew since change {entry.id}.", "There is nothing to put back.")
    clause = overruled(step, found.object)
    if clause:
        raise Conflict(f"Change {entry.id} cannot be undone: {clause}.", LOOK)
    if step.creates:
        return Wanted("undo", title, found, verb=Verb.DELETE)
    return Wanted("undo", title, found, edits=inverse(step.changes))

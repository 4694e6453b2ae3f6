"""From a change in the journal to the request that puts back what it replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes import copying
from mcp_tools.changes.diff import inverse
from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.changes.records import is_lost
from mcp_tools.changes.recreating import recreatable
from mcp_tools.changes.standing import is_back, is_ours, overruled
from mcp_tools.errors import Conflict

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.changes.records import Record
    from mcp_tools.changes.steps import Writer

LOOK = "Look at the object and ask for the values you want."


def put_back(writer: Writer, entry: Entry) -> Request:
    """The steps of a change in reverse: what was set is set back, what was made is deleted, what was deleted is made.

    A Secret whose earlier values are kept nowhere stays as it is, and a note says so.

    Raises:
        Conflict: Somebody else changed one of the fields since, or the object is another one.
        ShipmateError: As `Writer.find`.
    """
    title = f"Undo change {entry.id} ({entry.plan.title})"
    # A pod that was evicted runs elsewhere by now: there is nothing to put back.
    records = [
        record
        for record in reversed(entry.records)
        if record.step.verb is not Verb.EVICT and not record.step.in_release and not is_lost(record)
    ]
    lost = [record.step.target for record in entry.records if is_lost(record)]
    parts = tuple(part for record in records for part in _parts(writer, entry, record, title))
    if not parts:
        raise Conflict(f"Change {entry.id} cannot be undone: what it made is gone.", LOOK)
    notes = tuple(f"{target} stays as it is: its earlier values are kept nowhere." for target in lost)
    return Request("undo", title, parts, {"change_id": entry.id}, undoes=entry.id, notes=notes)


def _parts(writer: Writer, entry: Entry, record: Record, title: str) -> tuple[Wanted, ...]:
    """What puts a step back: of a release the objects, too."""
    if record.step.verb is Verb.RELEASE:
        try:
            return writer.release_back(writer.look(record.step.target), record.body or {}, title)
        except Conflict as error:
            raise Conflict(f"Change {entry.id} cannot be undone: {error.message}", error.hint) from error
    part = _part(writer, entry, record, title)
    return (part,) if part else ()


def _part(writer: Writer, entry: Entry, record: Record, title: str) -> Wanted | None:
    """What puts a step back; None where an undo before this one, cut off in the middle, deleted what it made."""
    step = record.step
    found = writer.look(step.target)
    if step.verb is Verb.DELETE:
        body = recreatable(record.before or {})
        if found.object and not is_ours(found.object):
            raise Conflict(f"Change {entry.id} cannot be undone: {found} is there again.", LOOK)
        return Wanted("undo", title, found, verb=Verb.APPLY, body=body)
    if not found.object and step.creates:
        return None
    if not found.object:
        raise Conflict(f"Change {entry.id} cannot be undone: {found} is gone.", LOOK)
    if step.uid and found.object["metadata"]["uid"] != step.uid:
        raise Conflict(f"{found} was deleted and made anew since change {entry.id}.", "There is nothing to put back.")
    if step.verb is Verb.COPY_IN:
        return copying.put_back(found, record.body or {}, title)
    clause = None if not step.creates and is_back(step, found.object) else overruled(step, found.object)
    if clause:
        raise Conflict(f"Change {entry.id} cannot be undone: {clause}.", LOOK)
    if step.creates:
        return Wanted("undo", title, found, verb=Verb.DELETE)
    return Wanted("undo", title, found, edits=inverse(step.changes))

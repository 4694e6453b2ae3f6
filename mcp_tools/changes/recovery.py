"""What became of a change whose process ended in the middle of it: the objects themselves know."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Outcome, Verb
from mcp_tools.changes.steps import overruled
from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry, Journal, Record
    from mcp_tools.changes.steps import Writer

STANDS = "the process ended before the end was known; the change stands"
PARTLY = "the process ended in the middle; {done} of {all} objects were changed"
NOTHING = "the process ended before anything was changed"


def recover(journal: Journal, writer: Writer, context: str) -> list[str]:
    """Find out how the changes ended that nobody saw the end of, and write it down.

    Returns:
        A sentence for each, to tell the user.

    Raises:
        JournalProblem: The journal cannot be used.
    """
    said = []
    for entry in journal.in_flight(context):
        if _lives(entry):
            continue
        try:
            standing = tuple(record for record in entry.records if _stands(writer, record))
        except ShipmateError:
            # A cluster that does not answer is asked again the next time.
            continue
        if not standing:
            outcome, reason = Outcome.FAILED, NOTHING
        else:
            # What did not arrive must not be put back by an undo.
            journal.carried_out(entry.id, standing)
            whole = len(standing) == len(entry.records)
            outcome = Outcome.INTERRUPTED
            reason = STANDS if whole else PARTLY.format(done=len(standing), all=len(entry.records))
        journal.finish(entry.id, outcome, reason)
        said.append(f"Change {entry.id} was in flight when Shipmate ended: {entry.plan.title}. As it is, {reason}.")
    return said


def process_mark() -> str:
    """What tells this process from every other: its host, its number, and when it began."""
    return f"{socket.gethostname()}/{os.getpid()}/{_began(os.getpid())}"


def _lives(entry: Entry) -> bool:
    host, _, rest = entry.process.partition("/")
    number, _, began = rest.partition("/")
    if host != socket.gethostname():
        # Another machine's process cannot be seen; it is left to tell the end itself.
        return True
    return number.isdigit() and _alive(int(number)) and _began(int(number)) == began


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _began(number: int) -> str:
    # Numbers are used again; on Linux the start time (field 22 of stat, in ticks) tells two processes apart.
    try:
        with open(f"/proc/{number}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123  no file of ours
            return stat.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _stands(writer: Writer, record: Record) -> bool:
    live = writer.look(record.step.target).object
    if record.step.verb is Verb.EXEC:
        # Whether it ran cannot be known; that it may have is the safe answer.
        return True
    if record.step.takes_away:
        return not live or live["metadata"]["uid"] != record.step.uid or "deletionTimestamp" in live["metadata"]
    return bool(live) and overruled(record.step, live) is None

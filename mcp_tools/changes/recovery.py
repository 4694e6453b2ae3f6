"""What became of a change whose end nobody saw: the objects themselves know."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from mcp_tools.changes.model import Outcome, Verb
from mcp_tools.changes.rollout import ROLLOUTS, judge
from mcp_tools.changes.standing import stands
from mcp_tools.errors import Conflict, ShipmateError
from mcp_tools.helm.releases import DEPLOYED, UNINSTALLED, is_unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.changes.journal import Entry, Journal
    from mcp_tools.changes.records import Record
    from mcp_tools.changes.steps import Writer
    from mcp_tools.cluster.connection import Connection

COMPLETE = "it did complete, and stands"
UNFINISHED = "it stands, and its rollout did not complete: {why}"
PARTLY = "it did not complete: {done} of {all} objects stand changed"
NOTHING = "it did not complete, and nothing of it stands"


def recover(journal: Journal, writer: Writer, connection: Connection, cluster: str) -> list[str]:
    """Find out how the changes ended that nobody saw the end of, and write it down.

    Args:
        cluster: What tells this cluster from others; see `Entry.is_of`.

    Returns:
        A sentence for each, to tell the user.

    Raises:
        JournalProblem: The journal cannot be used.
    """
    said = []
    for entry in journal.in_flight(connection.context):
        if lives(entry) or entry.is_outside or not entry.is_of(cluster):
            continue
        try:
            outcome, reason, standing = _end(connection, writer, entry)
        except ShipmateError:
            # A cluster that does not answer is asked again the next time.
            continue
        journal.finish(entry.id, outcome, f"{reason} ({entry.reason})" if entry.reason else reason, standing)
        undo = f" `shipmate undo {entry.id}` puts back what was there." if _undoable(entry, outcome) else ""
        said.append(
            f"Change {entry.id} was in flight when Shipmate ended: {entry.plan.title}. As it is, {reason}.{undo}"
        )
    return said


def _undoable(entry: Entry, outcome: Outcome) -> bool:
    return outcome is Outcome.INTERRUPTED and entry.plan.reversible and entry.plan.undoes is None


def _end(connection: Connection, writer: Writer, entry: Entry) -> tuple[Outcome, str, tuple[Record, ...] | None]:
    """How a change ended, and what an undo would have to put back of it where that is not all."""
    standing = _standing(writer, entry.records)
    if not standing:
        return Outcome.FAILED, NOTHING, None
    if len(standing) < len(entry.records):
        reason = PARTLY.format(done=len(standing), all=len(entry.records))
        # An undo that did not complete has to be asked for again, so that what it was to undo stays undoable.
        outcome = Outcome.INTERRUPTED if entry.plan.undoes is None else Outcome.FAILED
        return outcome, reason, standing
    for record in standing:
        why = _unfinished(connection, writer, record)
        if why:
            return Outcome.INTERRUPTED, UNFINISHED.format(why=why), None
    # Whether a command in a container came to its end is known to nobody.
    known = not any(record.step.inside for record in standing)
    return (Outcome.VERIFIED, COMPLETE, None) if known else (Outcome.INTERRUPTED, "it may have run", None)


def _unfinished(connection: Connection, writer: Writer, record: Record) -> str | None:
    if record.step.verb is Verb.RELEASE:
        state = writer.look(record.step.target).object.get("state", UNINSTALLED)
        return None if state in {DEPLOYED, UNINSTALLED} else f"Helm says {state}"
    if record.step.takes_away or record.step.target.resource not in ROLLOUTS:
        return None
    found = writer.find(record.step.target)
    rollout = judge(connection, found.kind, found.object)
    return None if rollout.complete else rollout.failure or rollout.suspicion or rollout.message


def process_mark() -> str:
    """What tells this process from every other: its host, its number, and when it began."""
    return f"{socket.gethostname()}/{os.getpid()}/{_began(os.getpid())}"


def lives(entry: Entry) -> bool:
    """Whether the process that carries a change out may still be at it."""
    if not entry.process:
        # Its process gave it up and said so.
        return False
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


def _standing(writer: Writer, records: Sequence[Record]) -> tuple[Record, ...]:
    """The steps that were carried out; the objects of a release stand where the release does.

    Raises:
        Conflict: It cannot be said yet: Helm is still at work, or left a release unfinished.
    """
    standing: list[Record] = []
    release = False
    for record in records:
        if record.step.verb is Verb.RELEASE and is_unfinished(writer.look(record.step.target)):
            raise Conflict(f"Helm is still at {record.step.target}.")
        stood = release if record.step.in_release else _stands(writer, record)
        if record.step.verb is Verb.RELEASE:
            release = stood
        standing += [record] if stood else []
    return tuple(standing)


def _stands(writer: Writer, record: Record) -> bool:
    # Whether a command ran cannot be known; that it may have is the safe answer.
    return record.step.inside or stands(record.step, writer.look(record.step.target).object)

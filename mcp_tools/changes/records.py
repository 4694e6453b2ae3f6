"""Steps as the journal keeps them: as JSON, with every value that is a secret masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.model import ABSENT, FieldChange, FieldPath, ObjectRef, Step, Verb
from mcp_tools.redaction import MASK, redact, redact_at


@dataclass(frozen=True, slots=True)
class Record:
    """A step as it is kept: enough to carry it out, and to put back what it replaced.

    Attributes:
        before: For a deletion, the object as it was.
    """

    step: Step
    edits: tuple[Edit, ...] = ()
    body: dict[str, Any] | None = None
    force: bool = False
    before: dict[str, Any] | None = None


def can_be_sent(record: Record) -> bool:
    """Whether every value that a step sends is known: a secret is not kept."""
    return MASK not in dump([_edits(record, ""), record.body])


def is_lost(record: Record) -> bool:
    """Whether a step wrote to a Secret whose earlier values are kept nowhere."""
    return record.step.target.kind == "Secret" and not can_be_put_back(record)


def can_be_put_back(record: Record) -> bool:
    """Whether what a step replaced is known."""
    if record.step.in_release or record.step.verb is Verb.RELEASE:
        # Helm keeps what was there.
        return True
    if record.step.verb is Verb.DELETE:
        return MASK not in dump(record.before)
    if record.step.verb is Verb.RUN:
        return record.body is not None and MASK not in dump(record.body)
    return record.step.creates or record.step.verb is Verb.EVICT or MASK not in dump(_changes(record.step, ""))


def held(record: Record) -> dict[str, Any]:
    """A record as it is written."""
    step = record.step
    return {
        "verb": step.verb.value,
        "target": step.target,
        "changes": _changes(step, step.target.kind),
        "resource_version": step.resource_version,
        "uid": step.uid,
        "generation": step.generation,
        "stage": step.stage,
        "in_release": step.in_release,
        "edits": _edits(record, step.target.kind),
        "body": redact(record.body),
        "force": record.force,
        "before": redact(record.before),
    }


def record_of(kept: dict[str, Any]) -> Record:
    """A record as it was written."""
    step = Step(
        Verb(kept["verb"]),
        msgspec.convert(kept["target"], ObjectRef),
        tuple(FieldChange(_path(path), _value(old), _value(new)) for path, old, new in kept["changes"]),
        kept["resource_version"],
        kept["uid"],
        kept["generation"],
        kept.get("stage", 0),
        kept.get("in_release", False),
    )
    edits = tuple(Edit(_path(path), _value(value)) for path, *value in kept["edits"])
    return Record(step, edits, kept["body"], kept["force"], kept["before"])


def _changes(step: Step, kind: str) -> list[Any]:
    return [[c.path, _maybe(c.path, c.old, kind), _maybe(c.path, c.new, kind)] for c in step.changes]


def _edits(record: Record, kind: str) -> list[Any]:
    return [[edit.path, *_maybe(edit.path, edit.value, kind)] for edit in record.edits]


def _maybe(path: FieldPath, value: Any, kind: str) -> list[Any]:
    # JSON has no "absent": a list that is empty or holds one value does.
    return [] if value is ABSENT else [redact_at(path, value, kind)]


def dump(value: Any) -> str:
    """As JSON."""
    return msgspec.json.encode(value).decode()


def _path(steps: list[Any]) -> FieldPath:
    return tuple((step[0], step[1]) if isinstance(step, list) else step for step in steps)


def _value(kept: list[Any]) -> Any:
    return kept[0] if kept else ABSENT

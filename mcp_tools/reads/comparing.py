"""What applying a manifest would change: its documents dry-run one by one against what is live. Nothing is written."""

from __future__ import annotations

import difflib
import json
import threading
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.applying import documents_of, kinds_defined, want
from mcp_tools.changes.diff import VALUE_WIDTH, public, render_value
from mcp_tools.changes.operations import brought_by, waits_for
from mcp_tools.changes.steps import Writer
from mcp_tools.errors import ApiError, UsageError
from mcp_tools.reads.answer import LINE_WIDTH, Answer, clip, count, listed

if TYPE_CHECKING:
    from mcp_tools.changes.steps import Ready
    from mcp_tools.cluster.connection import Connection

MAX_FIELDS = 100
"""Over all objects; how many there are is counted all the same."""
MAX_DIFF_LINES = 60


def diff_manifest(connection: Connection, manifest: str, namespace: str | None) -> Answer:
    """Compare a manifest with what is live, by the server's own dry run of each document.

    Args:
        manifest: As `apply_manifest` takes it.
        namespace: For objects that name none; None is the connection's.

    Returns:
        `objects`, in the order in which they would be applied, each with `object`, `state` (`missing`, `same`,
        `differs`, `refused`), `fields` (path, old and new, or `lines` of a text that differs; secrets masked), `notes`,
        and `reason` where the server refused it; `counts` by state; `more_fields` that are not shown.

    Raises:
        UsageError: The manifest cannot be read at all.
        ShipmateError: The cluster cannot be used.
    """
    documents = documents_of(manifest)
    coming = kinds_defined(documents)
    writer = Writer(connection, threading.Event())
    brought: set[str] = set()
    rows: list[dict[str, Any]] = []
    room, left_out = MAX_FIELDS, 0
    for document in documents:
        try:
            wanted = want(connection, document, namespace or connection.namespace, coming)
            ready = writer.prepare(wanted, comes_with_plan=waits_for(wanted, brought))
        except (ApiError, UsageError) as error:
            # One bad document must not hide what the others would do.
            rows.append({"object": _name(document), "state": "refused", "reason": clip(str(error), LINE_WIDTH)})
            continue
        brought |= brought_by(wanted)
        told = row(ready, room)
        rows.append(told)
        room -= len(told["fields"])
        left_out += len(ready.step.changes) - len(told["fields"])
    counts = {state: sum(row["state"] == state for row in rows) for state in ("missing", "differs", "same", "refused")}
    data = {"objects": rows, "counts": counts, "more_fields": left_out}
    return Answer(_summary(rows, counts), data)


def row(ready: Ready, room: int) -> dict[str, Any]:
    """A step as a row of `diff_manifest`, with at most `room` fields."""
    step = ready.step
    state = "missing" if step.creates else "differs" if step.changes else "same"
    fields = [_field(public(change, step.target.kind)) for change in step.changes[: max(0, room)]]
    return {"object": str(step.target), "state": state, "fields": fields, "notes": list(ready.notes)}


def _field(change: dict[str, Any]) -> dict[str, Any]:
    old, new = change.get("old"), change.get("new")
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > VALUE_WIDTH:
        lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1))[2:]
        if len(lines) > MAX_DIFF_LINES:
            lines = [*lines[:MAX_DIFF_LINES], f"… {len(lines) - MAX_DIFF_LINES} more lines"]
        return {"path": change["path"], "lines": [clip(line) for line in lines]}
    return {key: value if key == "path" else _short(value) for key, value in change.items()}


def _short(value: Any) -> Any:
    long = isinstance(value, dict | list) and len(json.dumps(value)) > VALUE_WIDTH
    return render_value(value) if long or isinstance(value, str) else value


def _name(document: dict[str, Any]) -> str:
    metadata = document["metadata"]
    where = f" in namespace {metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{document['kind'].lower()}/{metadata['name']}{where}"


def _summary(rows: list[dict[str, Any]], counts: dict[str, int]) -> str:
    if counts["same"] == len(rows):
        return f"{count(len(rows), 'object')}: all as the manifest says."
    words = {"missing": "not there yet", "differs": "different", "refused": "refused by the server", "same": "the same"}
    parts = []
    for state, word in words.items():
        names = [row["object"] for row in rows if row["state"] == state]
        if names:
            parts.append(f"{len(names)} {word}" + (f" ({listed(names, 3)})" if state != "same" else ""))
    return f"{count(len(rows), 'object')} in the manifest: {'; '.join(parts)}. Nothing was changed."

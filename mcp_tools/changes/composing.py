"""Several changes as one plan: each sees what those before it will make, and what touches one object is one write."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import edited
from mcp_tools.changes.model import Verb
from mcp_tools.changes.operations import Request, Wanted
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_tools.cluster.connection import Connection

MAX_STEPS = 20


def compose(connection: Connection, operations: Sequence[Callable[[Connection], Wanted | Request]]) -> Request:
    """One request of several operations, in the order given; each is a stage that is waited for.

    Args:
        operations: Each turns the cluster (as it will be by then) into what is wanted.

    Raises:
        UsageError: There are none or too many, or two of them cannot be done to one object in one plan.
        ShipmateError: What an operation raises.
    """
    if not 1 <= len(operations) <= MAX_STEPS:
        raise UsageError(f"A plan has 1 to {MAX_STEPS} steps, not {len(operations)}.", "Ask for fewer at a time.")
    coming: dict[str, dict[str, Any]] = {}
    ahead = connection.expecting(coming)
    parts: list[Wanted] = []
    titles: list[str] = []
    actions: list[str] = []
    reversible = True
    for stage, operation in enumerate(operations):
        asked = operation(ahead)
        titles.append(asked.title)
        actions.append(asked.action)
        new = asked.parts if isinstance(asked, Request) else (asked,)
        able = asked.reversible
        reversible = reversible and (all(part.reversible for part in new) if able is None else able)
        for part in new:
            added = _add(parts, dataclasses.replace(part, stage=stage), coming)
            if added.verb is Verb.APPLY and added.body and (_path(added) in coming or not added.found.object):
                coming[_path(added)] = _as_if_there(added.body or {})
    if len(operations) == 1:
        return Request(actions[0], titles[0], tuple(parts), reversible=reversible)
    said = "; ".join(f"{number}. {title}" for number, title in enumerate(titles, start=1))
    return Request("several", said, tuple(parts), {"actions": actions, "titles": titles}, reversible=reversible)


def _add(parts: list[Wanted], part: Wanted, coming: Mapping[str, Any]) -> Wanted:
    """Add a part, or put it into the one before that writes to the same object; returns what it became."""
    place = next((place for place, other in enumerate(parts) if _path(other) == _path(part)), None)
    if place is None:
        parts.append(part)
        return part
    before = parts[place]
    if part.in_release or before.in_release:
        raise UsageError(f"Helm writes {part.found} in this plan.", "Ask for one after the other.")
    if part.verb is Verb.PATCH and before.verb is Verb.PATCH:
        joined = dataclasses.replace(before, edits=(*before.edits, *part.edits))
    elif part.verb is Verb.PATCH and before.verb is Verb.APPLY and _path(part) in coming:
        joined = dataclasses.replace(before, body=edited(before.body or {}, part.edits))
    else:
        raise UsageError(f"One plan cannot do both to {part.found}.", "Ask for one after the other.")
    parts[place] = dataclasses.replace(
        joined,
        title=f"{before.title}; {part.title}",
        notes=(*before.notes, *part.notes),
        reversible=before.reversible and part.reversible,
    )
    return parts[place]


def _as_if_there(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "uid": "", "resourceVersion": ""}}


def _path(part: Wanted) -> str:
    return part.found.kind.path(part.found.namespace, part.found.name)

"""Since when something is as it is, and what changed then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mcp_tools.changes.diff import compare, public
from mcp_tools.changes.ownership import HELM_NAMESPACE, HELM_RELEASE
from mcp_tools.diagnosis.snapshot import number_of
from mcp_tools.reads.answer import clip

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.model import Finding, Ref
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

MADE_AT_ONCE_SECONDS = 5
RELEASE_SECONDS = 60
"""Between the writing of a Helm revision and the objects that it changes."""
OWN_MANAGERS = frozenset({"kube-controller-manager", "kubelet", "kube-scheduler"})


def dated(snapshot: Snapshot, finding: Finding, looks: Looks) -> Finding:
    """The finding with what changed its object last and when; as it was where nothing is known."""
    if finding.since:
        return finding
    item = snapshot.at(finding.object)
    since, changed = _last_change(snapshot, item) if item is not None else ("", "")
    if item is not None and since and (release := _release(item, since, looks)):
        changed = f"{release}; {changed}" if changed else release
    return replace(finding, since=since or _first_sign(snapshot, finding), changed=finding.changed or changed)


def _release(item: Resource, since: str, looks: Looks) -> str:
    """The revision of a Helm release that came with a change; empty where none did, or where Helm has no part in it."""
    notes = item.meta.get("annotations") or {}
    name = notes.get(HELM_RELEASE)
    if not name:
        return ""
    moment = dt.datetime.fromisoformat(since).timestamp()
    near = [
        revision
        for revision in looks.revisions(notes.get(HELM_NAMESPACE) or item.namespace, name)
        if abs(_written(revision) - moment) <= RELEASE_SECONDS
    ]
    if not near:
        return ""
    newest = max(near, key=_written).labels
    return f"revision {newest.get('version', '?')} of the Helm release {name} ({newest.get('status', 'unknown')})"


def _written(revision: Resource) -> float:
    """When a revision began, seconds since 1970: Helm labels it with whole seconds."""
    stamp = revision.labels.get("createdAt", "")
    return float(stamp) if stamp.isdecimal() else dt.datetime.fromisoformat(revision.created).timestamp()


def _last_change(snapshot: Snapshot, item: Resource) -> tuple[str, str]:
    kept = snapshot.revisions(item)
    if len(kept) > 1 and number_of(kept[0]) > 1:
        return kept[0].created, f"revision {number_of(kept[0])}: {difference(kept[1], kept[0])}"
    edits = sorted(edits_of(item))
    if not edits:
        return "", ""
    time, manager = edits[-1]
    if not item.created or _seconds(item.created, time) > MADE_AT_ONCE_SECONDS:
        return time, f"changed by {manager}"
    return item.created, f"made by {manager}"


def edits_of(item: Resource) -> Iterator[tuple[str, str]]:
    """When, and by which field manager, what is wanted of an object was written; not by the cluster's own."""
    for entry in item.meta.get("managedFields") or ():
        if not entry.get("subresource") and entry.get("manager") not in OWN_MANAGERS and entry.get("time"):
            yield str(entry["time"]), str(entry.get("manager"))


def difference(before: Resource, after: Resource) -> str:
    """How one revision differs from the one before, in a line."""
    old, new = ({"spec": item.template, "kind": "Pod"} for item in (before, after))
    shown = [public(change) for change in compare(old, new)]
    told = [f"{item['path']}: {item.get('old', 'absent')} → {item.get('new', 'absent')}" for item in shown[:2]]
    rest = f" and {len(shown) - 2} more" if len(shown) > 2 else ""  # noqa: PLR2004  two are told
    return clip("; ".join(told) + rest, 200) or "the same pod spec again"


def _first_sign(snapshot: Snapshot, finding: Finding) -> str:
    times = [
        str(condition.get("lastTransitionTime") or "")
        for ref in finding.affected
        if (item := snapshot.at(ref)) is not None
        for condition in item.status.get("conditions") or ()
        if condition.get("type") in {"Ready", "PodScheduled"} and condition.get("status") == "False"
    ]
    return min([time for time in times if time], default="")


def _seconds(earlier: str, later: str) -> float:
    return (dt.datetime.fromisoformat(later) - dt.datetime.fromisoformat(earlier)).total_seconds()


def age_of(snapshot: Snapshot, time: str) -> str:
    """How long ago, in kubectl's short form; empty for no time."""
    from mcp_tools.cluster.pods import age

    return age(time, dt.datetime.fromisoformat(snapshot.now))


def about(snapshot: Snapshot, name: str) -> Iterator[Ref]:
    """The objects of a name or `kind/name` that were read."""
    word, slash, rest = name.partition("/")
    for ref in snapshot.refs():
        if ref.name == (rest if slash else name) and (not slash or _is_kind(ref.kind, word)):
            yield ref


def _is_kind(kind: str, word: str) -> bool:
    from mcp_tools.cluster.kinds import BUILT_IN

    low = word.lower()
    return any(item.name == kind and low in {item.name.lower(), item.plural, *item.short} for item in BUILT_IN)

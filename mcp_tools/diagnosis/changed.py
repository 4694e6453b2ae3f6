"""What changed since a moment, by whomever: the journal, field managers, revisions, restarts, events, what is gone."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.history import MADE_AT_ONCE_SECONDS, difference, edits_of
from mcp_tools.diagnosis.snapshot import event_time, number_of
from mcp_tools.diagnosis.taking import take
from mcp_tools.reads.answer import Answer, clip, count, listed

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

WATCHED = (
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "Service",
    "Ingress",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Role",
    "RoleBinding",
)
"""Kinds that somebody wants to be as they are; what controllers make of them comes and goes."""
BY_ITSELF = frozenset({"kube-root-ca.crt", "default"})
"""Made in every namespace by the cluster."""
MOST = 12
"""Told of each sort; how many more there are is told as a number."""
MOST_KEPT = 5000
WIDTH = 200


def changed_since(
    connection: Connection,
    namespace: str | None,
    since: dt.datetime,
    entries: Sequence[Entry],
    before: AbstractSet[str] = frozenset(),
) -> tuple[Answer, tuple[str, ...]]:
    """What changed in a namespace, or anywhere (None).

    Args:
        since: With its time zone.
        entries: Of the journal, of this cluster.
        before: What there was then, as this gave it; without it nobody can tell what is gone.

    Returns:
        The answer with `since`, `namespace`, `changes` (through Shipmate), `objects` (made or changed, by whom),
        `rollouts`, `restarts`, `warnings`, `gone` and how many `more` of each; and what there is now, for the next
        time.

    Raises:
        ConnectionProblem: The cluster does not answer.
    """
    # The cluster and the journal tell seconds: rather told twice than not at all.
    since = since.replace(microsecond=0)
    snapshot = take(connection, namespace)
    there = tuple(sorted(_named(snapshot, item) for item in _watched(snapshot)))[:MOST_KEPT]
    found: dict[str, list[dict[str, Any]]] = {
        "changes": [_entry(entry) for entry in entries if _time(entry.at) >= since],
        "objects": list(_objects(snapshot, since)),
        "rollouts": list(_rollouts(snapshot, since)),
        "restarts": list(_restarts(snapshot, since)),
        "warnings": list(_warnings(snapshot, since)),
        "gone": [{"object": name} for name in sorted(before - set(there))] if len(there) < MOST_KEPT else [],
    }
    data: dict[str, Any] = {"since": since.isoformat(timespec="seconds"), "namespace": namespace or "all"}
    data |= {sort: rows[:MOST] for sort, rows in found.items()}
    data["more"] = {sort: len(rows) - MOST for sort, rows in found.items() if len(rows) > MOST}
    if snapshot.unseen:
        data["not_seen"] = sorted(snapshot.unseen)[:MOST]
    return Answer(_summary(found, namespace, since), data), there


def _watched(snapshot: Snapshot) -> Iterator[Resource]:
    for kind in WATCHED:
        for item in snapshot.all(kind):
            owned = any(owner.get("controller") for owner in item.meta.get("ownerReferences") or ())
            if not owned and item.name not in BY_ITSELF:
                yield item


def _objects(snapshot: Snapshot, since: dt.datetime) -> Iterator[dict[str, Any]]:
    for item in _watched(snapshot):
        edits = sorted((time, manager) for time, manager in edits_of(item) if _time(time) >= since)
        made = bool(item.created) and _time(item.created) >= since
        if not edits and not made:
            continue
        time, _ = edits[-1] if edits else (item.created, "")
        at_once = made and (_time(time) - _time(item.created)).total_seconds() <= MADE_AT_ONCE_SECONDS
        by = listed(list(dict.fromkeys(manager for _, manager in edits)), 3)
        what = "made" if at_once else "made and changed" if made else "changed"
        yield {"object": _named(snapshot, item), "what": f"{what} by {by}" if by else what, "at": time}


def _rollouts(snapshot: Snapshot, since: dt.datetime) -> Iterator[dict[str, Any]]:
    for workload in snapshot.workloads:
        kept = snapshot.revisions(workload)
        for after, earlier in itertools.pairwise(kept):
            if after.created and _time(after.created) >= since:
                yield {
                    "object": _named(snapshot, workload),
                    "revision": number_of(after),
                    "what": difference(earlier, after),
                    "at": after.created,
                }


def _restarts(snapshot: Snapshot, since: dt.datetime) -> Iterator[dict[str, Any]]:
    for pod in snapshot.all("Pod"):
        for status in pod.status.get("containerStatuses") or ():
            ended = (status.get("lastState") or {}).get("terminated") or {}
            if ended.get("finishedAt") and _time(ended["finishedAt"]) >= since:
                yield {
                    "object": _named(snapshot, pod),
                    "container": status.get("name", ""),
                    "what": f"{ended.get('reason') or 'ended'} with exit code {ended.get('exitCode', '?')}, "
                    f"{count(int(status.get('restartCount', 0)), 'restart')} in all",
                    "at": ended["finishedAt"],
                }


def _warnings(snapshot: Snapshot, since: dt.datetime) -> Iterator[dict[str, Any]]:
    """The same said about one object once."""
    seen: set[tuple[str, str]] = set()
    for event in sorted(snapshot.all("Event"), key=event_time, reverse=True):
        body = event.body
        if body.get("type") != "Warning" or _time(event_time(event)) < since:
            continue
        about = body.get("involvedObject") or {}
        name = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
        key = (name, str(body.get("reason")))
        if key not in seen:
            seen.add(key)
            yield {
                "object": name,
                "what": f"{body.get('reason')}: {clip(str(body.get('message') or ''), WIDTH)}",
                "at": event_time(event),
            }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "what": clip(entry.plan.title, WIDTH),
        "status": entry.status,
        "at": entry.at,
        **({"part_of": entry.origin} if entry.origin else {}),
    }


def _summary(found: dict[str, list[dict[str, Any]]], namespace: str | None, since: dt.datetime) -> str:
    place = f"namespace {namespace}" if namespace else "all namespaces"
    moment = since.astimezone().strftime("%Y-%m-%d %H:%M")
    words = {
        "changes": "change",
        "rollouts": "rollout",
        "objects": "object",
        "gone": "object",
        "restarts": "restart",
        "warnings": "warning",
    }
    after = {"changes": " through Shipmate", "objects": " made or changed", "gone": " gone"}
    said = [f"{count(len(found[sort]), word)}{after.get(sort, '')}" for sort, word in words.items() if found[sort]]
    if not said:
        return f"Nothing changed in {place} since {moment}."
    return f"In {place} since {moment}: {listed(said, len(said))}."


def _named(snapshot: Snapshot, item: Resource) -> str:
    name = f"{item.ref.kind.lower()}/{item.name}"
    return name if snapshot.namespace else f"{item.namespace}/{name}"


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)

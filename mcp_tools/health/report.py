"""Health as an answer: a sentence with the number, its trend and the first step, and bounded data behind it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.resolve import WORKLOADS, find_object
from mcp_tools.diagnosis.model import Ref
from mcp_tools.errors import ApiError, NotFound
from mcp_tools.health.advice import WORTH, advice
from mcp_tools.health.assessing import unmeasured
from mcp_tools.health.checking import Check, check
from mcp_tools.health.parts import WEIGHTS, Part
from mcp_tools.health.trend import fell, since
from mcp_tools.reads.answer import Answer, clip, count, listed
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.health.assessing import Assessed, Assessment
    from mcp_tools.health.history import Earlier
    from mcp_tools.health.score import Score
    from mcp_tools.health.settings import HealthSettings

MOST_CHARACTERS = 7000
"""Of the whole answer as JSON: about 2,000 tokens."""
# How much is told, step by step less until the answer fits: workloads, namespaces, nodes, steps.
_SIZES = ((12, 12, 6, 5), (8, 8, 4, 4), (5, 5, 3, 3), (3, 3, 1, 2), (1, 1, 1, 1))
WIDTH = 160


def health_report(
    connection: Connection,
    namespace: str | None,
    target: str | None = None,
    *,
    entries: Sequence[Entry] = (),
    history: Path | None = None,
    settings: HealthSettings | None = None,
) -> Answer:
    """Check, and tell.

    Args:
        namespace: None for the whole cluster.
        target: A workload's name or `kind/name`, or a namespace's name.
        entries: What the journal has of this cluster, the newest first.
        history: Where the checks are kept for the trend.

    Returns:
        `health` (score, was, trend), `scope`, `parts` (what each took of the whole), `namespaces`, `workloads` and
        `nodes` (the worst first: score, was, parts with score, weight, points lost and why), `first` (what to do, in
        its order), `unmeasured`, `more`.

    Raises:
        NotFound, Ambiguous, UsageError: Nothing or more than one thing has the target's name.
        ConnectionProblem: The cluster does not answer.
    """
    workload = None
    if target:
        namespace, workload = _meant(connection, target, namespace)
    found = check(connection, namespace, workload=workload, entries=entries, history=history, settings=settings)
    return told(connection.context, found, namespace, workload)


def told(context: str, found: Check, namespace: str | None, workload: Ref | None = None) -> Answer:
    """A check as an answer; as `health_report`."""
    shown = _only(found.assessment, workload) if workload else found.assessment
    if workload and not shown.workloads:
        return Answer(f"{_title(workload)} has nothing to run, so there is nothing to score.", {"health": None})
    data: dict[str, Any] = {}
    for sizes in _SIZES:
        data = _data(context, found, shown, workload, sizes)
        if len(msgspec.json.encode(data)) <= MOST_CHARACTERS:
            break
    return Answer(_summary(found, shown, namespace, workload, data), data)


def _meant(connection: Connection, target: str, namespace: str | None) -> tuple[str | None, Ref | None]:
    """The namespace and workload that a name stands for; a workload comes before a namespace of its name."""
    try:
        found = find_object(connection, target, namespace, (*WORKLOADS, "jobs", "cronjobs", "pods"))
    except NotFound:
        try:
            connection.get(f"/api/v1/namespaces/{target}")
        except (NotFound, ApiError):
            pass
        else:
            return target, None
        raise
    if found.kind.name == "Namespace":
        return found.name, None
    return found.namespace, Ref(found.kind.name, found.namespace or "", found.name)


def _only(found: Assessment, workload: Ref) -> Assessment:
    """The assessment of one workload alone."""
    mine = tuple(
        each
        for each in (*found.workloads, *found.nodes)
        if each.ref == workload or any(pod.ref == workload for pod in each.unit.pods)
    )
    causes = tuple(cause for each in mine for cause in each.causes)
    return replace(found, whole=mine[0].score if mine else None, namespaces={}, workloads=mine, nodes=(), causes=causes)


def _data(
    context: str,
    found: Check,
    shown: Assessment,
    workload: Ref | None,
    sizes: tuple[int, int, int, int],
) -> dict[str, Any]:
    workloads, spaces, nodes, steps = sizes
    observation = found.assessment.observation
    snapshot = observation.snapshot
    first = list(itertools.islice(advice(shown), steps))
    by_score = sorted(shown.namespaces.items(), key=lambda item: item[1].value)
    several = len(by_score) > 1
    was, points = _was(found.earlier, workload)
    return {
        "health": {
            "score": shown.whole.whole if shown.whole else None,
            **({"was": round(was), "ago": since(found.earlier)} if was is not None and found.earlier else {}),
            **({"trend": [round(point) for point in points]} if len(points) > 1 else {}),
        },
        "scope": {
            "context": context,
            "namespace": snapshot.namespace or "all",
            **({"about": str(workload)} if workload else {}),
            "pods": len(snapshot.all("Pod")),
            "workloads": len(found.assessment.workloads),
            "nodes": len(found.assessment.nodes),
            "not_seen": [clip(redact_text(text), 120) for text in found.unseen[:5]],
            "causes_elsewhere": found.elsewhere,
        },
        "parts": {part.value: round(points) for part, points in _lost(shown.whole)},
        "namespaces": [
            {"name": name, "score": score.whole, "lost_by": [part.value for part, _ in _lost(score)[:2]]}
            for name, score in by_score[:spaces]
        ]
        if several
        else [],
        "workloads": [_told(each, found.earlier, whole=workload is not None) for each in shown.workloads[:workloads]],
        "nodes": [_told(each, found.earlier) for each in shown.nodes[:nodes]],
        "first": first,
        "unmeasured": [part.value for part in unmeasured(shown.workloads)] if shown.workloads else [],
        "more": {
            "workloads": max(0, len(shown.workloads) - workloads),
            "namespaces": max(0, len(by_score) - spaces) if several else 0,
            "nodes": max(0, len(shown.nodes) - nodes),
        },
    }


def _told(each: Assessed, earlier: Earlier | None, *, whole: bool = False) -> dict[str, Any]:
    """One object; a part that took nothing is left out unless it is asked about alone."""
    parts = [
        {
            "part": measure.part.value,
            "score": round(measure.score),
            "weight": WEIGHTS[measure.part],
            "lost": round(each.score.lost[measure.part], 1),
            "why": clip(redact_text(measure.why), WIDTH),
        }
        for measure in sorted(each.measures, key=lambda measure: -each.score.lost[measure.part])
        if whole or each.score.lost[measure.part] >= WORTH
    ]
    told: dict[str, Any] = {"object": str(each.ref), "namespace": each.ref.namespace, "score": each.score.whole}
    before = fell(each, earlier)
    if before and before.was is not None and round(before.was) != each.score.whole:
        told["was"] = round(before.was)
    return {**told, "parts": parts}


def _lost(score: Score | None) -> list[tuple[Part, float]]:
    found = score.lost.items() if score else ()
    return sorted(((part, points) for part, points in found if points >= WORTH), key=lambda item: -item[1])


def _was(earlier: Earlier | None, workload: Ref | None) -> tuple[float | None, tuple[float, ...]]:
    if earlier is None:
        return None, ()
    if workload is None:
        return earlier.score, earlier.points
    known = earlier.objects.get(f"{workload.namespace}/{workload.kind.lower()}/{workload.name}")
    return (known[0] if known else None), ()


def _summary(
    found: Check, shown: Assessment, namespace: str | None, workload: Ref | None, data: Mapping[str, Any]
) -> str:
    place = _title(workload) if workload else f"Namespace {namespace}" if namespace else "The cluster"
    missed = f" Not seen: {listed([clip(text, 60) for text in found.unseen], 3)}." if found.unseen else ""
    if shown.whole is None:
        return f"{place} has no workloads to score.{missed}"
    health = data["health"]
    was = ""
    if "was" in health and found.earlier is not None:
        same = health["was"] == health["score"]
        was = f", as {health['ago']} ago" if same else f", was {health['was']} {health['ago']} ago"
        changes = sorted(
            (change for each in (*shown.workloads, *shown.nodes) if (change := fell(each, found.earlier))),
            key=lambda change: -change.points,
        )
        dropped = [change for change in changes if change.points >= WORTH and change.was is not None]
        if dropped and not same:
            was += f": {listed([change.sentence for change in dropped], 2)}"
    lost = "" if was.count(":") or not data["parts"] else f"; lost by {_points(data['parts'])}"
    first = f" First: {data['first'][0]['do']} ({data['first'][0]['why']})." if data["first"] else ""
    not_measured = f"; {' and '.join(data['unmeasured'])} not measured" if data["unmeasured"] else ""
    looked = f"{count(data['scope']['pods'], 'pod')} looked at{not_measured}"
    return f"{place}: {health['score']} of 100{was}{lost}.{first} ({looked}.){missed}"


def _points(parts: Mapping[str, int]) -> str:
    return listed([f"{part} {points}" for part, points in parts.items()], 3)


def _title(ref: Ref) -> str:
    text = str(ref)
    return f"{text[0].upper()}{text[1:]}"

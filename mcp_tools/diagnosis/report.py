"""A diagnosis as an answer: bounded whatever the size of the cluster, and never without its scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.diagnosis.engine import diagnose
from mcp_tools.diagnosis.history import age_of
from mcp_tools.diagnosis.model import PROVEN, Symptom
from mcp_tools.reads.answer import Answer, clip, count, listed
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.diagnosis.engine import Diagnosis
    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.diagnosis.model import Evidence, Ref
    from mcp_tools.diagnosis.snapshot import Snapshot

MOST_CHARACTERS = 4500
"""Of the whole answer as JSON: less than 1,500 tokens."""
DETAILED = 6
OTHERS = 10
WIDTH = 240
# What is told of each cause, step by step less until the answer fits: evidence, symptoms, fixes.
_SIZES = ((4, 5, 3), (3, 3, 2), (2, 2, 1), (1, 1, 1))
_CHAIN = ("Node", "PersistentVolumeClaim", "Deployment", "StatefulSet", "DaemonSet", "Job", "Service", "Ingress")


def report(
    connection: Connection, namespace: str | None, target: str | None = None, entries: Sequence[Entry] = ()
) -> Answer:
    """Diagnose and tell.

    Args:
        namespace: None for all of them.
        target: A name or `kind/name`: only what touches it.
        entries: What the journal has of this cluster, the newest first.

    Returns:
        `scope` (context, namespace, what was looked at and what could not be), `findings` (mode, cause, object, field,
        chain, symptoms, evidence, since, changed, certainty, fixes,
        advice), `others` (causes told in a line), `more`.

    Raises:
        NotFound, ConnectionProblem: As `diagnose`.
    """
    found = diagnose(connection, namespace, target, entries)
    scope = {
        "context": connection.context,
        "namespace": namespace or "all",
        **({"about": target} if target else {}),
        "pods": len(found.snapshot.all("Pod")),
        "workloads": len(found.snapshot.workloads),
        "not_seen": [clip(text, 120) for text in found.unseen[:5]],
        "causes_elsewhere": found.elsewhere,
    }
    data: dict[str, Any] = {}
    for detailed in range(DETAILED, 0, -1):
        for sizes in _SIZES:
            data = _data(found, scope, detailed, sizes)
            if len(msgspec.json.encode(data)) <= MOST_CHARACTERS:
                return Answer(_summary(found, namespace), data)
    return Answer(_summary(found, namespace), data)


def _data(found: Diagnosis, scope: dict[str, Any], detailed: int, sizes: tuple[int, int, int]) -> dict[str, Any]:
    rest = found.causes[detailed:]
    return {
        "scope": scope,
        "findings": [_told(found.snapshot, cause, sizes) for cause in found.causes[:detailed]],
        "others": [clip(redact_text(cause.finding.cause), 110) for cause in rest[:OTHERS]],
        "more": max(0, len(rest) - OTHERS),
    }


def _told(snapshot: Snapshot, cause: Cause, sizes: tuple[int, int, int]) -> dict[str, Any]:
    facts, symptoms, fixes = sizes
    finding = cause.finding
    told: dict[str, Any] = {
        "mode": finding.mode,
        "cause": clip(redact_text(finding.cause), WIDTH),
        "object": str(finding.object),
        "namespace": finding.object.namespace,
        "field": finding.field,
        "chain": _chain(cause),
        "symptoms": _symptoms(cause, symptoms),
        "evidence": [_fact(snapshot, item) for item in finding.evidence[:facts]],
        "since": age_of(snapshot, finding.since),
        "changed": clip(redact_text(finding.changed), WIDTH),
        "certainty": "proven" if finding.confidence >= PROVEN else f"inferred, {finding.confidence:.0%} sure",
        "fixes": [
            {"fix": item.sentence, "tool": item.tool, "arguments": redact(item.arguments)}
            for item in finding.fixes[:fixes]
        ],
        "advice": clip(redact_text(finding.advice), WIDTH),
    }
    return {key: value for key, value in told.items() if value not in ("", [])}


def _chain(cause: Cause) -> str:
    """From the cause to what users meet."""
    finding = cause.finding
    links = [str(finding.object)]
    pods = sum(ref.kind == "Pod" for ref in cause.reach)
    if pods:
        links.append(count(pods, "pod"))
    for kind in _CHAIN:
        refs = sorted(ref for ref in cause.reach if ref.kind == kind and ref != finding.object)
        if refs:
            links.append(listed([str(ref) for ref in refs], 2))
    return " → ".join(links)


def _symptoms(cause: Cause, most: int) -> list[str]:
    """The same said of many objects is said once."""
    groups: dict[str, list[Ref]] = {}
    for item in cause.follows:
        text = item.text if isinstance(item, Symptom) else f": {item.cause}"
        groups.setdefault(text, []).append(item.object)
    told = []
    for text, refs in groups.items():
        names = listed([str(ref) for ref in dict.fromkeys(refs)], 2)
        told.append(clip(redact_text(f"{names} {text}".replace(" :", ":")), 160))
    rest = len(told) - most
    return [*told[:most], *([f"and {rest} more"] if rest > 0 else [])]


def _fact(snapshot: Snapshot, item: Evidence) -> str:
    when = age_of(snapshot, item.time)
    text = f"{item.object} {item.where}: {item.value}" + (f" ({when} ago)" if when else "")
    return clip(redact_text(text.replace("\n", " ")), WIDTH)


def _summary(found: Diagnosis, namespace: str | None) -> str:
    place = f"namespace {namespace}" if namespace else "all namespaces"
    about = f"{found.target} in {place}" if found.target else place
    looked = f"{count(len(found.snapshot.all('Pod')), 'pod')} looked at"
    missed = f" Not seen: {listed([clip(text, 60) for text in found.unseen], 3)}." if found.unseen else ""
    beside = f" {count(found.elsewhere, 'cause')} outside of it: ask for all namespaces." if found.elsewhere else ""
    if not found.causes:
        return f"Nothing is wrong with {about} ({looked}).{missed}{beside}"
    first = found.causes[0].finding
    others = len(found.causes) - 1
    more = f" And {count(others, 'other cause')}." if others else ""
    doubt = "" if first.confidence >= PROVEN else f" ({first.confidence:.0%} sure)"
    return f"{about[0].upper()}{about[1:]}: {clip(first.cause, WIDTH)}{doubt}.{more} ({looked}.){missed}{beside}"

"""What to do first: what heals the causes, the farthest reaching first, then what lifts the worst part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mcp_tools.health.configuration import risks
from mcp_tools.health.parts import Part
from mcp_tools.reads.answer import clip, count, listed
from mcp_tools.redaction import redact, redact_text

if TYPE_CHECKING:
    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.health.assessing import Assessed, Assessment

WIDTH = 200
WORTH = 1.0
"""Points: what costs less is not spoken of."""
OF_THE_CLUSTER = frozenset({"kube-system", "kube-public", "kube-node-lease"})
GENERAL: Mapping[Part, str] = {
    Part.AVAILABILITY: "Diagnose it",
    Part.RESTARTS: "Read what it said before it ended: the logs of its run before",
    Part.SATURATION: "Give it more, or more replicas, or find what uses so much",
    Part.ERRORS: "Look at its events and the errors in its logs",
    Part.LATENCY: "Look at what it waits for, then at its CPU and its replicas",
}


def advice(found: Assessment) -> Iterator[dict[str, Any]]:
    """Steps in their order.

    Yields:
        `do` (one sentence), `why`, `object`, `namespace`, `reaches`; with `tool` and `arguments` where a change that
        the engine can verify and undo heals it.
    """
    for cause in found.causes:
        yield _healing(cause)
    explained = {each.ref for each in (*found.workloads, *found.nodes) if each.causes}
    for each, part in _worst_parts(found):
        # What a cause explains is healed by healing the cause; how a pod is set up is another matter.
        if each.ref not in explained or part is Part.CONFIGURATION:
            yield _lifting(found, each, part)


def _healing(cause: Cause) -> dict[str, Any]:
    finding = cause.finding
    told: dict[str, Any] = {"do": f"Look at {finding.object}"}
    if finding.fixes:
        fix = finding.fixes[0]
        told = {"do": clip(redact_text(fix.sentence), WIDTH), "tool": fix.tool, "arguments": redact(fix.arguments)}
    elif finding.advice:
        told = {"do": clip(redact_text(finding.advice), WIDTH)}
    told |= {
        "why": clip(redact_text(finding.cause), WIDTH),
        "object": str(finding.object),
        "namespace": finding.object.namespace,
        "reaches": _reaches(cause),
    }
    return told


def _lifting(found: Assessment, each: Assessed, part: Part) -> dict[str, Any]:
    why = next(measure.why for measure in each.measures if measure.part is part)
    told: dict[str, Any] = {"do": GENERAL.get(part, "")}
    if part is Part.CONFIGURATION:
        risk = risks(each.unit, found.observation.snapshot)[0]
        told = {"do": risk.remedy.format(each.ref)}
        if risk.replicas:
            place = {"namespace": each.ref.namespace}
            told |= {"tool": "scale", "arguments": {"target": str(each.ref), **place, "replicas": risk.replicas}}
    told |= {"why": clip(redact_text(f"{part} of {each.ref}: {why}"), WIDTH), "object": str(each.ref)}
    return {**told, "namespace": each.ref.namespace}


def _reaches(cause: Cause) -> str:
    """What users meet first."""
    pods = sum(ref.kind == "Pod" for ref in cause.reach)
    parts = [str(ref) for kind in ("Ingress", "Service") for ref in sorted(cause.reach) if ref.kind == kind]
    return listed([*parts, *([count(pods, "pod")] if pods else [])], 3)


def _worst_parts(found: Assessment) -> list[tuple[Assessed, Part]]:
    """Each part that costs something to speak of, the dearest first; availability and the like before configuration."""
    parts = [
        (each, part, points)
        for each in (*found.workloads, *found.nodes)
        for part, points in each.score.lost.items()
        if points >= WORTH and part is not Part.FINDINGS
    ]
    # How the cluster's own workloads are set up is its distributor's matter.
    parts.sort(
        key=lambda item: (
            item[1] is Part.CONFIGURATION,
            item[1] is Part.CONFIGURATION and item[0].ref.namespace in OF_THE_CLUSTER,
            -item[2],
            item[0].ref,
        )
    )
    return [(each, part) for each, part, _ in parts]

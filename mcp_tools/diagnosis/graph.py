"""One cause, one finding: symptoms and causes that follow from others hang under these, ranked by how much they reach.

What a finding reaches is followed along owners, selectors, Services, Ingresses and autoscalers; what points at
something that is reached belongs to the finding that reaches it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.model import Finding, Ref, Symptom

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Snapshot

UNEXPLAINED = 0.5
UNREAD = "config-stale"
_DEPTH = {"Node": 0, "Pod": 1, "ReplicaSet": 2, "PersistentVolumeClaim": 1, "Service": 4, "Ingress": 5}
_WORKLOAD_DEPTH = 3
_WEIGHT = {"Node": 3, "Service": 3, "Ingress": 4, "Pod": 1}


@dataclass(slots=True)
class Cause:
    """A finding with all that follows from it.

    Attributes:
        reach: Every object that it touches.
        follows: Symptoms and further findings that it explains.
    """

    finding: Finding
    reach: frozenset[Ref]
    follows: list[Finding | Symptom] = field(default_factory=list)

    @property
    def weight(self) -> int:
        """How much it reaches: what leads to users counts more than a pod."""
        return sum(_WEIGHT.get(ref.kind, 0) for ref in self.reach)


class Graph:
    """What leads to what in one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def reach(self, starts: Iterable[Ref]) -> frozenset[Ref]:
        """All that lies behind some objects."""
        seen: set[Ref] = set()
        todo = list(starts)
        while todo:
            ref = todo.pop()
            if ref not in seen:
                seen.add(ref)
                todo.extend(self._next(ref))
        return frozenset(seen)

    def _next(self, ref: Ref) -> Iterator[Ref]:
        snapshot = self._snapshot
        if ref.kind == "Service":
            yield from self._fronts.get(ref, ())
            return
        item = snapshot.at(ref)
        if item is None:
            return
        if ref.kind == "Pod":
            yield from (service.ref for service in snapshot.services_of_pods.get(ref, ()))
        if (owner := snapshot.owner(item)) is not None:
            yield owner.ref
        yield from self._scalers.get(ref, ())

    @cached_property
    def _fronts(self) -> dict[Ref, list[Ref]]:
        found: dict[Ref, list[Ref]] = defaultdict(list)
        for ingress in self._snapshot.all("Ingress"):
            for name in ingress_services(ingress.spec):
                found[Ref("Service", ingress.namespace, name)].append(ingress.ref)
        return found

    @cached_property
    def _scalers(self) -> dict[Ref, list[Ref]]:
        found: dict[Ref, list[Ref]] = defaultdict(list)
        for scaler in self._snapshot.all("HorizontalPodAutoscaler"):
            target = scaler.spec.get("scaleTargetRef") or {}
            found[Ref(target.get("kind", ""), scaler.namespace, target.get("name", ""))].append(scaler.ref)
        return found

    def join(self, found: Iterable[Finding | Symptom]) -> list[Cause]:
        """The causes, the one that reaches most first; what follows from one hangs under it."""
        findings, symptoms = [], []
        for item in found:
            if isinstance(item, Finding):
                findings.append(item)
            else:
                symptoms.append(item)
        causes = [Cause(item, self.reach((item.object, *item.affected))) for item in _once(findings)]
        causes = _under_their_causes(causes)
        # The deepest first: a pod that is not ready explains its Service, and not the other way round.
        for symptom in sorted(symptoms, key=lambda item: _DEPTH.get(item.object.kind, _WORKLOAD_DEPTH)):
            explaining = [cause for cause in causes if _explains(cause, symptom.object, symptom.blames)]
            for cause in explaining:
                cause.follows.append(symptom)
            if not explaining:
                causes.append(Cause(_promoted(symptom), self.reach((symptom.object,))))
        return sorted(causes, key=lambda cause: (-cause.weight, -cause.finding.confidence, str(cause.finding.object)))


def ingress_services(spec: dict[str, object]) -> set[str]:
    """The names of the Services that an Ingress leads to."""
    backends = [spec.get("defaultBackend")]
    rules = spec.get("rules")
    for rule in rules if isinstance(rules, list) else ():
        backends += [path.get("backend") for path in (rule.get("http") or {}).get("paths") or ()]
    return {backend["service"]["name"] for backend in backends if isinstance(backend, dict) and backend.get("service")}


def _explains(cause: Cause, shown: Ref, blames: tuple[Ref, ...]) -> bool:
    return shown in cause.reach or any(ref in cause.reach for ref in blames)


def _once(findings: list[Finding]) -> list[Finding]:
    """Of several that would change the same field of the same object, the surest, with all that they reach."""
    found: dict[tuple[object, ...], Finding] = {}
    for item in findings:
        key = (item.object, item.field or item.mode)
        found[key] = _surest(found[key], item) if key in found else item
    return list(found.values())


def _surest(known: Finding, item: Finding) -> Finding:
    better, other = (item, known) if item.confidence > known.confidence else (known, item)
    more = other.affected if other.mode == better.mode else ()
    return replace(better, affected=tuple(dict.fromkeys((*better.affected, *more))))


def _under_their_causes(causes: list[Cause]) -> list[Cause]:
    """Causes that point at what another one reaches hang under it; a circle is cut at its surest part."""
    findings = [cause.finding for cause in causes]
    order = sorted(
        causes,
        key=lambda cause: (
            bool(cause.finding.blames),
            not any(_to_come(finding, cause.finding) for finding in findings),
            -cause.finding.confidence,
        ),
    )
    kept: list[Cause] = []
    for cause in order:
        above = next((other for other in kept if _follows(cause.finding, other)), None)
        if above is None:
            kept.append(cause)
        else:
            above.follows.append(cause.finding)
            above.reach |= cause.reach
            if _to_come(cause.finding, above.finding):
                # A restart would bring in what is wrong with the new content.
                above.finding = replace(above.finding, fixes=cause.finding.fixes)
    return kept


def _follows(finding: Finding, cause: Cause) -> bool:
    if any(ref in cause.reach for ref in finding.blames) or _to_come(finding, cause.finding):
        return True
    if finding.mode == UNREAD and _is_about(cause.finding, finding):
        return True
    # What is wrong with pods on a node that is lost is the node's doing.
    lost = cause.finding.object.kind == "Node" and finding.object.kind != "Node"
    return lost and bool(finding.affected) and set(finding.affected) <= set(cause.finding.affected)


def _promoted(symptom: Symptom) -> Finding:
    return Finding(
        symptom.mode,
        f"{str(symptom.object)[:1].upper()}{str(symptom.object)[1:]} {symptom.text}",
        symptom.object,
        affected=(symptom.object,),
        evidence=symptom.evidence,
        confidence=UNEXPLAINED,
        blames=symptom.blames,
    )


def _to_come(finding: Finding, stale: Finding) -> bool:
    """Whether something wrong in a ConfigMap or Secret strikes only once the pods have read its new content."""
    return (
        stale.mode == UNREAD
        and _is_about(finding, stale)
        and bool(finding.affected)
        and set(finding.affected) <= set(stale.affected)
    )


def _is_about(finding: Finding, stale: Finding) -> bool:
    """Whether a finding is about the object whose new content some pods have not read."""
    return finding.object != stale.object and any(finding.object == item.object for item in stale.evidence)

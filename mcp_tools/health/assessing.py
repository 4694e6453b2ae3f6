"""The cluster at one moment, scored: every workload and node, what they make together, and what is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import is_ready
from mcp_tools.diagnosis.snapshot import Resource
from mcp_tools.health import state
from mcp_tools.health.configuration import configuration
from mcp_tools.health.parts import Measure, Part
from mcp_tools.health.saturation import of_node, saturation
from mcp_tools.health.score import Score, mixed, score_of, together
from mcp_tools.health.units import Unit, units_of

if TYPE_CHECKING:
    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.monitoring.observing import Observation
    from mcp_tools.usage.reading import ContainerUsage

WORKLOADS, NODES = 0.8, 0.2
"""What each has of the cluster's score."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """One object with its score.

    Attributes:
        measures: Those parts that could be measured.
        causes: What the diagnosis found that touches it.
    """

    unit: Unit
    score: Score
    measures: tuple[Measure, ...]
    causes: tuple[Cause, ...] = ()

    @property
    def ref(self) -> Ref:
        """Which object."""
        return self.unit.ref


@dataclass(frozen=True, slots=True)
class Assessment:
    """All of it.

    Attributes:
        whole: Of what was looked at; None where there is nothing to score.
        namespaces: By name.
        workloads: The worst first; also what a cause blames that is no workload, such as a Service.
        nodes: The worst first; none where one namespace was asked about.
        causes: The one that reaches most first.
    """

    observation: Observation
    whole: Score | None
    namespaces: Mapping[str, Score]
    workloads: tuple[Assessed, ...]
    nodes: tuple[Assessed, ...]
    causes: tuple[Cause, ...]


def assess(
    observation: Observation,
    causes: Sequence[Cause],
    *,
    latency: Mapping[Ref, Measure] | None = None,
    logs: bool = False,
) -> Assessment:
    """Score what was observed.

    Args:
        causes: What the diagnosis found in the same snapshot.
        latency: By namespace and name of the workload, where it is measured.
        logs: The observation's lines of level error were looked for: no entry means none.
    """
    snapshot = observation.snapshot
    used: dict[tuple[str, str], list[ContainerUsage]] = defaultdict(list)
    for usage in observation.usage or ():
        used[usage.namespace, usage.pod].append(usage)
    touching: dict[Ref, list[Cause]] = defaultdict(list)
    for cause in causes:
        for ref in cause.reach:
            touching[ref].append(cause)
    workloads = []
    for unit in units_of(snapshot):
        found = touching.get(unit.ref, [])
        measures = [
            state.availability(unit),
            state.findings(found),
            state.restarts(unit, snapshot.now),
            saturation(unit, used),
            state.errors(unit, snapshot, observation.log_errors if logs else None),
            (latency or {}).get(unit.ref),
            configuration(unit, snapshot),
        ]
        workloads.append(_assessed(unit, measures, found))
    workloads += _blamed(causes, {each.ref for each in workloads}, snapshot.namespace)
    nodes = () if snapshot.namespace else tuple(_nodes(observation, touching))
    by_namespace: dict[str, list[Score]] = defaultdict(list)
    for each in workloads:
        by_namespace[each.ref.namespace].append(each.score)
    whole = mixed(
        (
            (WORKLOADS, together(each.score for each in workloads)),
            (NODES, together(each.score for each in nodes)),
        )
    )
    spaces = {name: score for name, found in by_namespace.items() if name and (score := together(found))}
    return Assessment(observation, whole, spaces, _worst_first(workloads), _worst_first(nodes), tuple(causes))


def _assessed(unit: Unit, measures: Iterable[Measure | None], causes: Sequence[Cause]) -> Assessed:
    known = tuple(each for each in measures if each is not None)
    return Assessed(unit, score_of(known), known, tuple(causes))


def _blamed(causes: Sequence[Cause], known: set[Ref], namespace: str) -> Iterable[Assessed]:
    """What causes blame that touch no workload or node: a Service that leads nowhere has no pods to show it."""
    found: dict[Ref, list[Cause]] = defaultdict(list)
    for cause in causes:
        ref = cause.finding.object
        touched = {ref, *cause.reach}
        inside = not namespace or any(each.namespace == namespace for each in touched)
        if ref.kind != "Node" and inside and not (touched & known):
            found[ref].append(cause)
    for ref, own in found.items():
        item = Resource(ref.kind, {"metadata": {"name": ref.name, "namespace": ref.namespace}})
        yield _assessed(Unit(item), [state.reachability(own), state.findings(own)], own)


def _nodes(observation: Observation, touching: Mapping[Ref, list[Cause]]) -> Iterable[Assessed]:
    used = {usage.node: usage for usage in observation.node_usage or ()}
    for node in observation.snapshot.all("Node"):
        unit = Unit(node, (), 1, int(is_ready(node)))
        own = [cause for cause in touching.get(node.ref, ()) if cause.finding.object == node.ref]
        measures = [state.availability(unit), state.findings(own), of_node(node, used.get(node.name))]
        yield _assessed(unit, measures, own)


def _worst_first(found: Iterable[Assessed]) -> tuple[Assessed, ...]:
    return tuple(sorted(found, key=lambda each: (each.score.value, each.ref)))


def unmeasured(found: Iterable[Assessed]) -> list[Part]:
    """The parts that no object has."""
    seen = {measure.part for each in found for measure in each.measures}
    return [part for part in Part if part not in seen]

"""Which alert explains which: of what follows from another alert nobody need be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.graph import Graph
from mcp_tools.monitoring.alert import State

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Snapshot
    from mcp_tools.monitoring.rules import Rule
    from mcp_tools.monitoring.store import Standing


def inhibitions(standing: Iterable[Standing], rules: Mapping[str, Rule], snapshot: Snapshot) -> dict[str, str]:
    """The fingerprints of alerts that another one explains, each with the fingerprint of the firing one that does.

    An alert of a node explains what shows itself only in pods on that node. Any other explains what is about its own
    object, and about what lies behind that along owners, Services, Ingresses and autoscalers. Only where the rule of
    the one says that it inhibits the rule of the other. What was explained stays so as long as both stand: the pods
    that replace those of a lost node are on another one, and are late because of it all the same.
    """
    all_of_them = list(standing)
    found: dict[str, str] = {}
    graph = Graph(snapshot)
    for cause in all_of_them:
        rule = rules.get(cause.alert.rule)
        if cause.alert.state is not State.FIRING or rule is None or not rule.inhibits:
            continue
        about = cause.alert.object
        explained = [
            item for item in all_of_them if item.alert.rule in rule.inhibits and item.alert.fingerprint not in found
        ]
        if not explained:
            continue
        if about.kind == "Node":
            there = {pod.ref for pod in snapshot.pods_by_node.get(about.name, ())}
            behind = [item for item in explained if _only_there(item, about, there)]
        else:
            made = snapshot.at(about)
            # Which pods showed it is not known any more after a restart.
            pods = cause.pods or (frozenset(pod.ref for pod in snapshot.pods_of(made)) if made else ())
            reached = graph.reach((about, *pods))
            behind = [item for item in explained if item.alert.object in reached]
        behind += [item for item in explained if item.alert.inhibited_by == cause.alert.fingerprint]
        found.update({item.alert.fingerprint: cause.alert.fingerprint for item in behind})
    return found


def _only_there(item: Standing, node: Ref, pods: set[Ref]) -> bool:
    return item.alert.object == node or (bool(item.pods) and item.pods <= pods)

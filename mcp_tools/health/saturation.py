"""The part that usage tells: CPU and memory against limits, requests, and what a node can give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_tools.health.parts import FULL, Measure, Part, between
from mcp_tools.quantity import parse

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource
    from mcp_tools.health.units import Unit
    from mcp_tools.usage.reading import ContainerUsage, NodeUsage

LIMIT_GOOD, LIMIT_BAD = 0.7, 1.0
"""Of a limit, or of what a node can give."""
REQUEST_GOOD, REQUEST_BAD = 1.0, 3.0
"""Of a request where there is no limit: what is used beyond it is the first to be taken away."""
Used = Mapping[tuple[str, str], list["ContainerUsage"]]
"""By namespace and pod."""


def saturation(unit: Unit, used: Used) -> Measure | None:
    """Each pod by its worst container, the workload by the mean of its pods; None where nothing is measured or set."""
    total, measured = 0.0, 0
    worst, why = FULL + 1, ""
    bounds = {container["name"]: container.get("resources") or {} for container in unit.item.containers}
    for pod in unit.pods:
        found = [
            judged
            for usage in used.get((pod.namespace, pod.name), ())
            for judged in _judged(usage, _bounds(pod, usage.container) or bounds.get(usage.container, {}))
        ]
        if not found:
            continue
        score, text = min(found)
        total += score
        measured += 1
        if score < worst:
            worst, why = score, f"{pod.name} uses {text}" if len(unit.pods) > 1 else f"uses {text}"
    return Measure(Part.SATURATION, total / measured, why) if measured else None


def of_node(node: Resource, used: NodeUsage | None) -> Measure | None:
    """A node by the fuller of CPU and memory; 0 where it says itself that it is under pressure."""
    pressed = [kind for kind, found in node.conditions.items() if "Pressure" in kind and found.get("status") == "True"]
    if pressed:
        return Measure(Part.SATURATION, 0.0, f"it reports {' and '.join(pressed)}")
    if used is None:
        return None
    gives = node.status.get("allocatable") or {}
    found = []
    for name, amount in (("CPU", used.cpu), ("memory", used.memory)):
        most = float(parse(gives[name.lower()])) if name.lower() in gives else 0.0
        if most:
            share = float(amount) / most
            found.append((between(share, LIMIT_GOOD, LIMIT_BAD), f"{share:.0%} of its {name}"))
    score, text = min(found, default=(FULL, ""))
    return Measure(Part.SATURATION, score, f"uses {text}") if found else None


def _bounds(pod: Resource, container: str) -> dict[str, Any]:
    """What a container runs with, where the kubelet says it; a resize in place changes it without the workload."""
    for status in pod.status.get("containerStatuses") or ():
        if status.get("name") == container:
            return status.get("resources") or {}
    return {}


def _judged(usage: ContainerUsage, resources: dict[str, Any]) -> list[tuple[float, str]]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    found = []
    for name, amount in (("CPU", usage.cpu), ("memory", usage.memory)):
        key = name.lower()
        bound, against, good, bad = (
            (limits[key], "limit", LIMIT_GOOD, LIMIT_BAD)
            if key in limits
            else (requests.get(key), "request", REQUEST_GOOD, REQUEST_BAD)
        )
        most = float(parse(str(bound))) if bound else 0.0
        if most:
            share = float(amount) / most
            text = f"{share:.0%} of its {name} {against} ({_shown(name, float(amount))} of {bound})"
            found.append((between(share, good, bad), text))
    return found


def _shown(name: str, amount: float) -> str:
    return f"{amount * 1000:.0f}m" if name == "CPU" else f"{amount / 2**20:.0f}Mi"

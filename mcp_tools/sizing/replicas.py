"""How many replicas, and whether an autoscaler should choose: from use at its median and at its peaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.reads.answer import count
from mcp_tools.sizing.amounts import cores_text
from mcp_tools.usage.aggregate import DAY, Aggregate

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot
    from mcp_tools.sizing.recommending import Advice, Resources

AIM = 0.7
"""The part of its request that a replica should use, so that there is room until another one is up."""
SWINGS = 2.0
"""From this many times as much CPU at p99 as at the median on, an autoscaler saves replicas."""
SAFE = 2
"""So many replicas at the least, where there were as many: one can go away."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What sets the number of a workload's replicas.

    Attributes:
        kind: Of the workload.
        autoscaler: The name of its HorizontalPodAutoscaler; empty for none.
        low, high: The bounds of the autoscaler.
        utilisation: The part of the CPU request that it aims at; None where it looks at something else.
        floor: The least number with which its disruption budget still lets one pod go.
    """

    kind: str
    name: str
    replicas: int
    autoscaler: str = ""
    low: int = 1
    high: int = 1
    utilisation: float | None = None
    floor: int = 1

    @classmethod
    def of(cls, snapshot: Snapshot, item: Resource) -> Scaling:
        """That of a workload."""
        spec, status = item.spec, item.status
        daemon = item.ref.kind == "DaemonSet"
        replicas = int(status.get("desiredNumberScheduled", 0) if daemon else spec.get("replicas", 1))
        floor = max((_floor(one, replicas) for one in _budgets(snapshot, item)), default=1)
        for autoscaler in snapshot.all("HorizontalPodAutoscaler", item.namespace):
            target = autoscaler.spec.get("scaleTargetRef") or {}
            if (target.get("kind"), target.get("name")) == (item.ref.kind, item.name):
                low, high = autoscaler.spec.get("minReplicas") or 1, autoscaler.spec.get("maxReplicas") or 1
                aim = _utilisation(autoscaler.spec)
                return cls(item.ref.kind, item.name, replicas, autoscaler.name, low, high, aim, floor)
        return cls(item.ref.kind, item.name, replicas, floor=floor)


def replica_advice(
    scaling: Scaling, containers: Sequence[tuple[Aggregate, Resources, Advice | None]]
) -> tuple[str, ...]:
    """What should become of the number of replicas, a sentence each.

    Args:
        containers: What each used, asks for, and should be given.
    """
    if scaling.kind == "DaemonSet" or not scaling.replicas or any(advice is None for *_, advice in containers):
        return ()
    asked = sum(now.cpu_request or 0 for _, now, _ in containers)
    wanted = sum((advice.resources.cpu_request or 0) for *_, advice in containers if advice)
    used = {part: sum(held.cpu_percentile(part) for held, *_ in containers) for part in (0.5, 0.95, 0.99)}
    days = min(held.span for held, *_ in containers) / DAY
    if scaling.autoscaler:
        return _with_autoscaler(scaling, used[0.95], asked, wanted, days)
    if scaling.kind != "Deployment":
        return ()
    return _without(scaling, used, wanted, days)


def _with_autoscaler(scaling: Scaling, used: float, asked: float, wanted: float, days: float) -> tuple[str, ...]:
    if scaling.utilisation is None or not asked:
        return ()
    said = []
    name, aim = f"hpa/{scaling.autoscaler}", scaling.utilisation
    if wanted and not math.isclose(asked, wanted, rel_tol=0.1):
        said.append(
            f"{name} scales at {aim:.0%} of the CPU request: at {cores_text(aim * asked)} a pod as it is, at "
            f"{cores_text(aim * wanted)} with what is recommended"
        )
    need = math.ceil(scaling.replicas * used / (aim * asked) - 1e-6)
    if scaling.replicas >= scaling.high and need > scaling.high:
        said.append(f"{name} stands at its maximum of {scaling.high}, and p95 asks for {need}: raise maxReplicas")
    least = max(need, scaling.floor, min(SAFE, scaling.low))
    if days >= 1 and least < scaling.low:
        said.append(
            f"{name} keeps {count(scaling.low, 'replica')}, and p95 asks for {need}: minReplicas {least} will do"
        )
    return tuple(said)


def _without(scaling: Scaling, used: dict[float, float], wanted: float, days: float) -> tuple[str, ...]:
    def enough(cores: float) -> int:
        return max(
            math.ceil(scaling.replicas * cores / (AIM * wanted) - 1e-6), scaling.floor, min(SAFE, scaling.replicas)
        )

    if not wanted or days < 1:
        # A day has its highs and lows; less than one says nothing of them.
        return ()
    low, high = enough(used[0.5]), enough(used[0.99])
    if used[0.5] and used[0.99] >= SWINGS * used[0.5] and high > low:
        swings = f"from {cores_text(used[0.5])} at the median to {cores_text(used[0.99])} at p99 a pod"
        return (f"its CPU swings {swings}: `autoscale {scaling.name} between {low} and {high}` at {AIM:.0%}",)
    fewer = enough(used[0.95])
    if fewer < scaling.replicas:
        return (
            f"{count(fewer, 'replica')} would do instead of {scaling.replicas}: p95 is {cores_text(used[0.95])} a pod",
        )
    return ()


def _utilisation(spec: dict[str, Any]) -> float | None:
    for metric in spec.get("metrics") or ():
        resource = metric.get("resource") or {}
        target = (resource.get("target") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and target:
            return float(target) / 100
    return None


def _budgets(snapshot: Snapshot, item: Resource) -> list[dict[str, Any]]:
    labels = ((item.spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    return [
        budget.spec
        for budget in snapshot.all("PodDisruptionBudget", item.namespace)
        for wanted in [(budget.spec.get("selector") or {}).get("matchLabels") or {}]
        if wanted and wanted.items() <= labels.items()
    ]


def _floor(budget: dict[str, Any], replicas: int) -> int:
    """The least number of replicas of which one may go."""
    for number in range(1, max(replicas, 1) + 1):
        if "minAvailable" in budget:
            allowed = number - _part(budget["minAvailable"], number)
        else:
            allowed = _part(budget.get("maxUnavailable", 1), number)
        if allowed >= 1:
            return number
    return max(replicas, 1)


def _part(value: Any, number: int) -> int:
    """An absolute number or a percentage, which Kubernetes rounds up."""
    text = str(value)
    if text.endswith("%") and text[:-1].isdecimal():
        return math.ceil(number * int(text[:-1]) / 100)
    return int(text) if text.isdecimal() else 0

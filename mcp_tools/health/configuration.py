"""The part that the pod spec tells: what would make a small trouble a big one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.health.parts import FULL, Measure, Part
from mcp_tools.reads.answer import listed

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot
    from mcp_tools.health.units import Unit

Object = dict[str, Any]
KEPT = frozenset({"Deployment", "StatefulSet"})
SERVING = KEPT | {"ReplicaSet", "DaemonSet"}
MOST_TOLD = 4


@dataclass(frozen=True, slots=True)
class Risk:
    """One thing that is missing.

    Attributes:
        cost: Of 100.
        text: As a part of a list: `no memory limit`.
        remedy: What to do about it, in one sentence; `{}` stands for the object.
        replicas: How many there should be, where that is the remedy.
    """

    cost: int
    text: str
    remedy: str
    replicas: int = 0


PRIVILEGED = Risk(30, "privileged", "Take privileged away from {}, or give it the one capability that it needs")
MEMORY_LIMIT = Risk(20, "no memory limit", "Give {} a memory limit, so that a leak ends it and not its neighbours")
READINESS = Risk(
    20, "no readiness probe", "Give {} a readiness probe, so that it gets no requests before it can answer"
)
SINGLE = Risk(20, "a single replica", "Run two replicas of {}, so that one can go", replicas=2)
REQUESTS = Risk(
    15, "no requests", "Let {} request the CPU and memory that it uses, so that it is placed where they are"
)
LATEST = Risk(
    15, "an image without a fixed tag", "Give the image of {} a fixed tag or digest, so that all pods run the same"
)
ROOT = Risk(15, "may run as root", "Set runAsNonRoot for {}")
BUDGET = Risk(10, "no PodDisruptionBudget", "Give {} a PodDisruptionBudget, so that a drained node leaves some of it")
LIVENESS = Risk(5, "no liveness probe", "Give {} a liveness probe, so that it is restarted when it hangs")


def configuration(unit: Unit, snapshot: Snapshot) -> Measure:
    """100 less what each risk costs, each counted once whatever the number of containers."""
    found = risks(unit, snapshot)
    why = listed([risk.text for risk in found], MOST_TOLD) or "nothing is missing"
    return Measure(Part.CONFIGURATION, max(0.0, FULL - sum(risk.cost for risk in found)), why)


def risks(unit: Unit, snapshot: Snapshot) -> list[Risk]:
    """What is missing, the dearest first."""
    return sorted(set(_risks(unit, snapshot)), key=lambda risk: (-risk.cost, risk.text))


def _risks(unit: Unit, snapshot: Snapshot) -> Iterator[Risk]:
    item = unit.item
    spec = item.template
    containers: list[Object] = spec.get("containers") or []
    if any((each.get("securityContext") or {}).get("privileged") for each in containers):
        yield PRIVILEGED
    if any(not _has(each, "limits", "memory") for each in containers):
        yield MEMORY_LIMIT
    if any(not (_has(each, "requests", "cpu") and _has(each, "requests", "memory")) for each in containers):
        yield REQUESTS
    if any(_moving(str(each.get("image") or "")) for each in containers):
        yield LATEST
    if any(_as_root(spec, each) for each in containers):
        yield ROOT
    if item.ref.kind in SERVING:
        # A container without a port serves nobody: there is nothing to be ready for.
        serving = [each for each in containers if each.get("ports") or each.get("readinessProbe")]
        if any(not each.get("readinessProbe") for each in serving):
            yield READINESS
        if any(not each.get("livenessProbe") for each in serving):
            yield LIVENESS
    if item.ref.kind in KEPT:
        if unit.desired == 1:
            yield SINGLE
        elif snapshot.sees("PodDisruptionBudget") and not _has_budget(item, snapshot):
            yield BUDGET


def _has(container: Object, side: str, what: str) -> bool:
    resources = container.get("resources") or {}
    # A limit without a request is taken as the request, too.
    return what in (resources.get(side) or {}) or (side == "requests" and what in (resources.get("limits") or {}))


def _moving(image: str) -> bool:
    name = image.rpartition("/")[2]
    return "@" not in name and (":" not in name or name.endswith(":latest"))


def _as_root(spec: Object, container: Object) -> bool:
    """Whether nothing keeps it from running as root: the image decides, and most images say root."""
    pod, own = spec.get("securityContext") or {}, container.get("securityContext") or {}
    user = own.get("runAsUser", pod.get("runAsUser"))
    return not (own.get("runAsNonRoot", pod.get("runAsNonRoot")) or user)


def _has_budget(item: Resource, snapshot: Snapshot) -> bool:
    from mcp_tools.diagnosis.network.selectors import selects

    labels = ((item.spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    budgets = snapshot.all("PodDisruptionBudget", item.namespace)
    return any(selects(budget.spec.get("selector"), labels) for budget in budgets)

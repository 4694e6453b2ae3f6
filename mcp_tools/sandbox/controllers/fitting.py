"""Whether a pod may run on a node, and why not, in the scheduler's words.

As in kubernetes/pkg/scheduler/framework/plugins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_tools.sandbox.objects.store import Object

UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def requests_of(spec: Object) -> dict[str, int]:
    """What a pod asks for: CPU in thousandths, everything else in whole units; init containers count at their peak."""
    total: dict[str, int] = {}
    for container in spec.get("containers") or ():
        for name, amount in _requests(container).items():
            total[name] = total.get(name, 0) + amount
    for container in spec.get("initContainers") or ():
        for name, amount in _requests(container).items():
            if container.get("restartPolicy") == "Always":
                total[name] = total.get(name, 0) + amount
            else:
                total[name] = max(total.get(name, 0), amount)
    return total


def _requests(container: Object) -> dict[str, int]:
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: amount_of(name, value) for name, value in asked.items()}


def amount_of(name: str, value: str) -> int:
    """A quantity in the unit in which it is counted."""
    return quantity.millis(value) if name == "cpu" else quantity.whole(value)


def misfit(spec: Object, node: Object) -> str:
    """Why the node is not for this pod at all, whatever runs there; empty when it is."""
    if spec.get("nodeName") and spec["nodeName"] != node["metadata"]["name"]:
        return "node(s) didn't match the requested node name"
    if taint := _untolerated(spec, node):
        return taint
    labels = node["metadata"].get("labels") or {}
    selector = spec.get("nodeSelector") or {}
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not selector.items() <= labels.items() or (required and not any_term(required, node)):
        return "node(s) didn't match Pod's node affinity/selector"
    return ""


def _untolerated(spec: Object, node: Object) -> str:
    tolerations = spec.get("tolerations") or ()
    own = node.get("spec") or {}
    if own.get("unschedulable") and not any(tolerates(item, UNSCHEDULABLE_TAINT) for item in tolerations):
        return "node(s) were unschedulable"
    for taint in own.get("taints") or ():
        if taint.get("effect") == "PreferNoSchedule" or taint.get("key") == UNSCHEDULABLE_TAINT["key"]:
            continue
        if not any(tolerates(item, taint) for item in tolerations):
            return f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value', '')}}}"
    return ""


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether a pod's toleration is for a node's taint."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def any_term(selector: Object, node: Object) -> bool:
    """Whether a node fits a node selector: any of its terms, each with all of its rules."""
    labels = node["metadata"].get("labels") or {}
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and all(_matches(rule, labels) for rule in term.get("matchExpressions") or ())
        and all(_matches(rule, fields) for rule in term.get("matchFields") or ())
        for term in selector.get("nodeSelectorTerms") or ()
    )


def _matches(rule: Object, values: dict[str, str]) -> bool:
    key, wanted = rule.get("key", ""), rule.get("values") or []
    actual = values.get(key)
    match rule.get("operator"):
        case "In":
            return actual in wanted
        case "NotIn":
            return actual not in wanted
        case "Exists":
            return actual is not None
        case "DoesNotExist":
            return actual is None
        case "Gt" | "Lt" as operator:
            return _compare(actual, wanted, operator)
    return False


def _compare(actual: str | None, wanted: list[str], operator: str) -> bool:
    if actual is None or len(wanted) != 1 or not (actual.isdecimal() and wanted[0].isdecimal()):
        return False
    return int(actual) > int(wanted[0]) if operator == "Gt" else int(actual) < int(wanted[0])


@dataclass(frozen=True, slots=True)
class Load:
    """What the pods of a node take together."""

    requests: Mapping[str, int]
    pods: int
    ports: frozenset[tuple[Any, Any]]

    @classmethod
    def of(cls, pods: Iterable[Object]) -> Load:
        """The load that these pods are."""
        total: dict[str, int] = {}
        count, ports = 0, set()
        for pod in pods:
            count += 1
            for name, amount in requests_of(pod["spec"]).items():
                total[name] = total.get(name, 0) + amount
            ports |= host_ports(pod["spec"])
        return cls(total, count, frozenset(ports))


def shortages(spec: Object, node: Object, load: Load) -> list[str]:
    """What the node lacks for this pod beside what is there: `Insufficient cpu`, …"""
    room = {name: amount_of(name, value) for name, value in (node["status"].get("allocatable") or {}).items()}
    reasons = [] if room.get("pods", 0) > load.pods else ["Too many pods"]
    asked = requests_of(spec)
    reasons += [
        f"Insufficient {name}"
        for name in sorted(asked)
        if asked[name] and asked[name] > max(0, room.get(name, 0) - load.requests.get(name, 0))
    ]
    if load.ports & host_ports(spec):
        reasons.append("node(s) didn't have free ports for the requested pod ports")
    return reasons


def host_ports(spec: Object) -> set[tuple[Any, Any]]:
    """The node's ports that a pod takes."""
    return {
        (port["hostPort"], port.get("protocol", "TCP"))
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }

"""PriorityClasses resolved into numbers (plugin/pkg/admission/priority)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects.errors import forbidden

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

SYSTEM = {
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
}


def resolve(registry: Registry, kind: Kind, pod: dict[str, Any]) -> None:
    """Set a new pod's priority and preemption policy, in place.

    Raises:
        Refused: 403, there is no such class.
    """
    spec = pod["spec"]
    classes = registry.kinds.named("PriorityClass")
    name = spec.get("priorityClassName")
    if name:
        found = registry.store.get(classes, "", name)
        if found is None:
            why = f"no PriorityClass with name {name} was found"
            raise forbidden(kind, pod["metadata"].get("name", ""), why)
    else:
        found = next((item for item in registry.store.all_of(classes) if item.get("globalDefault")), None)
        if found:
            spec["priorityClassName"] = found["metadata"]["name"]
    spec["priority"] = found["value"] if found else 0
    spec.setdefault("preemptionPolicy", (found or {}).get("preemptionPolicy", "PreemptLowerPriority"))

"""Whether a node lets a running pod have other resources (kubernetes/pkg/kubelet/allocation)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.controllers.fitting import Load, amount_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Object

NAMES = ("memory", "cpu")


def refusal(pod: Object, node: Object, others: Iterable[Object]) -> tuple[str, str] | None:
    """Why a pod cannot have what it asks for.

    Args:
        pod: As it is wanted.
        node: On which it runs.
        others: The other pods of the node.

    Returns:
        `Infeasible` or `Deferred`, and a sentence; `None` where it fits.
    """
    room = {name: amount_of(name, value) for name, value in (node["status"].get("allocatable") or {}).items()}
    asked = requests_of(pod["spec"])
    for name in NAMES:
        if asked.get(name, 0) > room.get(name, 0):
            words = f"{name}, requested: {asked[name]}, capacity: {room.get(name, 0)}"
            return "Infeasible", f"Node didn't have enough capacity: {words}"
    used = Load.of(others).requests
    for name in reversed(NAMES):
        if asked.get(name, 0) > room.get(name, 0) - used.get(name, 0):
            words = f"{name}, requested: {asked[name]}, used: {used.get(name, 0)}, capacity: {room.get(name, 0)}"
            return "Deferred", f"Node didn't have enough resource: {words}"
    return None


def needs_restart(container: Object, wanted: Object) -> bool:
    """Whether a container says that one of the resources that change is taken up by a new start only."""
    policies: dict[str, Any] = {
        policy.get("resourceName", ""): policy.get("restartPolicy") for policy in wanted.get("resizePolicy") or ()
    }
    return any(
        policies.get(name) == "RestartContainer" and _of(container, group, name) != _of(wanted, group, name)
        for name in NAMES
        for group in ("limits", "requests")
    )


def _of(container: Object, group: str, name: str) -> Any:
    return ((container.get("resources") or {}).get(group) or {}).get(name)

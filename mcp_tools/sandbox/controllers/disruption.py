"""PodDisruptionBudgets: how many pods may go at present (kubernetes/pkg/controller/disruption)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Controller, Key, is_ready, key_of, scaled_value
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "controllermanager"
_CONTROLLERS = ("ReplicaSet", "StatefulSet", "ReplicationController")


class DisruptionController(Controller):
    """Writes `disruptionsAllowed` whenever a pod or a budget changes."""

    watches = ("PodDisruptionBudget", "Pod")

    def keys(self, change: Change) -> Iterable[Key]:
        """The budget itself, or those of the pod's namespace that pick it."""
        if change.kind.name == "PodDisruptionBudget":
            return [key_of(change.obj)]
        labels = change.obj["metadata"].get("labels") or {}
        budgets = self.cluster.all_of("PodDisruptionBudget", change.obj["metadata"]["namespace"])
        return [key_of(item) for item in budgets if label_selector(item["spec"].get("selector"))(labels)]

    def reconcile(self, key: Key) -> float | None:
        """Count one budget's pods."""
        budget = self.cluster.get("PodDisruptionBudget", *key)
        if budget is None:
            return None
        picks = label_selector(budget["spec"].get("selector"))
        pods = [
            pod
            for pod in self.cluster.all_of("Pod", key[0])
            if picks(pod["metadata"].get("labels") or {}) and not pod["metadata"].get("deletionTimestamp")
        ]
        if not pods:
            self.cluster.events.normal(budget, "NoPods", "No matching pods found", SOURCE)
        expected = self._expected(pods)
        healthy = sum(is_ready(pod) for pod in pods)
        spec = budget["spec"]
        if spec.get("maxUnavailable") is not None:
            desired = max(0, expected - scaled_value(spec["maxUnavailable"], expected, up=True))
        else:
            desired = scaled_value(spec.get("minAvailable", 1), expected, up=True)
        allowed = max(0, healthy - desired) if expected else 0
        self.cluster.set_status(budget, self._status(budget, (healthy, desired, expected, allowed)))
        return None

    def _expected(self, pods: list[Object]) -> int:
        """The pods that their controllers want, together; those without a controller count as they are."""
        total = 0
        seen: set[str] = set()
        for pod in pods:
            owner = next((ref for ref in pod["metadata"].get("ownerReferences") or () if ref.get("controller")), None)
            if owner is None or owner["kind"] not in _CONTROLLERS:
                total += 1
            elif owner["uid"] not in seen:
                seen.add(owner["uid"])
                found = self.cluster.get(owner["kind"], pod["metadata"]["namespace"], owner["name"])
                total += found["spec"].get("replicas", 1) if found else 0
        return total

    def _status(self, budget: Object, counts: tuple[int, int, int, int]) -> Object:
        healthy, desired, expected, allowed = counts
        known: Object = next(iter((budget.get("status") or {}).get("conditions") or ()), {})
        value = "True" if allowed else "False"
        entry = {
            "type": "DisruptionAllowed",
            "status": value,
            "observedGeneration": budget["metadata"]["generation"],
            "lastTransitionTime": known["lastTransitionTime"] if known.get("status") == value else self.cluster.now(),
            "reason": "SufficientPods" if allowed else "InsufficientPods",
            "message": "",
        }
        return {
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
            "expectedPods": expected,
            "observedGeneration": budget["metadata"]["generation"],
            "conditions": [entry],
        }

"""ReplicaSets: as many pods as wanted (kubernetes/pkg/controller/replicaset)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.clock import parse_time
from mcp_tools.sandbox.controllers.base import (
    Controller,
    Key,
    condition,
    is_active,
    is_ready,
    key_of,
    own_or_owner,
    pod_from,
    ready_since,
    reference,
)
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "replicaset-controller"
BURST = 500


class ReplicaSetController(Controller):
    """Creates and deletes pods, adopts and releases them by their labels, and counts them."""

    watches = ("ReplicaSet", "Pod")

    def keys(self, change: Change) -> Iterable[Key]:
        """Its own set; for a pod without an owner every set that could adopt it."""
        found = own_or_owner("ReplicaSet", change)
        meta = change.obj["metadata"]
        if change.kind.name == "Pod" and not meta.get("ownerReferences"):
            labels = meta.get("labels") or {}
            found += [
                key_of(owner)
                for owner in self.cluster.all_of("ReplicaSet", meta["namespace"])
                if label_selector(owner["spec"].get("selector"))(labels)
            ]
        return found

    def reconcile(self, key: Key) -> float | None:
        """Bring one ReplicaSet to its count."""
        owner = self.cluster.get("ReplicaSet", *key)
        if owner is None:
            return None
        pods = self._claim(owner)
        active = [pod for pod in pods if is_active(pod)]
        failure = ""
        if not owner["metadata"].get("deletionTimestamp"):
            failure = self._scale(owner, active)
        owner = self.cluster.get("ReplicaSet", *key) or owner
        active = [pod for pod in self.cluster.owned(owner, "Pod") if is_active(pod)]
        status, again = self._status(owner, active, failure)
        self.cluster.set_status(owner, status)
        return again

    def _claim(self, owner: Object) -> list[Object]:
        selects = label_selector(owner["spec"].get("selector"))
        kept = []
        for pod in self.cluster.owned(owner, "Pod"):
            if selects(pod["metadata"].get("labels") or {}) or pod["metadata"].get("deletionTimestamp"):
                kept.append(pod)
            else:
                self.cluster.modify(pod, lambda draft: _release(draft, owner))
        if owner["metadata"].get("deletionTimestamp"):
            return kept
        for pod in self.cluster.all_of("Pod", owner["metadata"]["namespace"]):
            meta = pod["metadata"]
            if not meta.get("ownerReferences") and is_active(pod) and selects(meta.get("labels") or {}):
                adopted = self.cluster.modify(pod, lambda draft: _adopt(draft, owner))
                kept += [adopted] if adopted else []
        return kept

    def _scale(self, owner: Object, active: list[Object]) -> str:
        wanted = owner["spec"].get("replicas", 1)
        missing = wanted - len(active)
        events = self.cluster.events
        for _ in range(min(missing, BURST)):
            pod = pod_from(owner["spec"]["template"], owner)
            try:
                made = self.cluster.create("Pod", pod)
            except Refused as error:
                events.warning(owner, "FailedCreate", f"Error creating: {error.message}", SOURCE)
                return error.message
            events.normal(owner, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}", SOURCE)
        if missing < 0:
            for pod in sorted(active, key=self._victim_rank)[: min(-missing, BURST)]:
                self.cluster.delete(pod)
                events.normal(owner, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", SOURCE)
        return ""

    def _victim_rank(self, pod: Object) -> tuple[Any, ...]:
        """First those whose loss costs least (the order of controller.ActivePodsWithRanks).

        Unscheduled, pending, not ready, cheaper to delete, ready for a shorter time, with more restarts, younger.
        """
        phase = (pod.get("status") or {}).get("phase", "Unknown")
        annotations = pod["metadata"].get("annotations") or {}
        cost = annotations.get("controller.kubernetes.io/pod-deletion-cost", "0")
        restarts = sum(s.get("restartCount", 0) for s in pod["status"].get("containerStatuses") or ())
        ready = ready_since(pod)
        return (
            bool(pod["spec"].get("nodeName")),
            {"Pending": 0, "Unknown": 1}.get(phase, 2),
            is_ready(pod),
            int(cost) if cost.lstrip("-").isdecimal() else 0,
            -parse_time(ready) if ready else 0.0,
            -restarts,
            -parse_time(pod["metadata"]["creationTimestamp"]),
            pod["metadata"]["name"],
        )

    def _status(self, owner: Object, active: list[Object], failure: str) -> tuple[Object, float | None]:
        labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
        minimum = owner["spec"].get("minReadySeconds", 0)
        now = self.cluster.clock.now()
        waits = []
        ready = available = full = 0
        for pod in active:
            full += labels.items() <= (pod["metadata"].get("labels") or {}).items()
            moment = ready_since(pod)
            if moment is None:
                continue
            ready += 1
            left = parse_time(moment) + minimum - now
            if minimum == 0 or left <= 0:
                available += 1
            else:
                waits.append(left)
        status: Object = {"replicas": len(active)}
        counts = {"fullyLabeledReplicas": full, "readyReplicas": ready, "availableReplicas": available}
        status |= {name: count for name, count in counts.items() if count}
        going = len([pod for pod in self.cluster.owned(owner, "Pod") if pod["metadata"].get("deletionTimestamp")])
        if going:
            status["terminatingReplicas"] = going
        status["observedGeneration"] = owner["metadata"]["generation"]
        if failure:
            # As the real one, a condition that holds already keeps its words: each try names another pod.
            known = condition(owner, "ReplicaFailure")
            fresh = {
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": self.cluster.now(),
                "reason": "FailedCreate",
                "message": failure,
            }
            status["conditions"] = [dict(known) if known.get("status") == "True" else fresh]
            waits.append(5.0)
        return status, min(waits) + 0.05 if waits else None


def _release(pod: Object, owner: Object) -> None:
    uid = owner["metadata"]["uid"]
    kept = [ref for ref in pod["metadata"].get("ownerReferences") or () if ref["uid"] != uid]
    pod["metadata"].pop("ownerReferences")
    if kept:
        pod["metadata"]["ownerReferences"] = kept


def _adopt(pod: Object, owner: Object) -> None:
    pod["metadata"]["ownerReferences"] = [reference(owner)]

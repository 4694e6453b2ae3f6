"""DaemonSets: one pod on every node that takes it (kubernetes/pkg/controller/daemon)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers import fitting
from mcp_tools.sandbox.controllers.base import (
    Controller,
    Key,
    is_active,
    is_ready,
    key_of,
    own_or_owner,
    pod_from,
    scaled_value,
)
from mcp_tools.sandbox.controllers.statefulset import HASH, revision_of
from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "daemonset-controller"
_TAINTS = {
    "node.kubernetes.io/not-ready": "NoExecute",
    "node.kubernetes.io/unreachable": "NoExecute",
    "node.kubernetes.io/disk-pressure": "NoSchedule",
    "node.kubernetes.io/memory-pressure": "NoSchedule",
    "node.kubernetes.io/pid-pressure": "NoSchedule",
    "node.kubernetes.io/unschedulable": "NoSchedule",
}


class DaemonSetController(Controller):
    """Keeps one pod per eligible node and replaces old ones a few at a time."""

    watches = ("DaemonSet", "Pod", "Node")

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself, the pod's owner, or every set when a node changed."""
        if change.kind.name == "Node":
            return [key_of(item) for item in self.cluster.all_of("DaemonSet")]
        return own_or_owner("DaemonSet", change)

    def reconcile(self, key: Key) -> float | None:
        """Bring one DaemonSet to its nodes."""
        owner = self.cluster.get("DaemonSet", *key)
        if owner is None:
            return None
        revision = revision_of(self.cluster, owner)
        template = self._template(owner, revision)
        every = self.cluster.all_of("Node")
        nodes = [node["metadata"]["name"] for node in every if self._fits(template, node)]
        # A pod may stay where it would not be placed again, unless it may not even run there.
        kept = {node["metadata"]["name"] for node in every if self._may_stay(template, node)}
        pods = self.cluster.owned(owner, "Pod")
        if not owner["metadata"].get("deletionTimestamp"):
            self._place(owner, template, (nodes, kept), pods)
            self._roll(owner, nodes, revision)
        self._report(owner, nodes, revision)
        return None

    def _template(self, owner: Object, revision: str) -> Object:
        template: Object = copy.deepcopy(owner["spec"]["template"])
        template["metadata"].setdefault("labels", {})[HASH] = revision.rpartition("-")[2]
        tolerations = template["spec"].setdefault("tolerations", [])
        tolerations += [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _TAINTS.items()]
        return template

    def _fits(self, template: Object, node: Object) -> bool:
        return not fitting.misfit(template["spec"], node)

    def _may_stay(self, template: Object, node: Object) -> bool:
        taints = [taint for taint in node["spec"].get("taints") or () if taint.get("effect") == "NoExecute"]
        bare = {**node, "spec": {**node["spec"], "taints": taints, "unschedulable": False}}
        return not fitting.misfit(template["spec"], bare)

    def _place(self, owner: Object, template: Object, where: tuple[list[str], set[str]], pods: list[Object]) -> None:
        nodes, kept = where
        events = self.cluster.events
        by_node: dict[str, list[Object]] = {}
        for pod in pods:
            if (pod.get("status") or {}).get("phase") == "Failed":
                self.cluster.delete(pod)
            else:
                by_node.setdefault(_target(pod), []).append(pod)
        for node in nodes:
            if not by_node.get(node):
                pod = pod_from(copy.deepcopy(template), owner)
                pod["spec"]["affinity"] = _pin(node)
                try:
                    made = self.cluster.create("Pod", pod)
                except Refused as error:
                    events.warning(owner, "FailedCreate", f"Error creating: {error.message}", SOURCE)
                    raise
                events.normal(owner, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}", SOURCE)
        for node, found in by_node.items():
            surplus = found[1:] if node in kept else found
            for pod in surplus:
                if is_active(pod):
                    self.cluster.delete(pod)
                    events.normal(owner, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", SOURCE)

    def _roll(self, owner: Object, nodes: list[str], revision: str) -> None:
        strategy = owner["spec"]["updateStrategy"]
        if strategy["type"] != "RollingUpdate":
            return
        digest = revision.rpartition("-")[2]
        pods = self.cluster.owned(owner, "Pod")
        allowed = scaled_value(strategy["rollingUpdate"]["maxUnavailable"], len(nodes), up=True) or 1
        missing = len(nodes) - sum(is_ready(pod) and is_active(pod) for pod in pods)
        for pod in pods:
            if pod["metadata"]["labels"].get(HASH) == digest or not is_active(pod):
                continue
            if is_ready(pod):
                if missing >= allowed:
                    continue
                missing += 1
            self.cluster.delete(pod)
            name = pod["metadata"]["name"]
            self.cluster.events.normal(owner, "SuccessfulDelete", f"Deleted pod: {name}", SOURCE)

    def _report(self, owner: Object, nodes: list[str], revision: str) -> None:
        digest = revision.rpartition("-")[2]
        pods = [pod for pod in self.cluster.owned(owner, "Pod") if is_active(pod)]
        here = [pod for pod in pods if _target(pod) in nodes]
        ready = [pod for pod in here if is_ready(pod)]
        updated = [pod for pod in here if pod["metadata"]["labels"].get(HASH) == digest]
        status: Object = {
            "currentNumberScheduled": len(here),
            "numberMisscheduled": len(pods) - len(here),
            "desiredNumberScheduled": len(nodes),
            "numberReady": len(ready),
            "observedGeneration": owner["metadata"]["generation"],
        }
        counts = {
            "updatedNumberScheduled": len(updated),
            "numberAvailable": len(ready),
            "numberUnavailable": len(nodes) - len(ready),
        }
        self.cluster.set_status(owner, status | {name: count for name, count in counts.items() if count})


def _pin(node: str) -> Object:
    fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def _target(pod: Object) -> str:
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    for term in (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or ():
        for rule in term.get("matchFields") or ():
            if rule["key"] == "metadata.name":
                return str(rule["values"][0])
    return ""

"""Puts pods on nodes, or says why there is none (kubernetes/pkg/scheduler)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.controllers import fitting, placement
from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key, condition, key_of
from mcp_tools.sandbox.objects.store import clone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.registry import Registry
    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "default-scheduler"
MANAGER = "kube-scheduler"


class Scheduler(Controller):
    """Filters the nodes, takes the least loaded one, and writes the pod's `nodeName`."""

    watches = ("Pod", "Node", "PersistentVolumeClaim", "StorageClass")

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._placed: dict[str, dict[Key, Object]] = {}
        self._nominated: dict[Key, Object] = {}
        self._loads: dict[str, fitting.Load] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """A new pod; when a node, claim or class changed or a pod made room, every waiting one, the important first."""
        if change.kind.name == "Pod":
            self._follow(change)
        if change.kind.name == "Pod" and change.type == "ADDED":
            return [] if change.obj["spec"].get("nodeName") else [key_of(change.obj)]
        ended = (change.obj.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
        if change.kind.name == "Pod" and change.type == "MODIFIED" and not ended:
            return []
        waiting = [pod for pod in self.cluster.all_of("Pod") if not pod["spec"].get("nodeName")]
        return [key_of(pod) for pod in sorted(waiting, key=placement.priority, reverse=True)]

    def reconcile(self, key: Key) -> float | None:
        """Place one pod."""
        pod = self.cluster.get("Pod", *key)
        if pod is None or pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            return None
        if pod["spec"].get("schedulerName", SOURCE) != SOURCE or pod["spec"].get("schedulingGates"):
            return None
        nodes = self.cluster.all_of("Node")
        if missing := placement.unbound_claim(self.cluster, pod):
            self._refuse(pod, self._everywhere(len(nodes), missing))
            return None
        running = {node["metadata"]["name"]: self._on(node) for node in nodes}
        reasons: Counter[str] = Counter()
        fit = []
        for node in nodes:
            found = self._obstacles(pod, node, nodes, running)
            reasons.update(found)
            if not found:
                fit.append(node)
        if not fit:
            name, why = self._preempt(pod, nodes, running)
            self._refuse(pod, self._misfit(nodes, reasons, why), nominated=name)
            return None
        nominated = (pod.get("status") or {}).get("nominatedNodeName")
        chosen = min(
            fit,
            key=lambda node: (
                node["metadata"]["name"] != nominated,
                self._load(node, running[node["metadata"]["name"]], pod),
                node["metadata"]["name"],
            ),
        )
        self._bind(pod, chosen["metadata"]["name"])
        return None

    def _everywhere(self, count: int, why: str) -> str:
        return f"0/{count} nodes are available: {why}. not found"

    def _obstacles(self, pod: Object, node: Object, nodes: list[Object], running: dict[str, list[Object]]) -> list[str]:
        if why := fitting.misfit(pod["spec"], node):
            return [why]
        if short := fitting.shortages(pod["spec"], node, self._claimed(pod, node)):
            return short
        why = placement.misplaced(self.cluster, pod, node, nodes, running)
        return [why] if why else []

    def _preempt(self, pod: Object, nodes: list[Object], running: dict[str, list[Object]]) -> tuple[str, str]:
        """Make room on a node by deleting less important pods.

        Returns:
            The node that the pod is nominated for, and why nothing was deleted; one of them is empty.
        """
        if pod["spec"].get("preemptionPolicy") == "Never":
            return "", "preemption: not eligible due to preemptionPolicy=Never."
        nominated = (pod.get("status") or {}).get("nominatedNodeName", "")
        if any(
            other["metadata"].get("deletionTimestamp") and placement.priority(other) < placement.priority(pod)
            for other in running.get(nominated, ())
        ):
            return nominated, "preemption: not eligible due to a terminating pod on the nominated node."
        options = []
        for node in nodes:
            pods = running[node["metadata"]["name"]]
            if fitting.misfit(pod["spec"], node) or placement.misplaced(self.cluster, pod, node, nodes, running):
                continue
            rivals = self._rivals(pod, node["metadata"]["name"])
            if chosen := placement.victims(pod, node, [*pods, *rivals]):
                options.append((len(chosen), node["metadata"]["name"], chosen))
        if not options:
            return "", self._helpless(pod, nodes)
        _, name, chosen = min(options, key=lambda option: option[:2])
        for victim in chosen:
            message = f"Preempted by pod {pod['metadata']['uid']} on node {name}"
            self.cluster.events.normal(victim, "Preempted", message, SOURCE, action="Preempting")
            self._mark(victim)
            self.cluster.delete(victim)
        for other in [rival for rival in self._nominated.values() if _nominated_for(rival) == name]:
            if placement.priority(other) < placement.priority(pod):
                kept = {key: value for key, value in other["status"].items() if key != "nominatedNodeName"}
                self.cluster.set_status(other, kept, manager=MANAGER)
        return name, ""

    def _mark(self, victim: Object) -> None:
        message = f"{SOURCE}: preempting to accommodate a higher priority pod"
        entry = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.cluster.now(),
            "reason": "PreemptionByScheduler",
            "message": message,
        }
        status = victim.get("status") or {}
        kept = [found for found in status.get("conditions") or () if found["type"] != "DisruptionTarget"]
        self.cluster.set_status(victim, {**status, "conditions": [*kept, entry]}, manager=MANAGER)

    def _load(self, node: Object, pods: list[Object], pod: Object) -> float:
        owners = {ref["uid"] for ref in pod["metadata"].get("ownerReferences") or ()}
        siblings = sum(
            any(ref["uid"] in owners for ref in other["metadata"].get("ownerReferences") or ()) for other in pods
        )
        room = fitting.amount_of("cpu", (node["status"].get("allocatable") or {}).get("cpu", "1")) or 1
        return siblings + self._load_of(node).requests.get("cpu", 0) / room

    def _misfit(self, nodes: list[Object], reasons: Counter[str], after: str) -> str:
        count = len(nodes)
        if not count:
            return "no nodes available to schedule pods"
        listed = ", ".join(sorted(f"{number} {reason}" for reason, number in reasons.items()))
        message = f"0/{count} nodes are available: {listed}."
        return f"{message} no new claims to deallocate, {after}" if after else message

    def _helpless(self, pod: Object, nodes: list[Object]) -> str:
        """Why no pod's leaving would help."""
        count = len(nodes)
        # Where even an empty node would not do, nobody's leaving helps.
        full = sum(
            not fitting.misfit(pod["spec"], node)
            and not fitting.shortages(pod["spec"], node, fitting.Load.of(()))
            and bool(fitting.shortages(pod["spec"], node, self._claimed(pod, node)))
            for node in nodes
        )
        parts = []
        if full:
            parts.append(f"{full} No preemption victims found for incoming pod")
        if full < count:
            parts.append(f"{count - full} Preemption is not helpful for scheduling")
        return f"preemption: 0/{count} nodes are available: {', '.join(parts)}."

    def _rivals(self, pod: Object, node: str) -> list[Object]:
        """Pods, as important at least, that a node's room is being made for."""
        mine = placement.priority(pod)
        return [
            other
            for key, other in self._nominated.items()
            if _nominated_for(other) == node and key != key_of(pod) and placement.priority(other) >= mine
        ]

    def _claimed(self, pod: Object, node: Object) -> fitting.Load:
        """What of a node is taken as this pod sees it."""
        rivals = self._rivals(pod, node["metadata"]["name"])
        return fitting.Load.of([*self._on(node), *rivals]) if rivals else self._load_of(node)

    def _on(self, node: Object) -> list[Object]:
        return list(self._placed.get(node["metadata"]["name"], {}).values())

    def _load_of(self, node: Object) -> fitting.Load:
        name = node["metadata"]["name"]
        if name not in self._loads:
            self._loads[name] = fitting.Load.of(self._on(node))
        return self._loads[name]

    def _follow(self, change: Change) -> None:
        """Keep account of which pods are where, and for which room is being made."""
        waits = change.type != "DELETED" and not change.obj["spec"].get("nodeName") and _nominated_for(change.obj)
        if waits and not change.obj["metadata"].get("deletionTimestamp"):
            self._nominated[key_of(change.obj)] = change.obj
        else:
            self._nominated.pop(key_of(change.obj), None)
        for obj in (change.before, change.obj):
            if obj is not None and (name := obj["spec"].get("nodeName")):
                self._placed.get(name, {}).pop(key_of(obj), None)
                self._loads.pop(name, None)
        name, phase = change.obj["spec"].get("nodeName"), (change.obj.get("status") or {}).get("phase")
        if name and change.type != "DELETED" and phase not in {"Succeeded", "Failed"}:
            self._placed.setdefault(name, {})[key_of(change.obj)] = change.obj

    def _refuse(self, pod: Object, message: str, nominated: str = "") -> None:
        known = condition(pod, "PodScheduled")
        self.cluster.events.warning(pod, "FailedScheduling", message, SOURCE, action="Scheduling")
        if known.get("message") == message and _nominated_for(pod) == nominated:
            return
        entry = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": self.cluster.now(),
            "reason": "Unschedulable",
            "message": message,
        }
        status = {**(pod.get("status") or {}), "conditions": [entry]}
        if nominated:
            status["nominatedNodeName"] = nominated
        else:
            status.pop("nominatedNodeName", None)
        self.cluster.set_status(pod, status, manager=MANAGER)

    def _bind(self, pod: Object, node: str) -> None:
        bind(self.cluster.registry, pod, node)
        namespace, name = key_of(pod)
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self.cluster.events.normal(pod, "Scheduled", message, SOURCE, action="Binding")


def _nominated_for(pod: Object) -> str:
    return str((pod.get("status") or {}).get("nominatedNodeName", ""))


def bind(registry: Registry, pod: Object, node: str) -> None:
    """Write a pod's node, as the `binding` subresource does.

    Args:
        registry: The rules of writing.
        pod: As stored.
        node: Its name.
    """
    # Not through an update: the field belongs to the binding and is in nobody's managedFields.
    bound = clone(pod)
    bound["spec"]["nodeName"] = node
    entry = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": rfc3339(registry.clock.now()),
    }
    bound["status"] = {**(bound.get("status") or {}), "conditions": [entry]}
    registry.store.put(registry.kinds.named("Pod"), bound)

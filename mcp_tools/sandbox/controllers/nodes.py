"""The life of nodes: leases, the taints of their conditions, and what becomes of pods on a lost one.

As in kubernetes/pkg/controller/nodelifecycle and tainteviction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import parse_time, rfc3339_micro
from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key, condition, key_of
from mcp_tools.sandbox.controllers.fitting import tolerates
from mcp_tools.sandbox.objects.registry import WriteOptions

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "node-controller"
LEASE_SECONDS = 40
_BEAT_SECONDS = 10.0
_QUARANTINE_SECONDS = 40.0
LEASES = "kube-node-lease"
_PREFIX = "node.kubernetes.io/"
_PRESSURES = {
    "MemoryPressure": "memory-pressure",
    "DiskPressure": "disk-pressure",
    "PIDPressure": "pid-pressure",
    "NetworkUnavailable": "network-unavailable",
}


class NodeController(Controller):
    """Keeps a node's taints in step with its conditions."""

    watches = ("Node",)

    def keys(self, change: Change) -> Iterable[Key]:
        """The node itself."""
        return [key_of(change.obj)]

    def reconcile(self, key: Key) -> float | None:
        """Look after one node."""
        node = self.cluster.get("Node", *key)
        if node is None:
            return None
        wanted = self._taints(node)
        if wanted != (node["spec"].get("taints") or []):

            def change(draft: Object) -> None:
                draft["spec"].pop("taints", None)
                if wanted:
                    draft["spec"]["taints"] = wanted

            self.cluster.modify(node, change)
        ready = condition(node, "Ready").get("status")
        if ready != "True":
            self._mark_pods(node)
        return None

    def _taints(self, node: Object) -> list[Object]:
        ready = condition(node, "Ready").get("status")
        due: list[tuple[str, str]] = []
        if node["spec"].get("unschedulable"):
            due.append(("unschedulable", "NoSchedule"))
        if ready == "False":
            due += [("not-ready", "NoSchedule"), ("not-ready", "NoExecute")]
        elif ready == "Unknown":
            due += [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")]
        due += [
            (name, "NoSchedule") for kind, name in _PRESSURES.items() if condition(node, kind).get("status") == "True"
        ]
        ours = {f"{_PREFIX}{name}" for name in ("unschedulable", "not-ready", "unreachable", *_PRESSURES.values())}
        present = node["spec"].get("taints") or []
        kept = [
            taint
            for taint in present
            if taint["key"] not in ours or (taint["key"].removeprefix(_PREFIX), taint["effect"]) in due
        ]
        known = {(taint["key"], taint["effect"]) for taint in kept}
        added = [(f"{_PREFIX}{name}", effect) for name, effect in due if (f"{_PREFIX}{name}", effect) not in known]
        return [*kept, *({"key": key, "effect": effect, "timeAdded": self.cluster.now()} for key, effect in added)]

    def _mark_pods(self, node: Object) -> None:
        """A pod on a node that is not ready is not ready either."""
        for pod in self.cluster.all_of("Pod"):
            if (
                pod["spec"].get("nodeName") != node["metadata"]["name"]
                or condition(pod, "Ready").get("status") != "True"
            ):
                continue
            entries = [
                {**entry, "status": "False", "lastTransitionTime": self.cluster.now(), "reason": "NodeNotReady"}
                if entry["type"] == "Ready"
                else entry
                for entry in pod["status"]["conditions"]
            ]
            self.cluster.set_status(pod, {**pod["status"], "conditions": entries})
            self.cluster.events.warning(pod, "NodeNotReady", "Node is not ready", SOURCE)


class TaintEviction(Controller):
    """Deletes the pods that do not, or no longer, tolerate a `NoExecute` taint of their node."""

    watches = ("Node", "Pod")

    def keys(self, change: Change) -> Iterable[Key]:
        """The pod, or all pods of a node."""
        if change.kind.name == "Pod":
            return [key_of(change.obj)] if change.obj["spec"].get("nodeName") and change.type != "DELETED" else []
        if (change.before or {"spec": {}})["spec"].get("taints") == change.obj["spec"].get("taints"):
            return []
        name = change.obj["metadata"]["name"]
        return [key_of(pod) for pod in self.cluster.all_of("Pod") if pod["spec"].get("nodeName") == name]

    def reconcile(self, key: Key) -> float | None:
        """Evict one pod, or come back when its time is up."""
        pod = self.cluster.get("Pod", *key)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return None
        node = self.cluster.get("Node", "", pod["spec"].get("nodeName", ""))
        taints = [
            taint for taint in (node or {"spec": {}})["spec"].get("taints") or () if taint["effect"] == "NoExecute"
        ]
        left: float | None = None
        for taint in taints:
            tolerations = [item for item in pod["spec"].get("tolerations") or () if tolerates(item, taint)]
            if not tolerations:
                left = 0.0
                break
            limits = [item["tolerationSeconds"] for item in tolerations if item.get("tolerationSeconds") is not None]
            if limits:
                since = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else self.cluster.clock.now()
                due = max(0.0, since + min(limits) - self.cluster.clock.now())
                left = due if left is None else min(left, due)
        if left is None or left > 0:
            return left
        message = f"Marking for deletion Pod {key[0]}/{key[1]}"
        self.cluster.events.normal(pod, "TaintManagerEviction", message, "taint-eviction-controller")
        self.cluster.delete(pod)
        return None


class OrphanedPods(Controller):
    """Removes pods whose node is gone (kubernetes/pkg/controller/podgc)."""

    watches = ("Node", "Pod")

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._since: dict[Key, float] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """The pods of a node that was deleted; a pod for a node that there is not."""
        if change.kind.name == "Pod":
            name = change.obj["spec"].get("nodeName")
            gone = name and change.type != "DELETED" and self.cluster.get("Node", "", name) is None
            return [key_of(change.obj)] if gone else []
        if change.type != "DELETED":
            return []
        name = change.obj["metadata"]["name"]
        return [key_of(pod) for pod in self.cluster.all_of("Pod") if pod["spec"].get("nodeName") == name]

    def reconcile(self, key: Key) -> float | None:
        """Remove one pod, once its node was away for a while."""
        pod = self.cluster.get("Pod", *key)
        if pod is None or self.cluster.get("Node", "", pod["spec"].get("nodeName", "")) is not None:
            self._since.pop(key, None)
            return None
        left = self._since.setdefault(key, self.cluster.clock.now()) + _QUARANTINE_SECONDS - self.cluster.clock.now()
        if left > 0:
            return left
        self._since.pop(key)
        entry = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.cluster.now(),
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
        }
        status = pod.get("status") or {}
        conditions = [*(status.get("conditions") or ()), entry]
        self.cluster.set_status(pod, {**status, "phase": "Failed", "conditions": conditions})
        self.cluster.delete(pod, grace_seconds=0)
        return None


def lease_of(name: str, holder_uid: str, moment: float) -> Object:
    """The lease by which a kubelet says that it lives."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": LEASES,
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": holder_uid}],
        },
        "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": rfc3339_micro(moment)},
    }


class Heartbeats:
    """Renews the leases of the nodes that are well, for as long as the world lives.

    Args:
        cluster: Whose nodes.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def start(self) -> None:
        """Renew now, and again and again."""
        cluster = self._cluster
        for node in cluster.all_of("Node"):
            meta = node["metadata"]
            if condition(node, "Ready").get("status") == "True":
                wanted = lease_of(meta["name"], meta["uid"], cluster.clock.now())
                options = WriteOptions("kubelet", force=True)
                cluster.registry.apply(cluster.kind("Lease"), LEASES, meta["name"], wanted, options)
        cluster.clock.call_later(_BEAT_SECONDS, self.start)

"""Nodes: what their conditions, versions and marks say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import fact, is_ready
from mcp_tools.diagnosis.model import Finding, Found, Mode, Ref, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

PRESSURES = {"MemoryPressure": "memory", "DiskPressure": "disk", "PIDPressure": "process ids"}
SKEW = 3
"""Minor versions that a kubelet may be behind the API server (the Kubernetes version skew policy)."""
_ADVICE = {
    "node-not-ready": "Look at the machine: is it on and reachable, and does its kubelet run?",
    "node-shutdown": "Wait until it is back, or delete the node where it will not come back.",
    "node-pressure": "Make room on the machine, or drain the node and give its pods another one.",
    "version-skew": "Upgrade the node's kubelet, one minor version after the other.",
}
_MINOR = re.compile(r"v?1\.(\d+)")


@detector(
    "the conditions of nodes",
    Mode("node-not-ready", (101,), "A node is lost or not ready"),
    Mode("node-pressure", (102,), "A node runs out of memory, disk or process ids"),
    Mode("node-shutdown", (105,), "A node shuts down"),
    Mode("version-skew", (107,), "A node's kubelet is older than the API server supports"),
)
def conditions(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each node that is not well."""
    newest = max((_minor(node) for node in snapshot.all("Node")), default=0)
    for node in snapshot.all("Node"):
        ready = node.conditions.get("Ready", {})
        said = str(ready.get("message") or "")
        since = str(ready.get("lastTransitionTime") or "")
        evidence = (fact(node, "status.conditions[Ready]", f"{ready.get('status')}: {said}", since),)
        if ready.get("status") != "True":
            affected = _pods(snapshot, node, only_unready=False)
            mode, cause = "node-not-ready", f"Node {node.name} is not ready: {said[:160]}"
            if ready.get("status") == "Unknown":
                cause = f"Nothing is heard of node {node.name}"
            elif "shutting down" in said:
                mode, cause = "node-shutdown", f"Node {node.name} shuts down"
            field, advice = "status.conditions[Ready]", _ADVICE[mode]
            if "cni" in said.lower() or "network" in said.lower():
                advice = "Repair the node's network plugin: its pods in kube-system and its files in /etc/cni/net.d."
            yield Finding(mode, cause, node.ref, field, affected, evidence, since=since, advice=advice)
            continue
        for kind, what in PRESSURES.items():
            condition = node.conditions.get(kind, {})
            if condition.get("status") == "True":
                at = str(condition.get("lastTransitionTime") or "")
                more = (fact(node, f"status.conditions[{kind}]", condition.get("message"), at),)
                cause = f"Node {node.name} runs out of {what}"
                affected = _pods(snapshot, node, only_unready=True)
                field, advice = f"status.conditions[{kind}]", _ADVICE["node-pressure"]
                yield Finding("node-pressure", cause, node.ref, field, affected, more, since=at, advice=advice)
        if 0 < _minor(node) < newest - SKEW:
            version = (node.status.get("nodeInfo") or {}).get("kubeletVersion")
            cause = f"The kubelet of node {node.name} is {newest - _minor(node)} minor versions behind: {version}"
            field = "status.nodeInfo.kubeletVersion"
            evidence, advice = (fact(node, field, version),), _ADVICE["version-skew"]
            yield Finding("version-skew", cause, node.ref, field, (), evidence, advice=advice)


def _minor(node: Resource) -> int:
    found = _MINOR.match(str((node.status.get("nodeInfo") or {}).get("kubeletVersion")))
    return int(found[1]) if found else 0


def _pods(snapshot: Snapshot, node: Resource, *, only_unready: bool) -> tuple[Ref, ...]:
    found = snapshot.pods_by_node.get(node.name, [])
    return tuple(pod.ref for pod in found if not (only_unready and is_ready(pod)))

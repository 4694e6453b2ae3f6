"""A snapshot as the network sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mcp_tools.diagnosis.network.paths import SYSTEM, Network
from mcp_tools.diagnosis.network.policies import End

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot


def network_of(snapshot: Snapshot) -> Network:
    """What decides who reaches whom in a snapshot, worked out once."""
    if "network" not in snapshot.memo:
        spaces = {item.name: item.labels for item in snapshot.all("Namespace")}
        servers = [pod for pod in snapshot.all("Pod", SYSTEM) if pod.labels.get("k8s-app") == "kube-dns"]
        dns = tuple(
            End(pod.name, SYSTEM, pod.labels, spaces.get(SYSTEM, {}), str(pod.status.get("podIP") or ""))
            for pod in servers
        )
        services = [plain(item) for item in snapshot.all("Service")]
        policies = [plain(item) for item in snapshot.all("NetworkPolicy")]
        snapshot.memo["network"] = Network((), services, policies, spaces, dns)
    return cast("Network", snapshot.memo["network"])


def plain(item: Resource) -> dict[str, Any]:
    """An object as the API gives it, with a pod's spec decoded."""
    return {"metadata": item.meta, "spec": item.spec, "status": item.status}

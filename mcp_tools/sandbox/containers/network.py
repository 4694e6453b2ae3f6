"""Whether a pod reaches something: names, Services, endpoints, listening ports and NetworkPolicies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mcp_tools.addresses import is_address
from mcp_tools.sandbox.controllers.base import is_ready
from mcp_tools.sandbox.controllers.endpoints import target_port
from mcp_tools.sandbox.objects.selectors import label_selector, match_labels

if TYPE_CHECKING:
    from mcp_tools.sandbox.controllers.base import Cluster

Object = dict[str, Any]
Outcome = Literal["", "refused", "timeout", "unknown", "no answer"]
Listens = Callable[[Object, int], bool]
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^@/]*@)?(?P<host>[^:/?#]+)(?::(?P<port>\d+))?")
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "redis": 6379}
_DNS = 53


@dataclass(frozen=True, slots=True)
class Target:
    """A host and a port."""

    host: str
    port: int


def target_of(url: str) -> Target | None:
    """What a URL points to; `None` where it is none."""
    found = _URL.match(url)
    if not found:
        return None
    return Target(found["host"], int(found["port"] or _PORTS.get(found["scheme"].split("+")[0], 80)))


def reach(cluster: Cluster, pod: Object, target: Target, listens: Listens) -> Outcome:
    """What becomes of a connection from a pod.

    Args:
        cluster: The pod's.
        pod: That opens it.
        target: To what.
        listens: Whether a pod listens on a port.

    Returns:
        An empty text where it is established, else how it fails.
    """
    service = _service(cluster, pod, target.host)
    if service is None and _is_cluster_name(target.host):
        return "unknown"
    if not is_address(target.host) and not (_egress(cluster, pod, None, _DNS, "UDP") and _names_served(cluster, pod)):
        return "no answer"
    if service is None:
        if target.host.endswith(".invalid"):
            return "unknown"
        return "" if _egress(cluster, pod, None, target.port, "TCP") else "timeout"
    if service["spec"].get("type") == "ExternalName":
        return ""
    port = next((item for item in service["spec"].get("ports") or () if item["port"] == target.port), None)
    if port is None or port.get("protocol", "TCP") != "TCP":
        return "timeout"
    picks = match_labels(service["spec"].get("selector") or {})
    behind = [
        other
        for other in cluster.all_of("Pod", service["metadata"]["namespace"])
        if service["spec"].get("selector") and picks(other["metadata"].get("labels") or {}) and is_ready(other)
    ]
    if not behind:
        return "refused"
    for other in behind:
        number = target_port(port, other)
        if number is None:
            continue
        if not _egress(cluster, pod, other, number, "TCP") or not _ingress(cluster, pod, other, number):
            return "timeout"
        if not listens(other, number):
            return "refused"
    return ""


def _names_served(cluster: Cluster, pod: Object) -> bool:
    """Whether the cluster's name server answers, where there is one to ask."""
    if pod["spec"].get("dnsPolicy") == "Default" or cluster.get("Service", "kube-system", "kube-dns") is None:
        return True
    endpoints = cluster.get("Endpoints", "kube-system", "kube-dns") or {}
    return any(subset.get("addresses") for subset in endpoints.get("subsets") or ())


def _is_cluster_name(host: str) -> bool:
    return "." not in host or ".svc" in host


def _service(cluster: Cluster, pod: Object, host: str) -> Object | None:
    if pod["spec"].get("dnsPolicy") == "Default":
        return None
    if host.removesuffix(".cluster.local").removesuffix(".svc").count(".") > 1:
        return None
    return cluster.get("Service", *place_of(host, pod["metadata"]["namespace"]))


def place_of(host: str, namespace: str) -> tuple[str, str]:
    """The namespace and the name of the Service that a host name would mean."""
    parts = host.removesuffix(".cluster.local").removesuffix(".svc").split(".")
    return (parts[1] if len(parts) > 1 else namespace), parts[0]


def address_of(cluster: Cluster, pod: Object, host: str) -> str:
    """What a host name resolves to; empty where it does not."""
    service = _service(cluster, pod, host)
    if service is not None:
        return str(service["spec"].get("clusterIP") or service["spec"].get("externalName") or "")
    return "" if _is_cluster_name(host) or host.endswith(".invalid") else "203.0.113.10"


def _policies(cluster: Cluster, pod: Object, kind: str) -> list[Object]:
    labels = pod["metadata"].get("labels") or {}
    return [
        policy["spec"]
        for policy in cluster.all_of("NetworkPolicy", pod["metadata"]["namespace"])
        if kind in (policy["spec"].get("policyTypes") or ())
        and label_selector(policy["spec"].get("podSelector") or {})(labels)
    ]


def _egress(cluster: Cluster, pod: Object, other: Object | None, port: int, protocol: str) -> bool:
    policies = _policies(cluster, pod, "Egress")
    rules = [rule for policy in policies for rule in policy.get("egress") or ()]
    return not policies or any(
        _ports(rule, port, protocol) and _peers(cluster, pod, other, rule.get("to")) for rule in rules
    )


def _ingress(cluster: Cluster, pod: Object, other: Object, port: int) -> bool:
    policies = _policies(cluster, other, "Ingress")
    rules = [rule for policy in policies for rule in policy.get("ingress") or ()]
    return not policies or any(
        _ports(rule, port, "TCP") and _peers(cluster, other, pod, rule.get("from")) for rule in rules
    )


def _ports(rule: Object, port: int, protocol: str) -> bool:
    offered = rule.get("ports") or ()
    return not offered or any(
        item.get("protocol", "TCP") == protocol
        and (not isinstance(item.get("port"), int) or item["port"] <= port <= item.get("endPort", item["port"]))
        for item in offered
    )


def _peers(cluster: Cluster, owner: Object, peer: Object | None, wanted: Iterable[Object] | None) -> bool:
    if not wanted:
        return True
    return any(_is_peer(cluster, owner, peer, item) for item in wanted)


def _is_peer(cluster: Cluster, owner: Object, peer: Object | None, item: Object) -> bool:
    if peer is None:
        # The outside, or the cluster's DNS: an address block or the namespace of the system.
        return bool(item.get("ipBlock")) or "namespaceSelector" in item
    if item.get("ipBlock"):
        return False
    space = cluster.get("Namespace", "", peer["metadata"]["namespace"]) or {"metadata": {}}
    if "namespaceSelector" in item:
        if not label_selector(item["namespaceSelector"])(space["metadata"].get("labels") or {}):
            return False
    elif peer["metadata"]["namespace"] != owner["metadata"]["namespace"]:
        return False
    return "podSelector" not in item or label_selector(item["podSelector"])(peer["metadata"].get("labels") or {})


def urls_of(names: Iterable[str], variables: dict[str, str]) -> Iterator[tuple[str, Target]]:
    """The targets that environment variables name, with the variables' names."""
    for name in names:
        target = target_of(variables.get(name, ""))
        if target:
            yield name, target


_PYTHON = {
    "refused": "ConnectionRefusedError: [Errno 111] Connection refused",
    "timeout": "TimeoutError: [Errno 110] Connection timed out",
    "unknown": "socket.gaierror: [Errno -2] Name or service not known",
    "no answer": "socket.gaierror: [Errno -3] Temporary failure in name resolution",
}
_NODE = {"refused": "ECONNREFUSED", "timeout": "ETIMEDOUT", "unknown": "ENOTFOUND", "no answer": "EAI_AGAIN"}


def python_error(outcome: Outcome) -> str:
    """How Python reports a failed connection."""
    return _PYTHON.get(outcome, "")


def node_error(outcome: Outcome, target: Target) -> str:
    """How Node reports a failed connection."""
    code = _NODE.get(outcome, "")
    if outcome in {"unknown", "no answer"}:
        return f"getaddrinfo {code} {target.host}"
    return f"connect {code} {target.host}:{target.port}"

"""The priority levels and flow schemas that every API server has (apiserver/pkg/apis/flowcontrol/bootstrap)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object

MANAGER = "api-priority-and-fairness-config-producer-v1"
_GROUP = "flowcontrol.apiserver.k8s.io/v1"
_UPDATED = {"apf.kubernetes.io/autoupdate-spec": "true"}
_EVERYBODY = ("system:unauthenticated", "system:authenticated")
# Shares, percent to lend, queues, size of a hand.
_LEVELS = {
    "global-default": (20, 50, 128, 6),
    "leader-election": (10, 0, 16, 4),
    "node-high": (40, 25, 64, 6),
    "system": (30, 33, 64, 6),
    "workload-high": (40, 50, 128, 6),
    "workload-low": (100, 90, 128, 6),
}


def levels() -> Iterator[Object]:
    """PriorityLevelConfigurations."""
    yield _level("exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}})
    rejecting = {"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}}
    yield _level("catch-all", {"type": "Limited", "limited": rejecting})
    for name, (shares, lent, queues, hand) in _LEVELS.items():
        queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": 50}
        response = {"type": "Queue", "queuing": queuing}
        limited = {"nominalConcurrencyShares": shares, "lendablePercent": lent, "limitResponse": response}
        yield _level(name, {"type": "Limited", "limited": limited})


def _level(name: str, spec: Object) -> Object:
    meta = {"name": name, "annotations": _UPDATED}
    return {"apiVersion": _GROUP, "kind": "PriorityLevelConfiguration", "metadata": meta, "spec": spec}


def schemas() -> Iterator[Object]:
    """FlowSchemas."""
    everything = [_rule(["*"], ["*"], ["*"], cluster=True)]
    anywhere = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    account = {"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": "kube-system"}}
    controllers, scheduler = _users("system:kube-controller-manager"), _users("system:kube-scheduler")
    leases = ["coordination.k8s.io"], ["leases"]
    nodes = [_rule(["*"], [""], ["nodes", "nodes/status"], cluster=True), _rule(["*"], *leases)]
    probes = [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]
    leaders = [_rule(["get", "create", "update"], *leases)]
    yield _schema("exempt", "exempt", 1, "", (_groups("system:masters"), everything, anywhere))
    yield _schema("probes", "exempt", 2, "", (_groups(*_EVERYBODY), [], probes))
    who = [*controllers, *scheduler, account]
    yield _schema("system-leader-election", "leader-election", 100, "ByUser", (who, leaders, []))
    yield _schema("system-node-high", "node-high", 400, "ByUser", (_groups("system:nodes"), nodes, []))
    for name, level, precedence, method, subjects in (
        ("system-nodes", "system", 500, "ByUser", _groups("system:nodes")),
        ("kube-controller-manager", "workload-high", 800, "ByNamespace", controllers),
        ("kube-scheduler", "workload-high", 800, "ByNamespace", scheduler),
        ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", [account]),
        ("service-accounts", "workload-low", 9000, "ByUser", _groups("system:serviceaccounts")),
        ("global-default", "global-default", 9900, "ByUser", _groups(*_EVERYBODY)),
        ("catch-all", "catch-all", 10000, "ByUser", _groups(*_EVERYBODY)),
    ):
        yield _schema(name, level, precedence, method, (subjects, everything, anywhere))


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _rule(verbs: list[str], groups: list[str], resources: list[str], *, cluster: bool = False) -> Object:
    scope = {"clusterScope": True} if cluster else {}
    return {"verbs": verbs, "apiGroups": groups, "resources": resources, **scope, "namespaces": ["*"]}


def _schema(name: str, level: str, precedence: int, method: str, parts: tuple[list[Object], ...]) -> Object:
    fields = ("subjects", "resourceRules", "nonResourceRules")
    rule = {field: part for field, part in zip(fields, parts, strict=True) if part}
    return {
        "apiVersion": _GROUP,
        "kind": "FlowSchema",
        "metadata": {"name": name, "annotations": _UPDATED},
        "spec": {
            "priorityLevelConfiguration": {"name": level},
            "matchingPrecedence": precedence,
            **({"distinguisherMethod": {"type": method}} if method else {}),
            "rules": [rule],
        },
    }

"""What a pod wants of a node because of other pods and of volumes: affinity, spreading, where volumes are, preemption.

As in kubernetes/pkg/scheduler/framework/plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers import fitting
from mcp_tools.sandbox.controllers.volumes import claims_of
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.controllers.base import Cluster
    from mcp_tools.sandbox.objects.store import Object

    Running = dict[str, list[Object]]

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_ANTI = "node(s) didn't match pod anti-affinity rules"
_EXISTING_ANTI = "node(s) didn't satisfy existing pods anti-affinity rules"
_AFFINITY = "node(s) didn't match pod affinity rules"
_SPREAD = "node(s) didn't match pod topology spread constraints"
_SPREAD_LABEL = "node(s) didn't match pod topology spread constraints (missing required label)"
_VOLUME = "node(s) didn't match PersistentVolume's node affinity"


def unbound_claim(cluster: Cluster, pod: Object) -> str:
    """Why a pod's volumes keep it from being scheduled anywhere; empty when they do not."""
    namespace = pod["metadata"]["namespace"]
    for name in claims_of(pod):
        claim = cluster.get("PersistentVolumeClaim", namespace, name)
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        if (claim.get("status") or {}).get("phase") == "Lost":
            return (
                f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{claim["spec"]["volumeName"]}"'
            )
        if claim["spec"].get("volumeName"):
            continue
        storage = cluster.get("StorageClass", "", claim["spec"].get("storageClassName") or "")
        if storage is None or storage.get("volumeBindingMode") != "WaitForFirstConsumer":
            return "pod has unbound immediate PersistentVolumeClaims"
    return ""


def misplaced(cluster: Cluster, pod: Object, node: Object, nodes: list[Object], running: Running) -> str:
    """Why this node does not do for the pod, given what runs where; empty when it does."""
    labels = node["metadata"].get("labels") or {}
    return (
        _volumes(cluster, pod, node)
        or _spread(pod, labels, nodes, running)
        or _affinity(pod, labels, nodes, running)
        or _anti_affinity(pod, labels, nodes, running)
    )


def _volumes(cluster: Cluster, pod: Object, node: Object) -> str:
    for name in claims_of(pod):
        claim = cluster.get("PersistentVolumeClaim", pod["metadata"]["namespace"], name) or {"spec": {}}
        volume = cluster.get("PersistentVolume", "", claim["spec"].get("volumeName") or "")
        wanted = ((volume or {"spec": {}})["spec"].get("nodeAffinity") or {}).get("required")
        if wanted and not fitting.any_term(wanted, node):
            return _VOLUME
    return ""


def _terms(pod: Object, kind: str) -> list[Object]:
    return (((pod["spec"].get("affinity") or {}).get(kind) or {}).get(_REQUIRED)) or []


def _picks(term: Object, owner: Object, other: Object) -> bool:
    spaces = term.get("namespaces") or ()
    if not spaces and "namespaceSelector" not in term:
        spaces = (owner["metadata"]["namespace"],)
    if spaces and other["metadata"]["namespace"] not in spaces:
        return False
    return label_selector(term.get("labelSelector"))(other["metadata"].get("labels") or {})


def _in_domain(key: str, value: str | None, nodes: list[Object], running: Running) -> Iterable[Object]:
    for node in nodes:
        if value is not None and (node["metadata"].get("labels") or {}).get(key) == value:
            yield from running[node["metadata"]["name"]]


def _affinity(pod: Object, labels: dict[str, str], nodes: list[Object], running: Running) -> str:
    for term in _terms(pod, "podAffinity"):
        key = term["topologyKey"]
        near = _in_domain(key, labels.get(key), nodes, running)
        if any(_picks(term, pod, other) for other in near):
            continue
        # The first of a group that wants to be together may go anywhere.
        anywhere = any(_picks(term, pod, other) for pods in running.values() for other in pods)
        if anywhere or key not in labels or not _picks(term, pod, pod):
            return _AFFINITY
    return ""


def _anti_affinity(pod: Object, labels: dict[str, str], nodes: list[Object], running: Running) -> str:
    for term in _terms(pod, "podAntiAffinity"):
        key = term["topologyKey"]
        if any(_picks(term, pod, other) for other in _in_domain(key, labels.get(key), nodes, running)):
            return _ANTI
    for node in nodes:
        for other in running[node["metadata"]["name"]]:
            for term in _terms(other, "podAntiAffinity"):
                key = term["topologyKey"]
                theirs = (node["metadata"].get("labels") or {}).get(key)
                if theirs is not None and theirs == labels.get(key) and _picks(term, other, pod):
                    return _EXISTING_ANTI
    return ""


def _spread(pod: Object, labels: dict[str, str], nodes: list[Object], running: Running) -> str:
    for rule in pod["spec"].get("topologySpreadConstraints") or ():
        if rule.get("whenUnsatisfiable", "DoNotSchedule") != "DoNotSchedule":
            continue
        key = rule["topologyKey"]
        if key not in labels:
            return _SPREAD_LABEL
        picks = label_selector(rule.get("labelSelector"))
        counts: dict[str, int] = {}
        for node in nodes:
            value = (node["metadata"].get("labels") or {}).get(key)
            if value is None or fitting.misfit(pod["spec"], node):
                continue
            same = [
                other
                for other in running[node["metadata"]["name"]]
                if other["metadata"]["namespace"] == pod["metadata"]["namespace"]
                and not other["metadata"].get("deletionTimestamp")
                and picks(other["metadata"].get("labels") or {})
            ]
            counts[value] = counts.get(value, 0) + len(same)
        own = int(picks(pod["metadata"].get("labels") or {}))
        if counts and counts.get(labels[key], 0) + own - min(counts.values()) > rule.get("maxSkew", 1):
            return _SPREAD
    return ""


def priority(pod: Object) -> int:
    """How important a pod is."""
    return int(pod["spec"].get("priority", 0))


def victims(pod: Object, node: Object, pods: list[Object]) -> list[Object]:
    """The less important pods that would have to leave a node for this one to fit; empty when that does not help."""
    lesser = [other for other in pods if priority(other) < priority(pod)]
    lesser = [other for other in lesser if not other["metadata"].get("deletionTimestamp")]
    kept = [other for other in pods if other not in lesser]
    if not lesser or fitting.shortages(pod["spec"], node, fitting.Load.of(kept)):
        return []
    chosen = sorted(lesser, key=lambda other: (priority(other), other["metadata"]["name"]))
    for other in reversed(chosen[:]):
        spared = [each for each in chosen if each is not other]
        load = fitting.Load.of([*kept, *(each for each in lesser if each not in spared)])
        if not fitting.shortages(pod["spec"], node, load):
            chosen = spared
    return chosen

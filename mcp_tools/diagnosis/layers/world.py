"""The cluster that manifests would make, as a snapshot that the detectors of running clusters can look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.snapshot import Resource, Snapshot

if TYPE_CHECKING:
    from mcp_tools.diagnosis.layers.sources import Sources

Object = dict[str, Any]
MAKERS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
ELSEWHERE = "not in the files"
NOT_IN_FILES = ("IngressClass", "Namespace", "Node", "Secret", "StorageClass", "PersistentVolume")
"""What a cluster has whether files say so or not: that they do not say it shows nothing."""


def world_of(sources: Sources) -> Snapshot:
    """The objects of the manifests, and a ready pod of each workload."""
    items = []
    for number, (_, body) in enumerate(sources.manifests):
        item = Resource(str(body["kind"]), {**body, "metadata": {**body["metadata"], "uid": f"uid-{number}"}})
        items.append(item)
        if item.ref.kind in MAKERS:
            items.append(_pod(item))
    return Snapshot(items, unseen=dict.fromkeys(NOT_IN_FILES, ELSEWHERE))


def _pod(maker: Resource) -> Resource:
    labels = ((maker.spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    owner = {"kind": maker.ref.kind, "name": maker.name, "uid": maker.uid, "controller": True}
    meta = {"name": maker.name, "namespace": maker.namespace, "labels": labels, "ownerReferences": [owner]}
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return Resource("Pod", {"metadata": meta, "spec": maker.template, "status": ready})

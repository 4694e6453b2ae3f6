"""Making an object again from what it was: without what the server sets, and without what is another's by then."""

from __future__ import annotations

from typing import Any

from mcp_tools.changes.diff import COUNTERS, SERVER_SET

_ALLOCATED = {"Service": ("clusterIP", "clusterIPs"), "PersistentVolumeClaim": ("volumeName",)}
"""Fields of the spec that the server or a controller chose: by now they may be taken."""
_GENERATED_LABELS = frozenset({"controller-uid", "batch.kubernetes.io/controller-uid"})
HEADLESS = "None"


def recreatable(obj: dict[str, Any]) -> dict[str, Any]:
    """A manifest that makes the object as it was, as far as it can be made again."""
    metadata = {
        key: value
        for key, value in obj["metadata"].items()
        if key not in SERVER_SET and key != "deletionGracePeriodSeconds"
    }
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in COUNTERS}
    if annotations or "annotations" in metadata:
        metadata["annotations"] = annotations
    body = {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}
    spec = body.get("spec")
    if isinstance(spec, dict):
        body["spec"] = _spec(str(obj.get("kind")), spec)
    return body


def _spec(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    drop = () if spec.get("clusterIP") == HEADLESS else _ALLOCATED.get(kind, ())
    kept = {key: value for key, value in spec.items() if key not in drop}
    if kind == "Job" and not kept.get("manualSelector"):
        kept.pop("selector", None)
        template = kept.get("template") or {}
        labels = (template.get("metadata") or {}).get("labels") or {}
        clean = {key: value for key, value in labels.items() if key not in _GENERATED_LABELS}
        kept["template"] = {**template, "metadata": {**(template.get("metadata") or {}), "labels": clean}}
    return kept

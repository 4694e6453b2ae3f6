"""What a person should know before saying yes: who will set a field back, and what stops working."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.changes.diff import render_path
from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from mcp_tools.changes.model import FieldChange, FieldPath
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

GITOPS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
HELM_RELEASE = "meta.helm.sh/release-name"
REPLICAS: FieldPath = ("spec", "replicas")


def warnings_for(connection: Connection, found: Found, changes: tuple[FieldChange, ...]) -> tuple[str, ...]:
    """Sentences to show above the approval question, the most important first; errors as `Connection.get`."""
    warnings = []
    replicas = next((change for change in changes if change.path == REPLICAS), None)
    if replicas is not None:
        if replicas.new == 0:
            warnings.append(f"With 0 replicas nothing serves {found.name} any more.")
        warnings += _autoscaler(connection, found)
    if (found.object.get("spec") or {}).get("paused") and any(c.path[:2] == ("spec", "template") for c in changes):
        warnings.append("The rollout is paused: this waits until it is resumed.")
    warnings += _managers(found.object)
    return tuple(warnings)


def who_set(live: dict[str, Any], path: FieldPath) -> str:
    """Who last wrote a field, by `managedFields`: `kubectl-edit at 2026-01-02T03:04:05Z`, or `somebody`."""
    latest: tuple[str, str] | None = None
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if _owns(entry.get("fieldsV1") or {}, path):
            candidate = (str(entry.get("time", "")), str(entry.get("manager", "somebody")))
            latest = max(latest, candidate) if latest else candidate
    return f"{latest[1]} at {latest[0]}" if latest else "somebody"


def _owns(fields: Any, path: FieldPath) -> bool:
    # The key forms of FieldsV1: f:<field>, k:{<merge keys>}, v:<value>, i:<index>.
    for step in path:
        if isinstance(step, tuple):
            wanted = [
                key
                for key in fields
                if key.startswith("k:") and str(msgspec.json.decode(key[2:]).get(step[0])) == step[1]
            ]
            if not wanted:
                return False
            fields = fields[wanted[0]]
        elif f"f:{step}" in fields:
            fields = fields[f"f:{step}"]
        else:
            return not fields
    return True


def _autoscaler(connection: Connection, found: Found) -> list[str]:
    try:
        listed = connection.get_object(built_in("hpa").path(found.namespace))
    except (Forbidden, NotFound):
        # Without the right (or the API) to see autoscalers there is nothing to say about them.
        return []
    warnings = []
    for autoscaler in listed.get("items") or []:
        spec = autoscaler.get("spec") or {}
        target = spec.get("scaleTargetRef") or {}
        if target.get("name") == found.name and target.get("kind") == found.kind.name:
            low, high = spec.get("minReplicas", 1), spec.get("maxReplicas")
            name = autoscaler["metadata"]["name"]
            warnings.append(f"The HorizontalPodAutoscaler {name} ({low} to {high} replicas) will set this back.")
    return warnings


def _managers(live: dict[str, Any]) -> list[str]:
    metadata = live.get("metadata") or {}
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    warnings = []
    if HELM_RELEASE in marks:
        warnings.append(f"It belongs to the Helm release {marks[HELM_RELEASE]}: the next upgrade may set this back.")
    tool = next((name for mark, name in GITOPS.items() if mark in marks), None)
    if tool:
        warnings.append(f"{tool} manages it: the next sync sets this back. Change it in Git to keep it.")
    owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("controller")), None)
    if owner:
        warnings.append(f"It is controlled by {owner['kind'].lower()}/{owner['name']}, which may set this back.")
    return warnings


def moved_on(live: dict[str, Any], path: FieldPath) -> str:
    """A clause that names the field somebody else changed, and who."""
    return f"{render_path(path)} was changed by {who_set(live, path)}"

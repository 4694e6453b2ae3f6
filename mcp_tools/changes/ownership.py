"""Who else manages an object: Helm, Argo CD, Flux, an autoscaler, an operator; and what to change instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.changes.diff import render_path
from mcp_tools.cluster.kinds import built_in
from mcp_tools.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_tools.changes.model import FieldChange, FieldPath
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

REPLICAS = ("spec", "replicas")
TEMPLATE = ("spec", "template")
HELM_RELEASE, HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
MANAGED_BY = "app.kubernetes.io/managed-by"
ARGO_TRACKING, ARGO_INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
FLUX_KUSTOMIZATION, FLUX_RELEASE = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
MANAGERS = {
    "helm": "Helm",
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
"""Field managers by which the usual tools write (`managedFields[].manager`)."""
_CONTROLLER = re.compile(r"controller|operator|reconciler", re.IGNORECASE)
_KUBERNETES = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager"})
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects"
VERTICAL = "/apis/autoscaling.k8s.io/v1/namespaces/{}/verticalpodautoscalers"
SCALED_OBJECT = "ScaledObject"


def set_back(connection: Connection, found: Found, changes: tuple[FieldChange, ...]) -> list[str]:
    """Who will set back what is changed, and what to change instead; errors as `Connection.get`."""
    said: list[str] = []
    if any(change.path == REPLICAS for change in changes):
        said += _scalers(connection, found)
    if any(change.path[:2] == TEMPLATE and "resources" in change.path for change in changes):
        said += _vertical(connection, found)
    tools = list(_tools(found.object))
    return [*said, *(sentence for _, sentence in tools), *_others(found.object, changes, {name for name, _ in tools})]


def made_again(found: Found) -> list[str]:
    """Who will make an object again that is deleted."""
    return [
        f"{name} manages it, and makes it again or reports it missing; take it out there."
        for name in dict.fromkeys(name for name, _ in _tools(found.object))
        if name != _OWNER
    ]


_OWNER = "owner"


def _tools(live: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The tools and controllers whose marks an object bears, with a sentence each; the most telling mark counts."""
    metadata = live.get("metadata") or {}
    labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
    marks = {**labels, **notes}
    managers = {MANAGERS.get(entry.get("manager", "")) for entry in metadata.get("managedFields") or []}
    flux = _flux(labels)
    if flux or "Flux" in managers:
        yield "Flux", flux or "Flux manages it: the next reconciliation sets this back. Change it in Git to keep it."
    # The helm-controller of Flux leaves Helm's marks too: its HelmRelease is what has to change.
    elif HELM_RELEASE in marks or marks.get(MANAGED_BY) == "Helm" or "Helm" in managers:
        name = marks.get(HELM_RELEASE)
        where = f" in namespace {marks[HELM_NAMESPACE]}" if HELM_NAMESPACE in marks else ""
        release = f"the Helm release {name}{where}" if name else "a Helm release"
        yield (
            "Helm",
            f"It belongs to {release}: the next upgrade may set this back. Change the release's values to keep it.",
        )
    if ARGO_TRACKING in marks or ARGO_INSTANCE in marks or "Argo CD" in managers:
        # The id is <application>:<group>/<kind>:<namespace>/<name>.
        application = str(marks.get(ARGO_TRACKING, "")).partition(":")[0] or marks.get(ARGO_INSTANCE)
        which = f" (application {application})" if application else ""
        yield "Argo CD", f"Argo CD manages it{which}: the next sync sets this back. Change it in Git to keep it."
    owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("controller")), None)
    if owner:
        name = f"{owner['kind'].lower()}/{owner['name']}"
        yield _OWNER, f"It is controlled by {name}, which may set this back. Change that one instead."


def _flux(labels: dict[str, Any]) -> str | None:
    for group, kind in ((FLUX_RELEASE, "HelmRelease"), (FLUX_KUSTOMIZATION, "Kustomization")):
        name = labels.get(f"{group}/name")
        if name:
            where = labels.get(f"{group}/namespace")
            place = f"{where}/{name}" if where else name
            source = "values" if kind == "HelmRelease" else "source in Git"
            return (
                f"Flux manages it ({kind} {place}): the next reconciliation sets this back. Change its {source} to "
                "keep it."
            )
    return None


def _others(live: dict[str, Any], changes: Iterable[FieldChange], known: set[str]) -> Iterator[str]:
    """Controllers that nobody knows by name, and that own a field which is changed."""
    said: dict[str, str] = {}
    for change in changes:
        for manager in _owners(live, change.path):
            named = MANAGERS.get(manager)
            if _CONTROLLER.search(manager) and manager not in _KUBERNETES and named not in known:
                said.setdefault(manager, render_path(change.path))
    for manager, field in said.items():
        yield f"{manager} set {field}, and may set it back. Change what it reads instead."


def _scalers(connection: Connection, found: Found) -> list[str]:
    said = []
    scaled = _aimed(connection, SCALED_OBJECTS.format(found.namespace), found, "scaleTargetRef")
    for item in scaled:
        spec = item.get("spec") or {}
        low, high = spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
        said.append(
            f"The KEDA ScaledObject {item['metadata']['name']} ({low} to {high} replicas) will set this back. Change "
            "its minReplicaCount and maxReplicaCount instead."
        )
    for item in _aimed(connection, built_in("hpa").path(found.namespace), found, "scaleTargetRef"):
        metadata, spec = item["metadata"], item.get("spec") or {}
        if scaled and any(owner.get("kind") == SCALED_OBJECT for owner in metadata.get("ownerReferences") or []):
            # KEDA's own: it is set from the ScaledObject.
            continue
        low, high = spec.get("minReplicas", 1), spec.get("maxReplicas")
        said.append(
            f"The HorizontalPodAutoscaler {metadata['name']} ({low} to {high} replicas) will set this back. Change its "
            "minimum and maximum instead."
        )
    return said


def _vertical(connection: Connection, found: Found) -> list[str]:
    return [
        f"The VerticalPodAutoscaler {item['metadata']['name']} sets the requests of its pods by itself. Change its "
        "resourcePolicy instead."
        for item in _aimed(connection, VERTICAL.format(found.namespace), found, "targetRef")
        if ((item.get("spec") or {}).get("updatePolicy") or {}).get("updateMode", "Auto") != "Off"
    ]


def _aimed(connection: Connection, path: str, found: Found, reference: str) -> list[dict[str, Any]]:
    """The objects of a list whose reference names the object."""
    try:
        listed = connection.get_object(path).get("items") or []
    except (Forbidden, NotFound):
        # Without the right (or the API) to see them there is nothing to say about them.
        return []
    aims = ((item, (item.get("spec") or {}).get(reference) or {}) for item in listed)
    return [
        item for item, aim in aims if aim.get("name") == found.name and aim.get("kind", "Deployment") == found.kind.name
    ]


def _owners(live: dict[str, Any], path: FieldPath) -> list[str]:
    """The managers that own a field, by `managedFields`."""
    entries = (live.get("metadata") or {}).get("managedFields") or []
    return [str(entry.get("manager", "")) for entry in entries if owns(entry.get("fieldsV1") or {}, path)]


def owns(fields: Any, path: FieldPath) -> bool:
    """Whether a set of fields (FieldsV1 of `managedFields`) has the one at a path."""
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

"""What the API server accepts and warns of (kubernetes/pkg/api/*/warnings.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind

_TEMPLATES = {
    "Pod": ("spec",),
    "Deployment.apps": ("spec", "template", "spec"),
    "ReplicaSet.apps": ("spec", "template", "spec"),
    "StatefulSet.apps": ("spec", "template", "spec"),
    "DaemonSet.apps": ("spec", "template", "spec"),
    "Job.batch": ("spec", "template", "spec"),
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_NO_DOTS = "which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
_USES_OF_NAMES = {
    "Pod": "this is used in the Pod's hostname",
    "Deployment.apps": "this is used in Pod names and hostnames",
    "Job.batch": "this is used in Pod names and hostnames",
    "CronJob.batch": "this is used in Pod names and hostnames",
    "ReplicaSet.apps": "this is used in Pod names and hostnames",
}


def warnings_of(kind: Kind, obj: dict[str, Any], sent: dict[str, Any], *, created: bool) -> list[str]:
    """The warnings for a valid object.

    Args:
        kind: Of the object.
        obj: With its defaults.
        sent: As the client sent it.
        created: It is new.
    """
    found: list[str] = []
    name = obj["metadata"].get("name", "")
    if created and "." in name and kind.qualified in _USES_OF_NAMES:
        found.append(f"metadata.name: {_USES_OF_NAMES[kind.qualified]}, {_NO_DOTS}")
    spec = obj.get("spec") or {}
    if kind.qualified == "StatefulSet.apps" and spec.get("revisionHistoryLimit", 0) < 0:
        words = "a negative value retains all historical revisions; a value >= 0 is recommended"
        found.append(f"spec.revisionHistoryLimit: {words}")
    if kind.qualified == "Service" and spec.get("externalName") and spec.get("type") != "ExternalName":
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if path := _TEMPLATES.get(kind.qualified):
        found += _pod(".".join(path), _at(obj, path), _at(sent, path))
    return found


def _at(obj: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    here: Any = obj
    for part in path:
        here = here.get(part) or {} if isinstance(here, dict) else {}
    return here if isinstance(here, dict) else {}


def _pod(where: str, spec: dict[str, Any], sent: dict[str, Any]) -> list[str]:
    found = [
        f"{where}.topologySpreadConstraints[{index}].labelSelector: a null labelSelector results in matching no pod"
        for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ())
        if constraint.get("labelSelector") is None
    ]
    grace = sent.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0 and where != "spec":  # a pod's own is mended before
        words = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{where}.terminationGracePeriodSeconds: {words}")
    return found

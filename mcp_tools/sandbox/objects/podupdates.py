"""What an update may change in a pod: through the pod itself, its debug containers, its sizes."""

from __future__ import annotations

from typing import Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects.errors import Cause, forbidden_field, invalid_value, required
from mcp_tools.sandbox.objects.placementvalidation import check_toleration

Spec = dict[str, Any]
EPHEMERAL = "ephemeralContainers"
SUBRESOURCES = frozenset({"ephemeralcontainers", "resize"})
_FREE = frozenset({"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"})
_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_TOLERATED = "existing toleration can not be modified except its tolerationSeconds"
_RESIZABLE = {"cpu", "memory"}


def narrowed(subresource: str, spec: Spec, old: Spec) -> Spec:
    """The old spec with what an update through a subresource may change; the rest of what was sent is dropped."""
    if subresource == "ephemeralcontainers":
        rest = {key: value for key, value in old.items() if key != EPHEMERAL}
        return {**rest, EPHEMERAL: spec[EPHEMERAL]} if spec.get(EPHEMERAL) else rest
    sent = {container.get("name"): container for container in spec.get("containers") or ()}
    if len(sent) != len(old["containers"]):
        return {**old, "containers": spec.get("containers") or []}
    sized = [
        {**container, "resources": (sent.get(container["name"]) or container).get("resources") or {}}
        for container in old["containers"]
    ]
    return {**old, "containers": sized}


def check_update(subresource: str, spec: Spec, old: Spec) -> list[Cause]:
    """Everything wrong with a pod's update."""
    if subresource == "ephemeralcontainers":
        return _ephemeral(spec, old)
    if subresource == "resize":
        return _resize(spec, old)
    for field in ("containers", "initContainers"):
        if len(spec.get(field) or ()) != len(old.get(field) or ()):
            return [forbidden_field(f"spec.{field}", "pod updates may not add or remove containers")]
    tolerations = [_timeless(item) for item in _tolerated(spec)]
    kept = all(_timeless(item) in tolerations for item in _tolerated(old))
    causes = [] if kept else [forbidden_field("spec.tolerations", _TOLERATED)]
    if _fixed(spec) != _fixed(old):
        causes.append(forbidden_field("spec", _FROZEN))
        # What may change is looked at once more here; where nothing else changes, `validation` says all of it twice.
        containers = enumerate(spec.get("containers") or ())
        causes += [required(f"spec.containers[{index}].image") for index, item in containers if not item.get("image")]
        if kept:
            for index, item in enumerate(_tolerated(spec)):
                causes += check_toleration(f"spec.tolerations[{index}]", item)
    return causes


def _tolerated(spec: Spec) -> list[Spec]:
    return spec.get("tolerations") or []


def _timeless(toleration: Spec) -> Spec:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


def _ephemeral(spec: Spec, old: Spec) -> list[Cause]:
    new = {container.get("name"): container for container in spec.get(EPHEMERAL) or ()}
    causes = []
    for container in old.get(EPHEMERAL) or ():
        name = container["name"]
        if new.get(name) != container:
            word = "changed" if name in new else "removed"
            causes.append(
                forbidden_field(f"spec.{EPHEMERAL}", f'existing ephemeral containers "{name}" may not be {word}')
            )
    return causes


def _resize(spec: Spec, old: Spec) -> list[Cause]:
    """As ValidatePodResize of kubernetes/pkg/apis/core/validation."""
    causes: list[Cause] = []
    if len(spec["containers"]) != len(old["containers"]):
        causes.append(forbidden_field("spec.containers", "containers may not be added or removed on resize"))
    if quality_of(spec) != quality_of(old):
        words = "Pod QOS Class may not change as a result of resizing"
        causes.append(invalid_value("spec", quality_of(old), words))
    if len(spec["containers"]) != len(old["containers"]):
        return causes
    for index, (new, before) in enumerate(zip(spec["containers"], old["containers"], strict=True)):
        for group in ("limits", "requests"):
            amounts = (new.get("resources") or {}).get(group) or {}
            known = (before.get("resources") or {}).get(group) or {}
            lost = [name for name in known if name not in amounts]
            changed = [name for name in {**amounts, **known} if amounts.get(name) != known.get(name)]
            if _RESIZABLE & set(lost):
                where = f"spec.containers[{index}].resources.{group}"
                causes.append(forbidden_field(where, f"resource {group} cannot be removed"))
            elif set(changed) - _RESIZABLE:
                causes.append(forbidden_field("spec", "only cpu and memory resources are mutable"))
    return causes


def _fixed(spec: Spec) -> Spec:
    fixed = {key: value for key, value in spec.items() if key not in _FREE}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [
                {key: value for key, value in container.items() if key != "image"} for container in fixed[field]
            ]
    return fixed


def quality_of(spec: Spec) -> str:
    """A pod's class of service: `Guaranteed`, `Burstable` or `BestEffort`."""
    containers = (*spec.get("containers", ()), *spec.get("initContainers", ()))
    resources = [
        {group: _counted((container.get("resources") or {}).get(group) or {}) for group in ("requests", "limits")}
        for container in containers
    ]
    if not any(item["requests"] or item["limits"] for item in resources):
        return "BestEffort"
    guaranteed = all(
        set(item["limits"]) == _RESIZABLE
        and all(item["requests"].get(name) == item["limits"][name] for name in _RESIZABLE)
        for item in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _counted(amounts: dict[str, str]) -> dict[str, str]:
    """What counts for the class: CPU and memory, where there is some of it."""
    return {name: amounts[name] for name in _RESIZABLE if name in amounts and quantity.parse(amounts[name]) > 0}

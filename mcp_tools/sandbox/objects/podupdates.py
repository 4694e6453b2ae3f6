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
_CONTAINERS = ("containers", "initContainers")


def narrowed(subresource: str, spec: Spec, old: Spec) -> Spec:
    """The old spec with what an update through a subresource may change; the rest of what was sent is dropped."""
    if subresource == "ephemeralcontainers":
        rest = {key: value for key, value in old.items() if key != EPHEMERAL}
        return {**rest, EPHEMERAL: spec[EPHEMERAL]} if spec.get(EPHEMERAL) else rest
    if any(len(spec.get(field) or ()) != len(old.get(field) or ()) for field in _CONTAINERS):
        return spec  # which is refused
    sized = {field: _sized(spec[field], old[field]) for field in _CONTAINERS if old.get(field)}
    return {**old, **sized}


def _sized(new: list[Spec], old: list[Spec]) -> list[Spec]:
    if any(after.get("name") != before.get("name") for after, before in zip(new, old, strict=True)):
        return new  # which is refused
    return [
        {**before, "resources": after.get("resources") or {}, **_given(after, "resizePolicy")}
        for after, before in zip(new, old, strict=True)
    ]


def _given(container: Spec, field: str) -> Spec:
    return {field: container[field]} if field in container else {}


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
    if quality_of(spec) != quality_of(old):
        words = "Pod QOS Class may not change as a result of resizing"
        causes.append(invalid_value("spec", quality_of(old), words))
    if moved := [cause for field in _CONTAINERS for cause in _moved(field, spec, old)]:
        return causes + moved
    pairs = {field: list(zip(spec.get(field) or (), old.get(field) or (), strict=True)) for field in _CONTAINERS}
    for field in reversed(_CONTAINERS):
        for index, (new, before) in enumerate(pairs[field]):
            if field == "containers" or _is_sidecar(before):
                causes += _lost(f"spec.{field}[{index}].resources", new, before)
    for field in _CONTAINERS:
        for new, before in pairs[field]:
            words = "only cpu and memory resources are mutable"
            if field != "containers":
                words = "only cpu and memory resources for sidecar containers are mutable"
                if not _is_sidecar(new):
                    words = "resources for non-sidecar init containers are immutable"
            steady = _steady(new, before) if field == "containers" or _is_sidecar(new) else new
            if _plain(steady) != _plain(before):
                causes.append(forbidden_field("spec", words))
    return causes


def _is_sidecar(container: Spec) -> bool:
    return container.get("restartPolicy") == "Always"


def _moved(field: str, spec: Spec, old: Spec) -> list[Cause]:
    new, before = spec.get(field) or [], old.get(field) or []
    if len(new) != len(before):
        return [forbidden_field(f"spec.{field}", f"{field} may not be added or removed on resize")]
    words = f"{field} may not be renamed or reordered on resize"
    return [
        forbidden_field(f"spec.{field}[{index}].name", words)
        for index, container in enumerate(before)
        if new[index].get("name") != container.get("name")
    ]


def _lost(where: str, new: Spec, old: Spec) -> list[Cause]:
    return [
        forbidden_field(f"{where}.{group}", f"resource {group} cannot be removed")
        for group in ("requests", "limits")
        if set(_amounts(old, group)) - set(_amounts(new, group))
    ]


def _amounts(container: Spec, group: str) -> dict[str, str]:
    return (container.get("resources") or {}).get(group) or {}


def _steady(new: Spec, old: Spec) -> Spec:
    """A container with the CPU and memory of before. Where it had no amounts at all, any may come."""
    resources = {}
    for group in ("limits", "requests"):
        before = _amounts(old, group)
        if before:
            kept = {name: amount for name, amount in _amounts(new, group).items() if name not in _RESIZABLE}
            resources[group] = kept | {name: before[name] for name in _RESIZABLE if name in before}
    return {**new, "resources": resources}


def _plain(container: Spec) -> Spec:
    """Without what is empty, which is the same as absent."""
    resources = {key: value for key, value in (container.get("resources") or {}).items() if value}
    return {**container, "resources": resources}


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

"""LimitRange: defaults and bounds of what containers, pods and claims ask for (plugin/pkg/admission/limitranger)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects.errors import forbidden
from mcp_tools.sandbox.policy import amounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]
Amounts = dict[str, str]
_NOTE = "kubernetes.io/limit-ranger"


def fill(registry: Registry, pod: Object) -> None:
    """Give a new pod's containers the namespace's default requests and limits, in place."""
    notes: list[str] = []
    spec = pod["spec"]
    for group, word in (("containers", "container"), ("initContainers", "init container")):
        for container in spec.get(group) or ():
            notes += _fill_container(registry, pod, container, word)
    if notes:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[_NOTE] = "LimitRanger plugin set: " + "; ".join(notes)


def _fill_container(registry: Registry, pod: Object, container: Object, word: str) -> Iterator[str]:
    for item in _items(registry, pod["metadata"].get("namespace", ""), "Container"):
        for field, source, name in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
            resources = container.setdefault("resources", {})
            known = resources.get(field) or {}
            added = {key: value for key, value in (item.get(source) or {}).items() if key not in known}
            if added:
                resources[field] = {**known, **added}
                yield f"{', '.join(sorted(added))} {name} for {word} {container['name']}"


def check(registry: Registry, kind: Kind, obj: Object) -> None:
    """Refuse what is outside the namespace's limits.

    Raises:
        Refused: 403, with everything that is wrong.
    """
    namespace = obj["metadata"].get("namespace", "")
    wrong: list[str] = []
    if kind.qualified == "Pod":
        spec = obj["spec"]
        for item in _items(registry, namespace, "Container"):
            for container in (*spec["containers"], *(spec.get("initContainers") or ())):
                resources = container.get("resources") or {}
                wrong += _bounds("Container", item, resources.get("requests") or {}, resources.get("limits") or {})
        for item in _items(registry, namespace, "Pod"):
            wrong += _bounds("Pod", item, _total(spec, "requests"), _total(spec, "limits"))
    elif kind.qualified == "PersistentVolumeClaim":
        asked = (obj["spec"].get("resources") or {}).get("requests") or {}
        for item in _items(registry, namespace, "PersistentVolumeClaim"):
            wrong += _claim(item, asked)
    if wrong:
        unique = list(dict.fromkeys(wrong))
        text = unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
        raise forbidden(kind, obj["metadata"].get("name", ""), text)


def _items(registry: Registry, namespace: str, kind: str) -> Iterator[Object]:
    for found in registry.store.all_of(registry.kinds.named("LimitRange"), namespace):
        yield from (item for item in found["spec"].get("limits") or () if item.get("type") == kind)


def _total(spec: Object, field: str) -> Amounts:
    found: dict[str, Any] = {}
    for container in spec["containers"]:
        for name, value in ((container.get("resources") or {}).get(field) or {}).items():
            found[name] = found.get(name, 0) + quantity.parse(value)
    for container in spec.get("initContainers") or ():
        for name, value in ((container.get("resources") or {}).get(field) or {}).items():
            found[name] = max(found.get(name, 0), quantity.parse(value))
    return {name: amounts.render(amount, name) for name, amount in found.items()}


def _bounds(kind: str, item: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, bound in sorted((item.get("min") or {}).items()):
        yield from _minimum(kind, name, bound, requests.get(name), limits.get(name))
    for name, bound in sorted((item.get("max") or {}).items()):
        yield from _maximum(kind, name, bound, requests.get(name), limits.get(name))
    for name, bound in sorted((item.get("maxLimitRequestRatio") or {}).items()):
        yield from _ratio(kind, name, bound, requests.get(name), limits.get(name))


def _minimum(kind: str, name: str, bound: str, request: str | None, limit: str | None) -> Iterator[str]:
    start = f"minimum {name} usage per {kind} is {bound}"
    if request is None:
        yield f"{start}.  No request is specified"
    elif quantity.parse(request) < quantity.parse(bound):
        yield f"{start}, but request is {request}"
    elif limit is not None and quantity.parse(limit) < quantity.parse(bound):
        yield f"{start}, but limit is {limit}"


def _maximum(kind: str, name: str, bound: str, request: str | None, limit: str | None) -> Iterator[str]:
    start = f"maximum {name} usage per {kind} is {bound}"
    if limit is None:
        yield f"{start}.  No limit is specified"
    elif quantity.parse(limit) > quantity.parse(bound):
        yield f"{start}, but limit is {limit}"
    elif request is not None and quantity.parse(request) > quantity.parse(bound):
        yield f"{start}, but request is {request}"


def _ratio(kind: str, name: str, bound: str, request: str | None, limit: str | None) -> Iterator[str]:
    start = f"{name} max limit to request ratio per {kind} is {bound}"
    if request is None or not quantity.parse(request):
        yield f"{start}, but no request is specified or request is 0"
    elif limit is None or not quantity.parse(limit):
        yield f"{start}, but no limit is specified or limit is 0"
    elif (found := quantity.parse(limit) / quantity.parse(request)) > quantity.parse(bound):
        yield f"{start}, but provided ratio is {found:.6f}"


def _claim(item: Object, asked: Amounts) -> Iterator[str]:
    for field, word in (("min", "minimum"), ("max", "maximum")):
        for name, bound in sorted((item.get(field) or {}).items()):
            start = f"{word} {name} usage per PersistentVolumeClaim is {bound}"
            if name not in asked:
                yield f"{start}.  No request is specified"
                continue
            difference = quantity.parse(asked[name]) - quantity.parse(bound)
            if (difference < 0) if field == "min" else (difference > 0):
                yield f"{start}, but request is {asked[name]}"

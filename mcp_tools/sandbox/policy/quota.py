"""ResourceQuota: what a namespace uses, and what a new object would add (kubernetes/pkg/quota/v1/evaluator)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects.errors import forbidden
from mcp_tools.sandbox.policy import amounts

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]
Usage = dict[str, Decimal]

_PLAIN_COUNTS = {
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "ReplicationController": "replicationcontrollers",
    "ResourceQuota": "resourcequotas",
}
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_CLASS = ".storageclass.storage.k8s.io/"
_ENDED = ("Succeeded", "Failed")


def usage_of(kind: Kind, obj: Object) -> Usage:
    """What one object uses, under every name by which a quota may limit it."""
    found: Usage = {f"count/{kind.resource}": Decimal(1)}
    if kind.qualified in _PLAIN_COUNTS:
        found[_PLAIN_COUNTS[kind.qualified]] = Decimal(1)
    match kind.qualified:
        case "Pod":
            if (obj.get("status") or {}).get("phase") in _ENDED:
                return {f"count/{kind.resource}": Decimal(1)}
            found |= _pod(obj["spec"])
        case "Service":
            ports = len(obj["spec"].get("ports") or ())
            if obj["spec"].get("type") in {"NodePort", "LoadBalancer"}:
                found["services.nodeports"] = Decimal(ports)
            if obj["spec"].get("type") == "LoadBalancer":
                found["services.loadbalancers"] = Decimal(1)
        case "PersistentVolumeClaim":
            asked = ((obj["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0")
            found["requests.storage"] = quantity.parse(asked)
            if storage := obj["spec"].get("storageClassName"):
                found[f"{storage}{_CLASS}requests.storage"] = quantity.parse(asked)
                found[f"{storage}{_CLASS}persistentvolumeclaims"] = Decimal(1)
    return found


def _pod(spec: Object) -> Usage:
    found: Usage = {}
    for field in ("requests", "limits"):
        totals: Usage = {}
        for container in spec["containers"]:
            for name, value in ((container.get("resources") or {}).get(field) or {}).items():
                totals[name] = totals.get(name, Decimal(0)) + quantity.parse(value)
        for container in spec.get("initContainers") or ():
            for name, value in ((container.get("resources") or {}).get(field) or {}).items():
                totals[name] = max(totals.get(name, Decimal(0)), quantity.parse(value))
        for name, amount in totals.items():
            found[f"{field}.{name}"] = amount
            if field == "requests" and name in _COMPUTE:
                found[name] = amount
    return found


def _in_scope(quota: Object, kind: Kind, obj: Object) -> bool:
    spec = quota["spec"]
    rules: list[tuple[str, str, list[str]]] = [(scope, "Exists", []) for scope in spec.get("scopes") or ()]
    rules += [
        (rule["scopeName"], rule["operator"], rule.get("values") or [])
        for rule in (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    ]
    if rules and kind.qualified != "Pod":
        return False
    return all(_matches(scope, operator, values, obj) for scope, operator, values in rules)


def _matches(scope: str, operator: str, values: list[str], pod: Object) -> bool:
    spec = pod["spec"]
    match scope:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return (pod.get("status") or {}).get("qosClass") == "BestEffort"
        case "NotBestEffort":
            return (pod.get("status") or {}).get("qosClass") != "BestEffort"
        case "PriorityClass":
            name = spec.get("priorityClassName", "")
            found = {"In": name in values, "NotIn": name not in values, "Exists": bool(name)}
            return found.get(operator, not name)
    return False


def used(registry: Registry, quota: Object) -> dict[str, str]:
    """What the objects of a quota's namespace use of what it limits."""
    hard = quota["spec"].get("hard") or {}
    totals = dict.fromkeys(hard, Decimal(0))
    for kind in _limited(registry, hard):
        for obj in registry.store.all_of(kind, quota["metadata"]["namespace"]):
            if _in_scope(quota, kind, obj):
                for name, amount in usage_of(kind, obj).items():
                    if name in totals:
                        totals[name] += amount
    return {name: _shown(name, amount) for name, amount in totals.items()}


def _limited(registry: Registry, hard: Object) -> list[Kind]:
    wanted = {name.removeprefix("count/") for name in hard if name.startswith("count/")}
    plain = set(_PLAIN_COUNTS.values())
    wanted |= {name.split(".")[0] if name.startswith("services.") else name for name in hard} & plain
    if any(name.startswith("services.") for name in hard):
        wanted.add("services")
    if any("storage" in name for name in hard):
        wanted.add("persistentvolumeclaims")
    if any(name.startswith(("requests.", "limits.")) or name in _COMPUTE for name in hard):
        wanted.add("pods")
    return [kind for kind in registry.kinds.all() if kind.resource in wanted and not kind.virtual]


def _shown(name: str, amount: Decimal) -> str:
    return amounts.render(amount, name)


def check(registry: Registry, kind: Kind, obj: Object, old: Object | None = None) -> None:
    """Refuse an object that its namespace has no room for.

    Args:
        registry: Of the cluster.
        kind: Of the object.
        obj: As it would be stored.
        old: What it replaces.

    Raises:
        Refused: 403, the quota is exceeded, or wants something to be stated.
    """
    namespace = obj["metadata"].get("namespace", "")
    if not namespace:
        return
    name = obj["metadata"].get("name", "")
    for quota in registry.store.all_of(registry.kinds.named("ResourceQuota"), namespace):
        hard = quota["spec"].get("hard") or {}
        if not _in_scope(quota, kind, obj):
            continue
        if kind.qualified == "Pod" and old is None and (missing := _unstated(hard, obj["spec"])):
            raise forbidden(kind, name, f"failed quota: {quota['metadata']['name']}: must specify {missing}")
        before = usage_of(kind, old) if old is not None else {}
        asked = {
            item: amount - before.get(item, Decimal(0))
            for item, amount in usage_of(kind, obj).items()
            if item in hard and amount > before.get(item, Decimal(0))
        }
        if not asked:
            continue
        present = used(registry, quota)
        over = [item for item in asked if quantity.parse(present[item]) + asked[item] > quantity.parse(hard[item])]
        if over:
            raise forbidden(kind, name, _exceeded(quota, sorted(over), asked, present))


def _exceeded(quota: Object, over: list[str], asked: Usage, present: dict[str, str]) -> str:
    hard = quota["spec"]["hard"]
    requested = ",".join(f"{item}={_shown(item, asked[item])}" for item in over)
    already = ",".join(f"{item}={present[item]}" for item in over)
    limited = ",".join(f"{item}={hard[item]}" for item in over)
    return f"exceeded quota: {quota['metadata']['name']}, requested: {requested}, used: {already}, limited: {limited}"


def _unstated(hard: Object, spec: Object) -> str:
    found = []
    for item in sorted(hard):
        field, _, name = item.partition(".")
        if item in {"cpu", "memory"}:
            field, name = "requests", item
        if field not in {"requests", "limits"} or name not in {"cpu", "memory"}:
            continue
        silent = [
            container["name"]
            for container in (*spec["containers"], *(spec.get("initContainers") or ()))
            if name not in ((container.get("resources") or {}).get(field) or {})
        ]
        if silent:
            found.append(f"{item} for: {','.join(sorted(silent))}")
    return "; ".join(found)

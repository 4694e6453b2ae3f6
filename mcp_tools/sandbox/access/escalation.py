"""Nobody grants what they do not hold (kubernetes/pkg/registry/rbac, component-helpers/auth/rbac/validation)."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access.rbac import Action, judge, rules_of
from mcp_tools.sandbox.access.users import MASTERS
from mcp_tools.sandbox.objects.errors import forbidden, not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcp_tools.sandbox.access.users import User
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]

_GROUP = "rbac.authorization.k8s.io"
_EVERYTHING: tuple[Object, ...] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
_ROLE = re.compile(r"\b(cluster)?role\.rbac\.authorization\.k8s\.io")
_FIELDS = ("apiGroups", "resources", "nonResourceURLs", "resourceNames", "verbs")


def confirm(registry: Registry, kind: Kind, obj: Object, old: Object | None, user: User) -> None:
    """Let a user write a role or a binding that grants nothing beyond what the user holds.

    Args:
        registry: The roles and bindings of this moment.
        kind: Of the object; only those of RBAC are looked at.
        obj: As it is to be.
        old: As it was; `None` for a new one.
        user: Who writes.

    Raises:
        Refused: 403 with the missing rights; 404, a binding's role is not there.
    """
    if kind.group != _GROUP or MASTERS in user.groups:
        return
    meta = obj["metadata"]
    namespace = meta.get("namespace", "")
    if old is not None and _granted(old) == _granted(obj):
        return
    if kind.name in {"Role", "ClusterRole"}:
        name = meta["name"] if old is not None else ""  # a creation names nothing in its path
        if judge(registry, user, Action("escalate", kind.group, kind.plural, namespace, name)).allowed:
            return
        rules = obj.get("rules") or []
        aggregates = obj.get("aggregationRule") or (old or {}).get("aggregationRule")
        if aggregates and _missing(_held(registry, user, namespace)[0], _EVERYTHING):
            raise forbidden(kind, meta["name"], "must have cluster-admin privileges to use the aggregationRule")
    else:
        rules = _bound(registry, kind, obj["roleRef"], namespace, user)
    held, unresolved = _held(registry, user, namespace)
    if missing := _missing(held, rules):
        who = f'user "{user.name}" (groups={_quoted(user.groups)})'
        lines = [f"{who} is attempting to grant RBAC permissions not currently held:", *sorted(set(_compact(missing)))]
        # The API server names whatever the request is about where it means a role.
        lost = f"; resolution errors: [{_ROLE.sub(kind.resource, unresolved)}]" if unresolved else ""
        raise forbidden(kind, meta["name"], "\n".join(lines) + lost)


def _granted(obj: Object) -> tuple[Any, ...]:
    return tuple(obj.get(field) for field in ("rules", "aggregationRule", "roleRef", "subjects"))


def _bound(registry: Registry, kind: Kind, reference: Object, namespace: str, user: User) -> list[Object]:
    """The rules that a binding gives; none where the user may bind the role whatever it holds."""
    role_kind = registry.kinds.named(reference["kind"])
    if judge(registry, user, Action("bind", _GROUP, role_kind.plural, namespace, reference["name"])).allowed:
        return []
    role = registry.store.get(role_kind, namespace if role_kind.namespaced else "", reference["name"])
    if role is None:
        raise not_found(kind, reference["name"])
    return role.get("rules") or []


def _held(registry: Registry, user: User, namespace: str) -> tuple[list[Object], str]:
    resource, other, unresolved = rules_of(registry, user, namespace)
    return [*resource, *other], unresolved


def _missing(held: Iterable[Object], rules: Iterable[Object]) -> list[Object]:
    held = tuple(held)
    single = [part for rule in rules for part in _parts(rule)]
    return [part for part in single if not any(_covers(rule, part) for rule in held)]


def _parts(rule: Object) -> Iterator[Object]:
    """A rule as many that each allow one thing."""
    for group, resource, verb in product(rule.get("apiGroups") or (), rule.get("resources") or (), rule["verbs"]):
        part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        names = rule.get("resourceNames") or ()
        yield from ({**part, "resourceNames": [name]} for name in names) if names else (part,)
    for path, verb in product(rule.get("nonResourceURLs") or (), rule["verbs"]):
        yield {"nonResourceURLs": [path], "verbs": [verb]}


def _covers(held: Object, part: Object) -> bool:
    names, wanted = held.get("resourceNames") or (), part.get("resourceNames") or ()
    return (
        _has(held.get("verbs"), part["verbs"])
        and _has(held.get("apiGroups"), part.get("apiGroups") or ())
        and all(_has_resource(held.get("resources") or (), resource) for resource in part.get("resources") or ())
        and all(_has_path(held.get("nonResourceURLs") or (), path) for path in part.get("nonResourceURLs") or ())
        and (not names or (bool(wanted) and set(wanted) <= set(names)))
    )


def _has(held: list[str] | None, wanted: Iterable[str]) -> bool:
    known = set(held or ())
    return "*" in known or set(wanted) <= known


def _has_resource(held: Iterable[str], resource: str) -> bool:
    below = resource.partition("/")[2]
    return bool({"*", resource, *([f"*/{below}"] if below else [])} & set(held))


def _has_path(held: Iterable[str], path: str) -> bool:
    return any(path == known or (known.endswith("*") and path.startswith(known.rstrip("*"))) for known in held)


def _compact(parts: Iterable[Object]) -> Iterator[str]:
    """Each resource once, with all its verbs; paths stay apart."""
    joined: dict[tuple[str, ...], Object] = {}
    for part in parts:
        if "nonResourceURLs" in part:
            yield _shown(part)
            continue
        key = (part["apiGroups"][0], part["resources"][0], *part.get("resourceNames", ()))
        known = joined.setdefault(key, {**part, "verbs": []})
        known["verbs"] = [*known["verbs"], *part["verbs"]]
    yield from map(_shown, joined.values())


def _shown(rule: Object) -> str:
    titles = ((f"{field[0].upper()}{field[1:]}".replace("Api", "API"), field) for field in _FIELDS)
    return "{" + ", ".join(f"{title}:{_quoted(rule[field])}" for title, field in titles if rule.get(field)) + "}"


def _quoted(texts: Iterable[str]) -> str:
    """As Go's `%q` prints a list."""
    return "[" + " ".join(f'"{text}"' for text in texts) + "]"

"""Role-based access control (plugin/pkg/auth/authorizer/rbac)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access.users import ACCOUNT_PREFIX, MASTERS, User
from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.sandbox.objects.registry import Registry

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody wants to do, to a resource or to a path that is none.

    Attributes:
        resource: Plural, with its subresource after a slash.
        path: Of a request that names no resource.
    """

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is allowed, and the reason that reviews give."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Grant:
    rules: list[Object]
    said: str


def judge(registry: Registry, user: User, action: Action) -> Verdict:
    """Whether a user may do something, by what the bindings at this moment say."""
    if MASTERS in user.groups:
        return Verdict(allowed=True)
    missing: list[str] = []
    for grant in _grants(registry, user, action.namespace, missing):
        if any(_covers(rule, action) for rule in grant.rules):
            return Verdict(allowed=True, reason=f"RBAC: allowed by {grant.said}")
    return Verdict(allowed=False, reason=f"RBAC: {_joined(missing)}" if missing else "")


def rules_of(registry: Registry, user: User, namespace: str) -> tuple[list[Object], list[Object], str]:
    """Everything a user may do in a namespace: resource rules, other rules, and what could not be resolved."""
    missing: list[str] = []
    if MASTERS in user.groups:
        everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        return everything, [{"verbs": ["*"], "nonResourceURLs": ["*"]}], ""
    resource: list[Object] = []
    other: list[Object] = []
    for grant in _grants(registry, user, namespace, missing):
        for rule in grant.rules:
            (other if rule.get("nonResourceURLs") else resource).append(rule)
    return resource, other, _joined(missing)


def _joined(missing: list[str]) -> str:
    return missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]" if missing else ""


def _grants(registry: Registry, user: User, namespace: str, missing: list[str]) -> Iterator[_Grant]:
    for kind_name, space in (("ClusterRoleBinding", ""), ("RoleBinding", namespace)):
        if kind_name == "RoleBinding" and not namespace:
            continue
        for binding in registry.store.all_of(registry.kinds.named(kind_name), space):
            subject = next(
                (
                    subject
                    for subject in binding.get("subjects") or ()
                    if _is_meant(subject, user, binding["metadata"].get("namespace", ""))
                ),
                None,
            )
            if subject is None:
                continue
            reference = binding["roleRef"]
            role = registry.store.get(
                registry.kinds.named(reference["kind"]),
                space if reference["kind"] == "Role" else "",
                reference["name"],
            )
            if role is None:
                kind = str(reference["kind"]).lower()
                missing.append(f'{kind}.rbac.authorization.k8s.io "{reference["name"]}" not found')
                continue
            place = binding["metadata"]["name"] + (f"/{space}" if space else "")
            who = subject["name"] + (f"/{subject['namespace']}" if subject.get("namespace") else "")
            said = f'{kind_name} "{place}" of {reference["kind"]} "{reference["name"]}" to {subject["kind"]} "{who}"'
            yield _Grant(role.get("rules") or [], said)


def _is_meant(subject: Object, user: User, namespace: str) -> bool:
    match subject.get("kind"):
        case "User":
            return bool(subject["name"] == user.name)
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            return bool(user.name == f"{ACCOUNT_PREFIX}{subject.get('namespace') or namespace}:{subject['name']}")
    return False


def _covers(rule: Object, action: Action) -> bool:
    if not {"*", action.verb} & set(rule.get("verbs") or ()):
        return False
    if action.path:
        return any(_matches_path(pattern, action.path) for pattern in rule.get("nonResourceURLs") or ())
    subresource = action.resource.partition("/")[2]
    resources = {"*", action.resource} | ({f"*/{subresource}"} if subresource else set())
    names = rule.get("resourceNames") or ()
    return (
        bool({"*", action.group} & set(rule.get("apiGroups") or ()))
        and bool(resources & set(rule.get("resources") or ()))
        and (not names or action.name in names)
    )


def _matches_path(pattern: str, path: str) -> bool:
    return pattern in {"*", path} or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def refusal(user: User, action: Action, reason: str) -> Refused:
    """403, in the API server's words."""
    if action.path:
        return Refused(403, "Forbidden", f'forbidden: User "{user.name}" cannot {action.verb} path "{action.path}"', {})
    plural = action.resource.partition("/")[0]
    resource = f"{plural}.{action.group}" if action.group else plural
    subject = f'{resource} "{action.name}"' if action.name else resource
    place = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    message = (
        f'{subject} is forbidden: User "{user.name}" cannot {action.verb} resource "{action.resource}" '
        f'in API group "{action.group}" {place}'
    )
    details = {
        **({"name": action.name} if action.name else {}),
        **({"group": action.group} if action.group else {}),
        "kind": plural,
    }
    return Refused(403, "Forbidden", f"{message}: {reason}" if reason else message, details)

"""Who may do what, by RBAC: "may I", asked of the API server, and "who may", read from the roles and bindings.

The matching rules are those of kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, built_in, find_kind
from mcp_tools.reads.answer import Answer, count, listed
from mcp_tools.reads.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.cluster.connection import Connection

REVIEWS = "/apis/authorization.k8s.io/v1"
SERVICE_ACCOUNT = "system:serviceaccount:"
SERVICE_ACCOUNT_PARTS = 4
MAX_SUBJECTS = 100


class _Rule(msgspec.Struct, rename="camel"):
    verbs: list[str] = []
    api_groups: list[str] = []
    resources: list[str] = []
    resource_names: list[str] = []


class _Meta(msgspec.Struct):
    name: str
    namespace: str = ""


class _Role(msgspec.Struct):
    metadata: _Meta
    rules: list[_Rule] | None = None


class _Roles(msgspec.Struct):
    items: list[_Role] = []


class _Subject(msgspec.Struct):
    kind: str
    name: str
    namespace: str = ""


class _RoleRef(msgspec.Struct):
    kind: str
    name: str


class _Binding(msgspec.Struct, rename="camel"):
    metadata: _Meta
    role_ref: _RoleRef
    subjects: list[_Subject] | None = None


class _Bindings(msgspec.Struct):
    items: list[_Binding] = []


@dataclass(frozen=True, slots=True)
class _Request:
    verb: str
    kind: Kind
    subresource: str
    name: str | None
    namespace: str | None

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    def __str__(self) -> str:
        which = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{which}" + (f" in namespace {self.namespace}" if self.namespace else "")


def check_access(
    connection: Connection,
    verb: str,
    resource: str,
    namespace: str | None,
    *,
    name: str | None = None,
    who: str | None = None,
) -> Answer:
    """Whether somebody may do something, or everybody who may.

    Args:
        verb: An API verb such as `get`, `list`, `patch`, `delete`.
        resource: Any kind, with a subresource if it has one: `pods/log`.
        who: None is the user of this connection; a user's name; `system:serviceaccount:NAMESPACE:NAME`, or
            `serviceaccount/NAME`; `anyone` for all who may.

    Returns:
        `request`, and `allowed` with `reason`, or `subjects` (kind, name, namespace, through which binding and role).

    Raises:
        UnknownKind: The cluster serves no such resource.
        Forbidden: Asking about others takes rights of its own.
    """
    word, _, subresource = resource.partition("/")
    kind = find_kind(connection, word)
    where = (namespace or connection.namespace) if kind.namespaced else None
    request = _Request(verb.lower(), kind, subresource, name, where)
    return _who_can(connection, request) if who == "anyone" else _review(connection, request, who)


def _review(connection: Connection, request: _Request, who: str | None) -> Answer:
    attributes = {
        "verb": request.verb,
        "group": request.kind.group,
        "resource": request.kind.plural,
        "subresource": request.subresource,
        "namespace": request.namespace or "",
        "name": request.name or "",
    }
    spec: dict[str, Any] = {"resourceAttributes": attributes}
    review, path = "SelfSubjectAccessReview", "selfsubjectaccessreviews"
    subject = "You"
    if who:
        review, path = "SubjectAccessReview", "subjectaccessreviews"
        spec |= _identity(who, request.namespace or connection.namespace)
        subject = str(spec["user"])
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": review, "spec": spec}
    status = connection.write("POST", f"{REVIEWS}/{path}", body).get("status") or {}
    allowed = bool(status.get("allowed"))
    reason = str(status.get("reason") or "")
    summary = f"{subject} may{'' if allowed else ' not'} {request}."
    if not allowed and not reason:
        reason = "no role that is bound allows it"
    return Answer(summary, {"request": str(request), "allowed": allowed, "reason": reason})


def _identity(who: str, namespace: str) -> dict[str, Any]:
    kind, slash, name = who.partition("/")
    if slash and kind.lower() in {"serviceaccount", "sa"}:
        who = f"{SERVICE_ACCOUNT}{namespace}:{name}"
    parts = who.split(":")
    if who.startswith(SERVICE_ACCOUNT) and len(parts) == SERVICE_ACCOUNT_PARTS:
        # The API server adds these groups to a token's user; a review has to name them.
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{parts[2]}", "system:authenticated"]
        return {"user": who, "groups": groups}
    return {"user": who, "groups": ["system:authenticated"]}


def _who_can(connection: Connection, request: _Request) -> Answer:
    unseen = Unseen()
    subjects = list(_subjects(connection, request, unseen))
    names = [f"{item['kind'].lower()}/{item['name']}" for item in subjects]
    summary = f"{count(len(subjects), 'subject')} may {request}" + (f": {listed(names)}." if names else ".")
    answer = Answer(summary, {"request": str(request), "subjects": subjects[:MAX_SUBJECTS], "total": len(subjects)})
    return unseen.told(answer)


def _subjects(connection: Connection, request: _Request, unseen: Unseen) -> Iterator[dict[str, str]]:
    def roles_of(plural: str, namespace: str | None) -> set[str]:
        return _allowing(unseen.look(plural, lambda: _roles(connection, plural, namespace)), request)

    def bindings_of(plural: str, namespace: str | None) -> list[_Binding]:
        return unseen.look(plural, lambda: _bindings(connection, plural, namespace))

    cluster_roles = roles_of("clusterroles", None)
    bindings = [("ClusterRoleBinding", item) for item in bindings_of("clusterrolebindings", None)]
    roles: set[str] = set()
    if request.namespace:
        roles = roles_of("roles", request.namespace)
        bindings += [("RoleBinding", item) for item in bindings_of("rolebindings", request.namespace)]
    for kind, binding in bindings:
        ref = binding.role_ref
        if ref.name not in (cluster_roles if ref.kind == "ClusterRole" else roles):
            continue
        for subject in binding.subjects or ():
            yield {
                "kind": subject.kind,
                "name": subject.name,
                "namespace": subject.namespace,
                "binding": f"{kind}/{binding.metadata.name}",
                "role": f"{ref.kind}/{ref.name}",
            }


def _roles(connection: Connection, plural: str, namespace: str | None) -> list[_Role]:
    return msgspec.json.decode(connection.get(built_in(plural).path(namespace)), type=_Roles).items


def _allowing(roles: list[_Role], request: _Request) -> set[str]:
    return {role.metadata.name for role in roles if any(_allows(rule, request) for rule in role.rules or ())}


def _bindings(connection: Connection, plural: str, namespace: str | None) -> list[_Binding]:
    return msgspec.json.decode(connection.get(built_in(plural).path(namespace)), type=_Bindings).items


def _allows(rule: _Rule, request: _Request) -> bool:
    resources = {request.resource, "*", *([f"*/{request.subresource}"] if request.subresource else [])}
    return (
        bool({request.verb, "*"} & set(rule.verbs))
        and bool({request.kind.group, "*"} & set(rule.api_groups))
        and bool(resources & set(rule.resources))
        and (not rule.resource_names or (request.name is not None and request.name in rule.resource_names))
    )

"""Who may do what: ServiceAccount tokens, roles and reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox_helpers import Client

RBAC = "/apis/rbac.authorization.k8s.io/v1"
AUTHORIZATION = "/apis/authorization.k8s.io/v1"


def account(api: Client, space: str, name: str = "bob", *, role: str = "", cluster_role: str = "") -> Client:
    """A client with the token of a new ServiceAccount, bound to a role of the namespace."""
    base = f"/api/v1/namespaces/{space}/serviceaccounts"
    assert api("POST", base, {"metadata": {"name": name}}).status == 201
    if role or cluster_role:
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role" if role else "ClusterRole"}
        binding = {
            "metadata": {"name": name},
            "roleRef": {**reference, "name": role or cluster_role},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": space}],
        }
        assert api("POST", f"{RBAC}/namespaces/{space}/rolebindings", binding).status == 201
    made = api("POST", f"{base}/{name}/token", {"spec": {"expirationSeconds": 600}})
    assert made.status == 201, made.body
    return api.bearer(made.body["status"]["token"])


def test_an_account_may_do_what_its_role_says_and_nothing_else(api: Client, space: str) -> None:
    rules = [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"]},
    ]
    api("POST", f"{RBAC}/namespaces/{space}/roles", {"metadata": {"name": "reader"}, "rules": rules})
    bob = account(api, space, role="reader")
    core = f"/api/v1/namespaces/{space}"
    assert bob("GET", f"{core}/pods").status == 200
    assert bob("GET", f"{core}/configmaps/mine").status == 404
    for method, path in (
        ("GET", f"{core}/configmaps/other"),
        ("GET", f"{core}/configmaps"),
        ("DELETE", f"{core}/pods/x"),
        ("GET", f"{core}/pods/x/log"),
        ("GET", f"{core}/secrets"),
        ("GET", "/api/v1/pods"),
        ("GET", "/api/v1/namespaces/default/pods"),
        ("GET", "/api/v1/nodes"),
        ("POST", f"{core}/pods"),
        ("PATCH", f"{core}/pods/x"),
    ):
        assert bob(method, path, None if method in {"GET", "DELETE"} else {}).status == 403, (method, path)
    refused = bob("GET", f"{core}/secrets")
    user = f"system:serviceaccount:{space}:bob"
    said = f'User "{user}" cannot list resource "secrets" in API group "" in the namespace "{space}"'
    assert refused.message == f"secrets is forbidden: {said}"


def test_a_token_dies_with_its_account(api: Client, space: str) -> None:
    bob = account(api, space)
    assert bob("GET", "/version").status == 200
    assert api("DELETE", f"/api/v1/namespaces/{space}/serviceaccounts/bob").status == 200
    assert bob("GET", "/version").status == 401


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "e30.e30."])
def test_a_token_that_nobody_issued_is_worth_nothing(api: Client, token: str) -> None:
    assert api.bearer(token)("GET", "/version").status == 401


def test_the_usual_roles_do_what_their_names_say(api: Client, space: str) -> None:
    viewer = account(api, space, "viewer", cluster_role="view")
    editor = account(api, space, "editor", cluster_role="edit")
    core = f"/api/v1/namespaces/{space}"
    config: dict[str, Any] = {"metadata": {"name": "c"}}
    assert viewer("GET", f"{core}/configmaps").status == 200
    assert viewer("GET", f"{core}/secrets").status == 403
    assert viewer("POST", f"{core}/configmaps", config).status == 403
    assert editor("POST", f"{core}/configmaps", config).status == 201
    assert editor("POST", f"{RBAC}/namespaces/{space}/roles", config).status == 403


def test_reviews_tell_what_the_asker_may_do_and_why(api: Client, space: str) -> None:
    viewer = account(api, space, "viewer", cluster_role="view")

    def may(client: Client, verb: str, resource: str) -> dict[str, Any]:
        spec = {"resourceAttributes": {"namespace": space, "verb": verb, "resource": resource}}
        body = client("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": spec}).body
        return dict(body["status"])

    assert may(api, "delete", "pods") == {"allowed": True}
    assert may(viewer, "delete", "pods") == {"allowed": False}
    who = f'RoleBinding "viewer/{space}" of ClusterRole "view" to ServiceAccount "viewer/{space}"'
    assert may(viewer, "list", "pods") == {"allowed": True, "reason": f"RBAC: allowed by {who}"}
    rules = viewer("POST", f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {"namespace": space}}).body["status"]
    assert any("pods" in rule["resources"] and "list" in rule["verbs"] for rule in rules["resourceRules"])
    user = viewer("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}).body["status"]["userInfo"]
    assert user["username"] == f"system:serviceaccount:{space}:viewer"


def test_the_administrator_may_speak_for_others(api: Client, space: str) -> None:
    account(api, space, "viewer", cluster_role="view")
    headers = {"Impersonate-User": f"system:serviceaccount:{space}:viewer"}
    assert api("GET", f"/api/v1/namespaces/{space}/pods", headers=headers).status == 200
    assert api("GET", f"/api/v1/namespaces/{space}/secrets", headers=headers).status == 403
    spec = {"user": "jane", "resourceAttributes": {"namespace": space, "verb": "get", "resource": "pods"}}
    answer = api("POST", f"{AUTHORIZATION}/subjectaccessreviews", {"spec": spec})
    assert answer.body["status"] == {"allowed": False}

"""Authorisation on the sandbox and on a real API server: the same verdicts in the same words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from differences import ask, differences, normal, until

if TYPE_CHECKING:
    from sandbox_helpers import Client

pytestmark = pytest.mark.cluster

RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}"
CORE = "/api/v1/namespaces/{ns}"
REVIEWS = "/apis/authorization.k8s.io/v1"


def access(verb: str, resource: str, **more: str) -> dict[str, Any]:
    return {"spec": {"resourceAttributes": {"namespace": "{ns}", "verb": verb, "resource": resource, **more}}}


SELF = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
CASES: dict[str, tuple[Any, ...]] = {
    "list what is allowed": ("GET", f"{CORE}/pods?limit=1&fieldSelector=metadata.name%3Dnone"),
    "get what is allowed and not there": ("GET", f"{CORE}/pods/x"),
    "list what is not": ("GET", f"{CORE}/secrets"),
    "get what is not": ("GET", "/apis/apps/v1/namespaces/default/deployments/x"),
    "create": ("POST", f"{CORE}/pods", {"metadata": {"name": "p"}}),
    "delete": ("DELETE", f"{CORE}/pods/p"),
    "delete many": ("DELETE", f"{CORE}/pods"),
    "watch": ("GET", f"{CORE}/secrets?watch=1"),
    "a subresource": ("GET", f"{CORE}/pods/p/log"),
    "another namespace": ("GET", "/api/v1/namespaces/kube-system/pods"),
    "everywhere": ("GET", "/api/v1/pods"),
    "no namespace": ("GET", "/api/v1/nodes"),
    "one named object": ("GET", f"{CORE}/configmaps/other"),
    "the named object": ("GET", f"{CORE}/configmaps/mine"),
    "a namespace": ("GET", "/api/v1/namespaces/default"),
    "its own namespace": ("GET", "/api/v1/namespaces/{ns}"),
    "a path": ("GET", "/metrics"),
    "may": ("POST", f"{REVIEWS}/selfsubjectaccessreviews", access("list", "pods")),
    "may not": ("POST", f"{REVIEWS}/selfsubjectaccessreviews", access("delete", "pods")),
    "may a subresource": ("POST", f"{REVIEWS}/selfsubjectaccessreviews", access("get", "pods", subresource="log")),
    "may by name": ("POST", f"{REVIEWS}/selfsubjectaccessreviews", access("get", "configmaps", name="mine")),
    "may what": ("POST", f"{REVIEWS}/selfsubjectaccessreviews", {**SELF, "spec": {}}),
    "others": ("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": {"user": "x"}}),
}
RBAC_GROUP = "rbac.authorization.k8s.io"
DRY = "?dryRun=All"


def role(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "fresh"}, "rules": list(rules), **more}


def allow(verbs: str, resources: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split(), **more}


def binding(role: str, kind: str, name: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name or role},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "bob", "namespace": "{ns}"}],
    }


GRANTS: dict[str, tuple[Any, ...]] = {
    "a role within one's own": ("POST", f"{RBAC}/roles{DRY}", role(allow("get", "pods"))),
    "a role beyond": ("POST", f"{RBAC}/roles{DRY}", role(allow("get delete watch", "pods secrets"))),
    "a role of everything": ("POST", f"{RBAC}/roles{DRY}", role(allow("*", "*", "*"))),
    "a role of a named object": (
        "POST",
        f"{RBAC}/roles{DRY}",
        role(allow("get", "configmaps", resourceNames=["mine"])),
    ),
    "a role of other names": (
        "POST",
        f"{RBAC}/roles{DRY}",
        role(allow("get list", "configmaps", resourceNames=["mine", "b"]), allow("get", "configmaps")),
    ),
    "a role of paths": ("POST", f"{RBAC}/roles{DRY}", role({"verbs": ["get"], "nonResourceURLs": ["/metrics"]})),
    "a wrong role beyond": (
        "POST",
        f"{RBAC}/roles{DRY}",
        role({"verbs": ["get"], "apiGroups": [""]}, allow("*", "pods")),
    ),
    "an apply beyond": (
        "PATCH",
        f"{RBAC}/roles/fresh{DRY}&fieldManager=bob",
        {"apiVersion": f"{RBAC_GROUP}/v1", "kind": "Role", **role(allow("delete", "pods"))},
        "application/apply-patch+yaml",
    ),
    "one's own role widened": (
        "PATCH",
        f"{RBAC}/roles/reader{DRY}",
        {"rules": [allow("delete", "pods")]},
        "application/merge-patch+json",
    ),
    "one's own role labelled": (
        "PATCH",
        f"{RBAC}/roles/reader{DRY}",
        {"metadata": {"labels": {"a": "b"}}},
        "application/merge-patch+json",
    ),
    "a binding to what one holds": ("POST", f"{RBAC}/rolebindings{DRY}", binding("reader", "Role", "more")),
    "a binding beyond": ("POST", f"{RBAC}/rolebindings{DRY}", binding("wide", "Role")),
    "a binding to what one may bind": ("POST", f"{RBAC}/rolebindings{DRY}", binding("view", "ClusterRole")),
    "a binding to nothing": ("POST", f"{RBAC}/rolebindings{DRY}", binding("none-such", "ClusterRole")),
    "a role where one may escalate": (
        "PATCH",
        f"{RBAC}/roles/wide{DRY}",
        {"rules": [allow("delete", "pods")]},
        "application/merge-patch+json",
    ),
}
RULES = [
    {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]},
    {"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"]},
    allow("create patch", "roles rolebindings", RBAC_GROUP),
    allow("bind", "clusterroles", RBAC_GROUP, resourceNames=["view"]),
    allow("escalate", "roles", RBAC_GROUP, resourceNames=["wide"]),
]


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-access-{uuid.uuid4().hex[:6]}"
    bobs = []
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
        for path, body in (
            (f"{CORE}/serviceaccounts", {"metadata": {"name": "bob"}}),
            (f"{RBAC}/roles", {"metadata": {"name": "reader"}, "rules": RULES}),
            (f"{RBAC}/roles", {"metadata": {"name": "wide"}, "rules": [allow("create", "pods/exec secrets")]}),
            (f"{RBAC}/rolebindings", binding("reader", "Role")),
            (f"{RBAC}/rolebindings", binding("lost", "ClusterRole")),
        ):
            answer = ask(client, ("POST", path, body), namespace)
            assert answer.status == 201, answer.body
        made = ask(client, ("POST", f"{CORE}/serviceaccounts/bob/token", {"spec": {}}), namespace)
        bobs.append(client.bearer(made.body["status"]["token"]))
        path = f"/api/v1/namespaces/{namespace}/pods"
        until(lambda path=path, bob=bobs[-1]: bob("GET", path).status == 200)
    yield bobs[0], bobs[1], namespace
    for client in (real, api):
        client("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("name", [*CASES, *GRANTS])
def test_both_judge_the_same(both: tuple[Client, Client, str], name: str) -> None:
    theirs, ours = (ask(client, {**CASES, **GRANTS}[name], both[2]) for client in both[:2])
    for answer in (theirs, ours):
        if isinstance(answer.body, dict):
            # The trace of who wrote a review, which nobody can read later.
            answer.body.get("metadata", {}).pop("managedFields", None)
    found = differences(normal(theirs.body, both[2]), normal(ours.body, both[2]))
    verdicts = [a.body.get("status") if isinstance(a.body, dict) else None for a in (theirs, ours)]
    assert (theirs.status, found, verdicts[0]) == (ours.status, [], verdicts[1])

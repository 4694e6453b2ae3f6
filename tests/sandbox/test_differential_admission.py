"""ValidatingAdmissionPolicies on the sandbox and on a real API server: the same is refused, in the same words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from differences import ask, differences, normal, until
from sandbox_helpers import MERGE, Client

pytestmark = pytest.mark.cluster

GROUP = "/apis/admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = f"{GROUP}/validatingadmissionpolicies", f"{GROUP}/validatingadmissionpolicybindings"
MAPS = "/api/v1/namespaces/{ns}/configmaps"
DRY = "?dryRun=All"
_RULE = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
_SPEC: dict[str, Any] = {
    "matchConstraints": {"resourceRules": [_RULE]},
    "matchConditions": [{"name": "mine", "expression": "request.name != 'kube-root-ca.crt'"}],
    "variables": [{"name": "size", "expression": "has(object.data) ? object.data.size() : 0"}],
    "validations": [
        {"expression": "object == null || object.metadata.name != 'bad'"},
        {"expression": "object == null || variables.size < 3", "message": "too many"},
        {
            "expression": "object == null || !('who' in object.metadata.?labels.orValue({}))",
            "messageExpression": "'not ' + object.metadata.labels.who",
            "reason": "Forbidden",
        },
        {"expression": "object == null || object.metadata.name != 'broken' || object.data.nothing == '1'"},
        {"expression": "request.operation != 'DELETE' || oldObject.metadata.name != 'kept'", "message": "it stays"},
        {"expression": "namespaceObject.metadata.name != 'x'"},
    ],
    "auditAnnotations": [
        {
            "key": "n",
            "valueExpression": "object != null && object.metadata.name == 'noted' ? string(object.data.nothing) : ''",
        }
    ],
}


def policy(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "{ns}"}, "spec": {**_SPEC, **spec}}


def binding(**spec: Any) -> dict[str, Any]:
    inside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "{ns}"}}}
    said = {"policyName": "{ns}", "validationActions": ["Deny"], "matchResources": inside}
    return {"metadata": {"name": "{ns}"}, "spec": {**said, **spec}}


def made(name: str, data: dict[str, str] | None = None, **meta: Any) -> tuple[Any, ...]:
    return ("POST", MAPS + DRY, {"metadata": {"name": name, **meta}, "data": data or {"a": "b"}})


def noted(key: str, expression: str) -> dict[str, Any]:
    return {"key": key, "valueExpression": expression}


CASES: dict[str, tuple[Any, ...]] = {
    "nothing wrong": made("good"),
    "refused": made("bad"),
    "refused with a message": made("many", {"a": "1", "b": "2", "c": "3"}),
    "refused with an expression, for a reason": made("good", labels={"who": "anna"}),
    "no such key": made("broken"),
    "a change": ("PATCH", f"{MAPS}/kept{DRY}", {"data": {"x": "1", "y": "2", "z": "3"}}, MERGE),
    "a deletion": ("DELETE", f"{MAPS}/kept{DRY}"),
    "a policy": ("POST", POLICIES + DRY, {**policy(), "metadata": {"name": "other-{ns}"}}),
    "the binding": ("GET", f"{BINDINGS}/{{ns}}"),
    "a policy without rules": ("POST", POLICIES + DRY, policy(matchConstraints=None)),
    "a policy without validations": ("POST", POLICIES + DRY, policy(validations=None)),
    "a policy that does not compile": ("POST", POLICIES + DRY, policy(validations=[{"expression": "object.name =="}])),
    "a policy of nobody": ("POST", POLICIES + DRY, policy(validations=[{"expression": "nobody == 1"}])),
    "a policy without an expression": ("POST", POLICIES + DRY, policy(validations=[{"expression": " "}])),
    "a policy with an odd reason": (
        "POST",
        POLICIES + DRY,
        policy(validations=[{"expression": "true", "reason": "Odd"}]),
    ),
    "a policy that gives no truth": ("POST", POLICIES + DRY, policy(validations=[{"expression": "1 + 1"}])),
    "a policy that gives anything": ("POST", POLICIES + DRY, policy(validations=[{"expression": "object.x"}])),
    "a policy whose message is no text": (
        "POST",
        POLICIES + DRY,
        policy(validations=[{"expression": "true", "messageExpression": "1"}]),
    ),
    "a policy with audit annotations": ("POST", POLICIES + DRY, policy(auditAnnotations=[noted("a", "'x' + 'y'")])),
    "one with a bad key and value": ("POST", POLICIES + DRY, policy(auditAnnotations=[noted("a b", "1")])),
    "one with twins without values": ("POST", POLICIES + DRY, policy(auditAnnotations=[noted("a", " ")] * 2)),
    "an annotation that cannot be told": made("noted"),
    "a binding of nothing": ("POST", BINDINGS + DRY, binding(policyName=None)),
    "a binding without actions": ("POST", BINDINGS + DRY, binding(validationActions=None)),
    "a binding with an odd action": ("POST", BINDINGS + DRY, binding(validationActions=["Odd"])),
    "a binding with both": ("POST", BINDINGS + DRY, binding(validationActions=["Deny", "Warn"])),
}


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-admission-{uuid.uuid4().hex[:6]}"
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
        kept = ("POST", MAPS, {"metadata": {"name": "kept"}, "data": {"a": "b"}})
        assert ask(client, kept, namespace).status == 201
        assert ask(client, ("POST", POLICIES, policy()), namespace).status == 201
        assert ask(client, ("POST", BINDINGS, binding()), namespace).status == 201
        until(lambda client=client: ask(client, made("bad"), namespace).status == 422)
    yield real, api, namespace
    for client in (real, api):
        client("DELETE", f"{POLICIES}/{namespace}")
        client("DELETE", f"{BINDINGS}/{namespace}")
        client("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("name", CASES)
def test_both_answer_the_same_under_a_policy(both: tuple[Client, Client, str], name: str) -> None:
    theirs, ours = (ask(client, CASES[name], both[2]) for client in both[:2])
    found = differences(normal(theirs.body, both[2]), normal(ours.body, both[2]))
    assert (theirs.status, found) == (ours.status, [])
    assert theirs.headers.get("Warning", "") == ours.headers.get("Warning", "")

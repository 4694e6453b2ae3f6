"""create, update, patch, delete: the rules and the words of the API server."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_helpers import JSON_PATCH, MERGE, STRATEGIC, Client, deployment


def place(space: str) -> str:
    return f"/apis/apps/v1/namespaces/{space}/deployments"


def sent(space: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    obj = deployment(name, **{"replicas": 0, **spec})
    obj["metadata"]["namespace"] = space
    return obj


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"selector": {"matchLabels": {"app": "other"}}},
            'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        ),
        ({"pod": {"containers": []}}, "spec.template.spec.containers: Required value"),
        (
            {"container": {"imagePullPolicy": "Sometimes"}},
            (
                'spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: '
                '"Always", "IfNotPresent", "Never"'
            ),
        ),
        (
            {"container": {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}},
            (
                'spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal '
                "to cpu limit of 1"
            ),
        ),
        (
            {"container": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}},
            'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"',
        ),
    ],
)
def test_invalid_objects_are_refused_with_their_causes(
    api: Client, space: str, spec: dict[str, Any], message: str
) -> None:
    answer = api("POST", place(space), sent(space, **spec))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.message == f'Deployment.apps "web" is invalid: {message}'
    assert [f"{cause['field']}: {cause['message']}" for cause in answer.body["details"]["causes"]] == [message]


def test_wrong_types_and_unknown_fields(api: Client, space: str) -> None:
    answer = api("POST", place(space), sent(space, replicas="three"))
    assert answer.status == 400
    assert answer.message.endswith(
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )
    odd = sent(space, container={"imagee": "x"})
    strict = api("POST", f"{place(space)}?fieldValidation=Strict", odd)
    assert strict.status == 400
    assert 'unknown field "spec.template.spec.containers[0].imagee"' in strict.message
    warned = api("POST", f"{place(space)}?fieldValidation=Warn&dryRun=All", odd)
    assert warned.status == 201
    assert "imagee" in warned.headers["Warning"]
    assert "imagee" not in str(warned.body["spec"])


def test_generation_counts_specs_and_versions_guard_writes(api: Client, space: str) -> None:
    made = api("POST", place(space), sent(space)).body
    one = f"{place(space)}/web"
    labelled = api("PATCH", one, {"metadata": {"labels": {"a": "b"}}}, media=MERGE).body
    assert labelled["metadata"]["generation"] == made["metadata"]["generation"] == 1
    assert labelled["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    changed = api("PATCH", one, {"spec": {"minReadySeconds": 3}}, media=MERGE).body
    assert changed["metadata"]["generation"] == 2
    stale = api("PUT", one, made)
    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert stale.message == (
        'Operation cannot be fulfilled on deployments.apps "web": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )
    same = api("PATCH", one, {"spec": {"minReadySeconds": 3}}, media=MERGE).body
    assert same["metadata"]["generation"] == 2


def test_a_dry_run_says_what_would_be_and_changes_nothing(api: Client, space: str) -> None:
    one = f"{place(space)}/web"
    assert api("POST", f"{place(space)}?dryRun=All", sent(space)).status == 201
    assert api("GET", one).status == 404
    api("POST", place(space), sent(space))
    before = api("GET", one).body
    planned = api("PATCH", f"{one}?dryRun=All", {"spec": {"replicas": 7}}, media=MERGE).body
    assert (planned["spec"]["replicas"], planned["metadata"]["generation"]) == (7, 2)
    wanted = {"metadata": {"name": "web"}, "spec": {"replicas": 7}}
    assert api("PUT", f"{one}/scale?dryRun=All", wanted).body["spec"] == {"replicas": 7}
    assert api("DELETE", f"{one}?dryRun=All").status == 200
    assert api("DELETE", f"{place(space)}?dryRun=All").status == 200
    after = api("GET", one).body
    assert (after["spec"], after["metadata"]["uid"]) == (before["spec"], before["metadata"]["uid"])


def test_the_three_classic_patches(api: Client, space: str) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    api("POST", place(space), sent(space, container={"env": env, "args": ["x"]}))
    one = f"{place(space)}/web"

    def container() -> dict[str, Any]:
        found: dict[str, Any] = api("GET", one).body["spec"]["template"]["spec"]["containers"][0]
        return found

    def patched(body: dict[str, Any]) -> dict[str, Any]:
        return {"spec": {"template": {"spec": {"containers": [{"name": "app", **body}]}}}}

    # By key: one variable changes, one goes, one comes; the image stays.
    change = {"env": [{"name": "A", "value": "9"}, {"name": "B", "$patch": "delete"}, {"name": "C", "value": "3"}]}
    assert api("PATCH", one, patched(change), media=STRATEGIC).status == 200
    assert sorted((item["name"], item["value"]) for item in container()["env"]) == [("A", "9"), ("C", "3")]
    assert container()["image"] == "nginx:1.27"
    # An atomic list is replaced as a whole.
    assert api("PATCH", one, patched({"args": ["y", "z"]}), media=STRATEGIC).status == 200
    assert container()["args"] == ["y", "z"]
    # A merge patch knows no keys: the list is what was sent, and then it lacks an image.
    assert api("PATCH", one, patched({}), media=MERGE).status == 422
    operations = [
        {"op": "test", "path": "/spec/replicas", "value": 0},
        {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "D", "value": "4"}},
        {"op": "remove", "path": "/spec/template/spec/containers/0/args"},
    ]
    assert api("PATCH", one, operations, media=JSON_PATCH).status == 200
    assert "args" not in container()
    assert container()["env"][-1]["name"] == "D"
    failing = [{"op": "test", "path": "/spec/replicas", "value": 5}, {"op": "remove", "path": "/spec/replicas"}]
    assert api("PATCH", one, failing, media=JSON_PATCH).status == 422
    assert api("PATCH", one, {"spec": {}}, media="application/json").status == 415


def test_immutable_fields(api: Client, space: str) -> None:
    api("POST", place(space), sent(space))
    answer = api("PATCH", f"{place(space)}/web", {"spec": {"selector": {"matchLabels": {"b": "c"}}}}, media=MERGE)
    assert 'spec.selector: Invalid value: {"matchLabels":{"app":"web","b":"c"}}: field is immutable' in answer.message
    services = f"/api/v1/namespaces/{space}/services"
    made = api("POST", services, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}).body
    without = {**made, "spec": {"ports": [{"port": 81}]}}
    assert api("PUT", f"{services}/s", without).body["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    moved = {**made, "spec": {**made["spec"], "clusterIP": "10.96.200.200"}}
    moved["metadata"] = {"name": "s"}
    assert api("PUT", f"{services}/s", moved).status == 422


def test_finalizers_hold_an_object(api: Client, space: str) -> None:
    maps = f"/api/v1/namespaces/{space}/configmaps"
    api("POST", maps, {"metadata": {"name": "c", "finalizers": ["example.com/hold"]}})
    held = api("DELETE", f"{maps}/c")
    assert held.status == 200
    assert held.body["metadata"]["deletionTimestamp"]
    assert api("GET", f"{maps}/c").status == 200
    more = api("PATCH", f"{maps}/c", {"metadata": {"finalizers": ["example.com/hold", "b.io/x"]}}, media=MERGE)
    assert more.status == 422
    assert api("PATCH", f"{maps}/c", {"metadata": {"finalizers": None}}, media=MERGE).status == 200
    assert api("GET", f"{maps}/c").status == 404


def test_errors_of_paths_and_verbs(api: Client, space: str) -> None:
    for method, path, status, reason in (
        ("GET", f"{place(space)}/nothing", 404, "NotFound"),
        ("GET", f"/apis/apps/v1/namespaces/{space}/nothings", 404, "NotFound"),
        ("DELETE", "/apis/apps/v1/deployments", 405, "MethodNotAllowed"),
        ("POST", f"{place(space)}/web", 405, "MethodNotAllowed"),
        ("POST", "/api/v1/namespaces/nowhere/pods", 400, "BadRequest"),
    ):
        answer = api(method, path)
        assert (answer.status, answer.body["reason"]) == (status, reason), path
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    assert api("POST", "/api/v1/namespaces/nowhere/pods", pod).message == 'namespaces "nowhere" not found'
    taken = api("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    assert (taken.status, taken.body["reason"]) == (409, "AlreadyExists")
    huge = api("POST", place(space), b"x" * (3 * 1024 * 1024 + 1))
    assert huge.status == 413

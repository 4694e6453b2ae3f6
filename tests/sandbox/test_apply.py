"""Server-side apply: who owns which field, and who may take it."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_helpers import APPLY, MERGE, Client, deployment


def applied(api: Client, space: str, manager: str, obj: dict[str, Any], query: str = "") -> Any:
    obj = {**obj, "metadata": {**obj["metadata"], "namespace": space}}
    path = f"/apis/apps/v1/namespaces/{space}/deployments/{obj['metadata']['name']}"
    return api("PATCH", f"{path}?fieldManager={manager}{query}", obj, media=APPLY)


def owners(obj: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{e['manager']}/{e['operation']}/{e.get('subresource', '')}": e["fieldsV1"]
        for e in obj["metadata"]["managedFields"]
    }


def bare(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def with_container(**container: Any) -> dict[str, Any]:
    return bare(template={"spec": {"containers": [{"name": "app", **container}]}})


def test_create_conflict_force_and_share(api: Client, space: str) -> None:
    first = applied(api, space, "one", deployment(replicas=0, container={"env": [{"name": "A", "value": "1"}]}))
    assert first.status == 201
    spec = owners(first.body)["one/Apply/"]["f:spec"]
    assert spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"app"}']["f:env"] == {
        'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}
    }
    refused = applied(api, space, "two", bare(replicas=3))
    assert refused.status == 409
    assert refused.message == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    assert refused.body["details"]["causes"][0]["field"] == ".spec.replicas"
    shared = applied(api, space, "two", bare(replicas=0))
    assert shared.status == 200
    forced = applied(api, space, "three", bare(replicas=1), "&force=true").body
    assert forced["spec"]["replicas"] == 1
    found = owners(forced)
    assert "f:replicas" in found["three/Apply/"]["f:spec"]
    assert "f:replicas" not in found["one/Apply/"]["f:spec"]
    assert "two/Apply/" not in found


def test_what_is_no_longer_applied_goes_unless_others_own_it(api: Client, space: str) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    applied(api, space, "one", deployment(replicas=0, container={"env": env}))
    applied(api, space, "two", with_container(env=[{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]))
    left = applied(api, space, "one", deployment(replicas=0, container={})).body
    names = [item["name"] for item in left["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["B", "C"]
    gone = applied(api, space, "two", with_container()).body
    assert "env" not in gone["spec"]["template"]["spec"]["containers"][0]


def test_an_update_takes_fields_and_conflicts_name_it(api: Client, space: str) -> None:
    applied(api, space, "one", deployment(replicas=0))
    path = f"/apis/apps/v1/namespaces/{space}/deployments/web"
    updated = api("PATCH", f"{path}?fieldManager=editor", {"spec": {"minReadySeconds": 5}}, media=MERGE).body
    assert owners(updated)["editor/Update/"] == {"f:spec": {"f:minReadySeconds": {}}}
    refused = applied(api, space, "one", deployment(replicas=0, minReadySeconds=6))
    assert refused.message == (
        'Apply failed with 1 conflict: conflict with "editor" using apps/v1: .spec.minReadySeconds'
    )
    scaled = api("PATCH", f"{path}/scale?fieldManager=hpa", {"spec": {"replicas": 2}}, media=MERGE)
    assert scaled.status == 200
    found = api("GET", path).body
    assert owners(found)["hpa/Update/scale"] == {"f:spec": {"f:replicas": {}}}


def test_applying_the_same_again_changes_nothing(api: Client, space: str) -> None:
    applied(api, space, "one", deployment(replicas=0))
    again = applied(api, space, "one", deployment(replicas=0)).body
    third = applied(api, space, "one", deployment(replicas=0)).body
    assert third["metadata"]["generation"] == again["metadata"]["generation"] == 1


def test_apply_needs_a_manager(api: Client, space: str) -> None:
    path = f"/apis/apps/v1/namespaces/{space}/deployments/web"
    answer = api("PATCH", path, deployment(), media=APPLY)
    assert answer.status == 422
    assert "fieldManager: Required value: is required for apply patch" in answer.message


@pytest.mark.parametrize("nothing", [[], [{}]])
def test_what_was_there_before_the_first_apply_has_an_owner_then(api: Client, space: str, nothing: Any) -> None:
    path = f"/api/v1/namespaces/{space}/configmaps"
    assert api("POST", path, {"metadata": {"name": "old"}, "data": {"a": "1"}}).status == 201
    forgotten = api("PATCH", f"{path}/old", {"metadata": {"managedFields": nothing}}, media=MERGE).body
    assert "managedFields" not in forgotten["metadata"]
    changed = api("PATCH", f"{path}/old", {"data": {"b": "2"}}, media=MERGE).body
    assert "managedFields" not in changed["metadata"]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old"}, "data": {"c": "3"}}
    applied = api("PATCH", f"{path}/old?fieldManager=anna", config, media=APPLY).body
    owners = {entry["manager"]: entry["fieldsV1"] for entry in applied["metadata"]["managedFields"]}
    assert owners == {
        "anna": {"f:data": {"f:c": {}}},
        "before-first-apply": {"f:data": {".": {}, "f:a": {}, "f:b": {}}},
    }

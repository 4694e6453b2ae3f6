"""CustomResourceDefinitions: what they add, and what becomes of it when they go."""

from __future__ import annotations

from sandbox_helpers import MERGE, Client
from widgets import DEFINITIONS, definition

GROUP = "t.example.com"
PATH = f"/apis/{GROUP}/v1/widgets"


def test_a_definition_serves_its_kind_and_takes_its_objects_along(api: Client, space: str) -> None:
    assert api("GET", PATH).status == 404
    assert api("POST", DEFINITIONS, definition(GROUP)).status == 201
    mine = f"/apis/{GROUP}/v1/namespaces/{space}/widgets"
    made = api("POST", mine, {"metadata": {"name": "w"}, "spec": {"size": 2}})
    assert (made.status, made.body["spec"]) == (201, {"size": 2, "color": "red"})
    assert api("PATCH", f"{mine}/w", {"spec": {"size": 11}}, media=MERGE).status == 422
    assert api("PATCH", f"{mine}/w/scale", {"spec": {"replicas": 3}}, media=MERGE).body["spec"] == {"replicas": 3}
    assert api("GET", f"{mine}/w").body["spec"]["replicas"] == 3
    api("PATCH", f"{mine}/w", {"metadata": {"finalizers": ["t.example.com/hold"]}}, media=MERGE)
    assert api("DELETE", f"{DEFINITIONS}/widgets.{GROUP}").body["metadata"]["deletionTimestamp"]
    assert api("GET", f"{mine}/w").status == 200
    api("PATCH", f"{mine}/w", {"metadata": {"finalizers": None}}, media=MERGE)
    for _ in range(200):
        if api("GET", PATH).status == 404:
            break
    assert api("GET", f"{DEFINITIONS}/widgets.{GROUP}").status == 404
    assert api("POST", DEFINITIONS, definition(GROUP)).status == 201
    assert api("GET", PATH).body["items"] == []
    api("DELETE", f"{DEFINITIONS}/widgets.{GROUP}")


def test_two_versions_are_two_views_of_the_same_objects(api: Client, space: str) -> None:
    made = definition("v.example.com")
    second = {**made["spec"]["versions"][0], "name": "v2", "storage": False}
    made["spec"] = {**made["spec"], "versions": [*made["spec"]["versions"], second]}
    assert api("POST", DEFINITIONS, made).status == 201
    base = f"/apis/v.example.com/{{}}/namespaces/{space}/widgets"
    assert api("POST", base.format("v1"), {"metadata": {"name": "w"}, "spec": {"size": 2}}).status == 201
    seen = api("GET", f"{base.format('v2')}/w").body
    assert (seen["apiVersion"], seen["spec"]["size"]) == ("v.example.com/v2", 2)
    api("DELETE", f"{DEFINITIONS}/widgets.v.example.com")

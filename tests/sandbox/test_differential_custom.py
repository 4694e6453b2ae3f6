"""Custom resources on the sandbox and on a real API server: pruned, defaulted, refused and shown the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from differences import ask, differences, normal, until
from sandbox_helpers import APPLY, JSON_PATCH, MERGE, STRATEGIC, TABLE, Client
from widgets import DEFINITIONS, definition, ruled

pytestmark = pytest.mark.cluster

GROUP = "diff.example.com"
PATH = f"/apis/{GROUP}/v1/namespaces/{{ns}}/widgets"
LIVE = f"{PATH}/live"
DRY = "?dryRun=All"


def widget(spec: dict[str, Any] | None, name: str = "new", **more: Any) -> dict[str, Any]:
    made = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": name, "namespace": "{ns}"}, **more}
    return made if spec is None else {**made, "spec": spec}


def post(spec: dict[str, Any] | None, query: str = DRY, **more: Any) -> tuple[Any, ...]:
    return ("POST", PATH + query, widget(spec, **more))


RULED = "/apis/ruled.example.com/v1/namespaces/{ns}/widgets"


def rule(spec: dict[str, Any], name: str = "new") -> tuple[Any, ...]:
    return ("POST", RULED + DRY, {**widget(spec, name), "apiVersion": "ruled.example.com/v1"})


def defined(*rules: dict[str, Any]) -> tuple[Any, ...]:
    return ("POST", DEFINITIONS + DRY, ruled("x.example.com", *rules))


CASES: dict[str, tuple[Any, ...]] = {
    "pruned and completed": post({"size": 3, "extra": 1}),
    "unknown field, strict": post({"size": 3, "extra": {"a": 1}}, f"{DRY}&fieldValidation=Strict"),
    "too large": post({"size": 30}),
    "no such choice": post({"size": 3, "color": "green"}),
    "too long": post({"size": 3, "name": "TOOLONG1"}),
    "too many": post({"size": 3, "tags": ["a", "b", "c"]}),
    "pattern": post({"size": 1, "name": "AB"}),
    "too small": post({"size": 0}),
    "wrong type": post({"size": "x"}),
    "fraction": post({"size": 1.5}),
    "missing": post({}),
    "missing altogether": post(None),
    "list of the wrong type": post({"size": 1, "tags": "x"}),
    "map of the wrong type": post({"size": 1, "labels": {"a": 1}}),
    "free, and either type": post({"size": 1, "port": "http", "free": {"x": [1]}}),
    "twins in a keyed list": post({"size": 1, "parts": [{"name": "a"}, {"name": "a"}]}),
    "no key in a keyed list": post({"size": 1, "parts": [{"v": 1}]}),
    "defaults in a list": post({"size": 1, "parts": [{"name": "a"}, {"name": "b", "v": 1}]}),
    "status at creation": post({"size": 1}, status={"replicas": 4}),
    "bad name": post({"size": 1}, name="Bad_Name"),
    "merge": ("PATCH", LIVE + DRY, {"spec": {"size": 4, "labels": {"b": "c"}}}, MERGE),
    "merge, wrong": ("PATCH", LIVE + DRY, {"spec": {"size": 40}}, MERGE),
    "json": ("PATCH", LIVE + DRY, [{"op": "replace", "path": "/spec/size", "value": 5}], JSON_PATCH),
    "strategic": ("PATCH", LIVE + DRY, {"spec": {"size": 4}}, STRATEGIC),
    "apply, shared list": (
        "PATCH",
        f"{LIVE}{DRY}&fieldManager=m",
        widget({"parts": [{"name": "second", "v": 9}]}, "live"),
        APPLY,
    ),
    "apply, conflict": ("PATCH", f"{LIVE}{DRY}&fieldManager=m", widget({"size": 9}, "live"), APPLY),
    "status": ("PATCH", f"{LIVE}/status{DRY}", {"status": {"replicas": 2}, "spec": {"size": 9}}, MERGE),
    "scale": ("GET", f"{LIVE}/scale"),
    "scale, set": ("PATCH", f"{LIVE}/scale{DRY}", {"spec": {"replicas": 4}}, MERGE),
    "get": ("GET", LIVE),
    "get what is not there": ("GET", f"{PATH}/nope"),
    "delete": ("DELETE", LIVE + DRY),
    "bad field selector": ("GET", f"{PATH}?fieldSelector=spec.size%3D1"),
    "rules": ("GET", f"{RULED}/live"),
    "rule": rule({"min": 9}),
    "rule, nothing wrong": rule({"min": 1}),
    "rule of the object": rule({"min": 1}, name="forbidden"),
    "rule, required first": rule({"max": 9}),
    "rule, too long first": rule({"min": 9, "name": "much too long"}),
    "rule, its own words and place": rule({"min": 1, "when": "2019-01-01T00:00:00Z"}),
    "rule, late enough": rule({"min": 1, "when": "2021-01-01T00:00:00Z"}),
    "rule, another reason": rule({"min": 1, "every": "3h"}),
    "rule of a quantity": rule({"min": 1, "size": "3Gi"}),
    "rule of no quantity": rule({"min": 1, "size": "x"}),
    "rule of either type": rule({"min": 1, "port": 200}),
    "rule of either type, text": rule({"min": 1, "port": "http"}),
    "rule, no such key": rule({"min": 1, "free": {"something": 1}}),
    "rule of a URL": rule({"min": 1, "url": "https://other.com/x"}),
    "rule of a number": rule({"min": 1, "share": 3}),
    "rule of a number that is whole": rule({"min": 1, "share": 1}),
    "rule of a list": rule({"min": 1, "words": ["abc", "bcd"]}),
    "rule of an item": rule({"min": 1, "parts": [{"k": "a", "v-x": 11}]}),
    "rule of a map": rule({"min": 1, "labels": {"toolong": "xx"}}),
    "rule of a map's value": rule({"min": 1, "labels": {"a": "x"}}),
    "rules, several": rule({"min": 9, "every": "3h", "size": "5Gi"}),
    "rule of a change": ("PATCH", f"{RULED}/live{DRY}", {"spec": {"name": "other"}}, MERGE),
    "rule of a change, shrinking": ("PATCH", f"{RULED}/live{DRY}", {"spec": {"parts": [{"k": "a", "v-x": 1}]}}, MERGE),
    "rule of a change, growing": ("PATCH", f"{RULED}/live{DRY}", {"spec": {"parts": [{"k": "a", "v-x": 7}]}}, MERGE),
    "rule of a change, other item": ("PATCH", f"{RULED}/live{DRY}", {"spec": {"parts": [{"k": "b", "v-x": 1}]}}, MERGE),
    "rule of a change, taken away": ("PATCH", f"{RULED}/live{DRY}", {"spec": {"name": None}}, MERGE),
    "definition, rule of no field": defined({"rule": "self.nope > 1"}),
    "definition, rule of no field of a field": defined({"rule": "self.free.nope == self.min"}),
    "definition, no rule": defined({"rule": " "}),
    "definition, rule that ends too soon": defined({"rule": "self.min >"}),
    "definition, rule of nobody": defined({"rule": "zz == 1"}),
    "definition, rule that is no condition": defined({"rule": "'x' + 'y'"}),
    "definition, place of a part": defined({"rule": "true", "fieldPath": ".free.something"}),
    "definition, place without a dot": defined({"rule": "true", "fieldPath": "min"}),
    "definition, message of two lines": defined({"rule": "true", "message": "a\nb"}),
    "definition, rule of two lines": defined({"rule": "true ||\nfalse"}),
    "definition, empty message": defined({"rule": "true", "message": " "}),
    "definition, no such reason": defined({"rule": "true", "reason": "Odd"}),
    "definition, no such place": defined({"rule": "true", "fieldPath": ".nope"}),
    "definition, bad message": defined({"rule": "true", "messageExpression": "self.nope"}),
    "definition, bad name": ("POST", DEFINITIONS + DRY, {**definition("x.example.com"), "metadata": {"name": "foo"}}),
}


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-custom-{uuid.uuid4().hex[:6]}"
    live = widget({"size": 3, "replicas": 2, "parts": [{"name": "first"}]}, "live")
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
        for group, made in ((GROUP, definition(GROUP)), ("ruled.example.com", ruled("ruled.example.com"))):
            client("POST", DEFINITIONS, made)
            path = f"/apis/{group}/v1/widgets"
            until(lambda client=client, path=path: client("GET", path).status == 200)
        made = ("PATCH", f"{LIVE}?fieldManager=first", live, APPLY)
        until(lambda client=client, made=made: ask(client, made, namespace).status in {200, 201})
        kept = rule({"min": 1, "name": "same", "parts": [{"k": "a", "v-x": 5}]}, "live")
        until(lambda client=client, kept=kept: ask(client, (kept[0], RULED, kept[2]), namespace).status in {201, 409})
    yield real, api, namespace
    for client in (real, api):
        client("DELETE", f"{DEFINITIONS}/widgets.{GROUP}")
        client("DELETE", f"{DEFINITIONS}/widgets.ruled.example.com")
        client("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("name", CASES)
def test_both_answer_the_same_about_custom_resources(both: tuple[Client, Client, str], name: str) -> None:
    theirs, ours = (ask(client, CASES[name], both[2]) for client in both[:2])
    found = differences(normal(theirs.body, both[2]), normal(ours.body, both[2]))
    assert (theirs.status, found) == (ours.status, [])


def test_both_show_the_columns_that_the_definition_names(both: tuple[Client, Client, str]) -> None:
    seen = []
    for client in both[:2]:
        table = client("GET", PATH.replace("{ns}", both[2]), accept=TABLE).body
        columns = [(c["name"], c["type"], c["priority"]) for c in table["columnDefinitions"]]
        seen.append((columns, table["rows"][0]["cells"][:3]))
    assert seen[0] == seen[1]


def test_both_serve_and_describe_the_definition_the_same(both: tuple[Client, Client, str]) -> None:
    seen = []
    for client in both[:2]:
        made = client("GET", f"{DEFINITIONS}/widgets.{GROUP}").body
        resources = client("GET", f"/apis/{GROUP}/v1").body["resources"]
        for resource in resources:
            resource.pop("storageVersionHash", None)
            resource["verbs"].sort()
        made["spec"].get("names", {}).pop("singular", None)
        reasons = [(c["type"], c["status"], c["reason"]) for c in made["status"]["conditions"]]
        seen.append(
            (made["spec"], made["metadata"].get("finalizers"), made["status"]["acceptedNames"], reasons, resources)
        )
    assert differences(list(seen[0]), list(seen[1])) == []

"""A diff says all that differs, and its inverse, sent as a JSON Patch, puts everything back."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_tools.changes.diff import Edit, compare, inverse, json_patch, render_path, value_at
from mcp_tools.changes.model import ABSENT

keys = st.sampled_from(["a", "b", "spec", "x/y", "m~n", "~1", "app.io/name", "", "0", "name"])
leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "text", 1.5])
named = st.lists(
    st.tuples(st.sampled_from(["web", "db", "a/b", "7"]), st.dictionaries(keys, leaves, max_size=3)),
    unique_by=lambda item: item[0],
    max_size=4,
).map(lambda items: [{**fields, "name": name} for name, fields in items])
values = st.recursive(
    leaves | named,
    lambda inner: st.dictionaries(keys, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(["spec", "data", "x/y"]), values, max_size=3).map(
    lambda body: {**body, "metadata": {"name": "x"}}
)


def sent(live: dict[str, Any], edits: tuple[Edit, ...]) -> dict[str, Any]:
    """What an API server makes of the edits, by a JSON Patch implementation that is not ours."""
    done: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(live), json_patch(live, edits))
    return done


def normal(value: Any) -> Any:
    """The value with its named lists in order, in which both sides of a diff may differ."""
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(normal, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def same(a: Any, b: Any) -> bool:
    return json.dumps(normal(a), sort_keys=True) == json.dumps(normal(b), sort_keys=True)


def forward(before: dict[str, Any], after: dict[str, Any]) -> tuple[Edit, ...]:
    return tuple(Edit(change.path, change.new) for change in compare(before, after))


@given(objects, objects)
@example({"metadata": {}, "spec": {"l": [{"name": "a"}]}}, {"metadata": {}, "spec": {"l": [{"name": "b"}]}})
@example({"metadata": {}, "data": {"x/y": {"m~n": 1}}}, {"metadata": {}})
@example({"metadata": {}, "data": {"a": True}}, {"metadata": {}, "data": {"a": 1}})
@example({"metadata": {}, "spec": {"a": None}}, {"metadata": {}, "spec": {"a": {"b": 1}}})
@example(
    {"metadata": {}, "spec": {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}},
    {"metadata": {}, "spec": {"ports": [{"port": 53, "protocol": "TCP"}]}},
)
def test_undoing_a_diff_gives_what_was_there(a: dict[str, Any], b: dict[str, Any]) -> None:
    changes = compare(a, b)
    undone = sent(b, inverse(changes))
    assert same(a, undone)
    assert same(b, sent(a, forward(a, b)))
    for change in changes:
        assert value_at(a, change.path) == change.old
        assert value_at(b, change.path) == change.new


@given(objects, st.randoms())
def test_the_order_of_a_named_list_is_no_difference(a: dict[str, Any], random: Any) -> None:
    a["spec"] = {"containers": [{"name": "app", "image": "x:1"}, {"name": "log", "image": "y:1"}, {"name": "z"}]}
    b = copy.deepcopy(a)
    random.shuffle(b["spec"]["containers"])
    assert compare(a, b) == ()
    b["spec"]["containers"][0]["image"] = "other:2"
    (change,) = compare(a, b)
    assert change.path[-1] == "image"
    assert compare(a, sent(b, inverse((change,)))) == ()


def test_a_parent_that_went_away_is_made_again() -> None:
    a = {"metadata": {"annotations": {"app.io/x~y": "1"}}, "spec": {}}
    b = {"metadata": {}, "spec": {}}
    edit = Edit(("metadata", "annotations", "app.io/x~y"), "1")
    assert sent(b, (edit,)) == a
    assert sent(a, (Edit(("metadata", "annotations"), ABSENT),)) == b
    for live in (a, b):
        assert json_patch(live, (Edit(("metadata", "annotations", "gone"), ABSENT),)) == []
    assert sent({"metadata": {"annotations": None}, "spec": {}}, (edit,)) == a


def test_an_edit_finds_its_container_wherever_it_stands_now() -> None:
    live = {"metadata": {}, "spec": {"containers": [{"name": "sidecar"}, {"name": "app", "image": "x:1"}]}}
    path = ("spec", "containers", ("name", "app"), "image")
    assert json_patch(live, (Edit(path, "x:2"),)) == [
        {"op": "replace", "path": "/spec/containers/1/image", "value": "x:2"}
    ]
    assert render_path(path) == "spec.containers[app].image"


def test_what_the_server_writes_by_itself_is_no_change() -> None:
    before = {"metadata": {"name": "x", "resourceVersion": "1", "generation": 1}, "spec": {}, "status": {"a": 1}}
    after = {
        "metadata": {
            "name": "x",
            "resourceVersion": "2",
            "generation": 2,
            "managedFields": [{}],
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {},
        "status": {"a": 2},
    }
    assert compare(before, after) == ()

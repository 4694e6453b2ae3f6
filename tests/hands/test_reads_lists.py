"""Lists with chosen fields and order, and what a manifest would change; on the sandbox."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, deployment, deployments

from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox


def config_maps(space: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{space}/configmaps" + (f"/{name}" if name else "")


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@pytest.fixture
def sizes(kube: Kube, space: str) -> str:
    for name, size in (("a", "9"), ("b", "10"), ("c", "500m"), ("d", "")):
        kube.make(config_maps(space), config_map(name, **({"size": size} if size else {"other": "x"})))
    return space


@pytest.mark.parametrize(("order", "names"), [("data.size", "cabd"), ("-data.size", "bacd"), ("-Name", "dcba")])
def test_a_list_is_sorted_as_people_count_and_what_has_no_value_comes_last(
    box: Toolbox, sizes: str, order: str, names: str
) -> None:
    given = {"kind": "cm", "sort_by": order, "columns": ["data.size", "metadata.namespace"]}
    rows = box.call("list_resources", {**given, "field_selector": "metadata.name!=kube-root-ca.crt"}).data["rows"]
    assert "".join(row[0] for row in rows) == names
    assert {tuple(row) for row in rows} >= {("a", "9", sizes), ("d", None, sizes)}


def test_an_order_and_a_path_that_mean_nothing_are_told(box: Toolbox, sizes: str) -> None:
    with pytest.raises(UsageError, match="Sort by Name, Data, Age"):
        box.call("list_resources", {"kind": "cm", "sort_by": "colour"})
    with pytest.raises(UsageError, match="no field path"):
        box.call("list_resources", {"kind": "cm", "columns": ["data..[size"]})


def test_a_list_without_rows_may_come_without_columns(box: Toolbox, space: str) -> None:
    data = box.call("list_resources", {"kind": "pods.metrics.k8s.io", "namespace": space}).data
    assert data["rows"] == []


def test_a_field_of_a_secret_is_masked_wherever_it_is_cut_out(box: Toolbox, kube: Kube, space: str) -> None:
    value = base64.b64encode(b"hunter-two").decode()
    secret = {"metadata": {"name": "s"}, "data": {"size": value}}
    kube.make(f"/api/v1/namespaces/{space}/secrets", secret)
    env = [{"name": "DB_PASSWORD", "value": "hunter-three"}, {"name": "COLOUR", "value": "blue"}]
    kube.make(deployments(space), deployment("web", container={"env": env}))
    told = [
        box.call("list_resources", {"kind": kind, "columns": columns}).data["rows"]
        for kind, columns in (
            ("secrets", ["data.size", "data", "data[*]"]),
            ("deploy", ["spec.template.spec.containers[app].env[*].value"]),
        )
    ]
    words = json.dumps(told)
    assert value not in words
    assert "hunter" not in words
    assert "blue" in words


def test_a_manifest_is_compared_object_by_object_and_nothing_is_written(box: Toolbox, kube: Kube, space: str) -> None:
    before = kube.make(config_maps(space), config_map("kept", a="1"))
    text = "\n".join(f"line {number}" for number in range(100))
    kube.make(config_maps(space), config_map("long", text=text))
    documents = [
        config_map("kept", a="2"),
        config_map("long", text=text.replace("line 50", "line fifty")),
        config_map("new", a="1"),
        config_map("Not_A_Name", a="1"),
        {"apiVersion": "example.com/v1", "kind": "Unknown", "metadata": {"name": "x"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{space}-more"}},
        {**config_map("inside", a="1"), "metadata": {"name": "inside", "namespace": f"{space}-more"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"size": "hunter-two"}},
    ]
    result = box.call("diff_manifest", {"manifest": "---\n".join(json.dumps(item) + "\n" for item in documents)})
    rows = {row["object"].split(" ")[0]: row for row in result.data["objects"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "configmap/kept": "differs",
        "configmap/long": "differs",
        "configmap/new": "missing",
        "configmap/Not_A_Name": "refused",
        "unknown/x": "refused",
        f"namespace/{space}-more": "missing",
        "configmap/inside": "missing",
        "secret/s": "missing",
    }
    assert rows["configmap/kept"]["fields"] == [{"path": "data.a", "old": "1", "new": "2"}]
    (field,) = rows["configmap/long"]["fields"]
    assert {"-line 50", "+line fifty"} <= set(field["lines"])
    assert len(field["lines"]) < 10
    assert "hunter" not in json.dumps(result.data)
    assert kube.get(config_maps(space, "kept"))["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    names = {item["metadata"]["name"] for item in kube.get(config_maps(space))["items"]}
    assert not names & {"new", "inside"}


def test_a_manifest_that_is_live_already_differs_in_nothing(box: Toolbox, kube: Kube, space: str) -> None:
    manifest = json.dumps(config_map("here", a="1"))
    assert box.call("apply_manifest", {"manifest": manifest}).data["status"] == "verified"
    result = box.call("diff_manifest", {"manifest": manifest})
    assert result.summary == "1 object: all as the manifest says."

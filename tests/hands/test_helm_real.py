"""What is said of releases on a real cluster is what `helm` says, and what is foreseen is what `helm` does."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hands_helpers import Kube, Person, deployments, done
from helm_helpers import Helm, helm_on, make_chart

from mcp_tools.cluster.target import Target
from mcp_tools.toolbox import Toolbox

pytestmark = pytest.mark.cluster


@pytest.fixture
def place(real: Kube) -> Iterator[str]:
    name = f"helm-{uuid.uuid4().hex[:8]}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    real.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def helm(real: Kube, place: str) -> Helm:
    return helm_on(os.environ["KUBECONFIG"], place)


@pytest.fixture
def hands(place: str, tmp_path: Path) -> Iterator[Toolbox]:
    person = Person()
    box = Toolbox(Target(namespace=place), approver=person.approve, journal=tmp_path / "journal.db")
    yield box
    box.close()


def test_helm_and_shipmate_say_the_same_and_what_was_foreseen_comes_true(
    hands: Toolbox, real: Kube, helm: Helm, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chart = str(make_chart(tmp_path))
    helm("install", "shop", chart, "--set", "colour=green", "--wait", "--timeout", "60s")
    # Somebody else chose the number of replicas since: Helm is told to take it over, and the person, too.
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "shop", "namespace": place}}
    real.connection.write("PUT", f"{deployments(place, 'shop')}/scale", {**scale, "spec": {"replicas": 2}})
    upgrade = {"release": "shop", "chart": chart, "set": {"colour": "red", "hook": True}}
    foreseen = hands.call("helm_releases", {"action": "diff", **upgrade}).data
    assert any("taken over" in note for note in foreseen["notes"])
    before = real.get(deployments(place, "shop"))["spec"]
    changed = done(hands, "change_release", action="upgrade", **upgrade)
    after = real.get(deployments(place, "shop"))["spec"]
    (fields,) = [row["fields"] for row in foreseen["objects"] if row["object"].startswith("deployment/")]
    assert {row["path"]: row["new"] for row in fields} == {
        "spec.replicas": after["replicas"],
        "spec.template.spec.containers[web].env[COLOUR].value": "red",
    }
    before["replicas"] = after["replicas"]
    before["template"]["spec"]["containers"][0]["env"] = [{"name": "COLOUR", "value": "red"}]
    assert before == after
    assert changed["replicas"] == {"desired": 1, "ready": 1}
    assert_the_same(hands, helm)
    bad = {"release": "shop", "chart": chart, "set": {"migration": "absent:1"}}
    told = hands.call("change_release", {"action": "upgrade", **bad}).data
    assert told["status"] == "rolled_back"
    assert "job/shop-migrate" in told["reason"]
    assert "its image cannot be pulled" in told["reason"]
    assert_the_same(hands, helm)


def assert_the_same(hands: Toolbox, helm: Helm) -> None:
    (row,) = ask(hands, "list")["releases"]
    (theirs,) = json.loads(helm("list", "-o", "json"))
    assert {key: str(row[key]) for key in ("name", "namespace", "revision", "status", "chart", "app_version")} == {
        key: theirs[key] for key in ("name", "namespace", "revision", "status", "chart", "app_version")
    }
    revisions = [(row["revision"], row["status"], row["chart"]) for row in ask(hands, "history")["revisions"]]
    history = json.loads(helm("history", "shop", "-o", "json"))
    assert revisions == [(row["revision"], row["status"], row["chart"]) for row in reversed(history)]
    values = {row["path"]: row["value"] for row in ask(hands, "values", full=True)["values"]}
    assert values == json.loads(helm("get", "values", "shop", "--all", "-o", "json"))
    objects = {
        f"{document['kind'].lower()}/{document['metadata']['name']}"
        for document in yaml.safe_load_all(helm("get", "manifest", "shop"))
        if document
    }
    assert set(ask(hands, "manifest")["objects"]) == objects


def ask(hands: Toolbox, action: str, **given: Any) -> dict[str, Any]:
    release = {} if action == "list" else {"release": "shop"}
    return dict(hands.call("helm_releases", {"action": action, **release, **given}).data)

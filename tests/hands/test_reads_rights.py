"""What a user with few rights is told on a real cluster: what there is to see, and what could not be seen."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hands_helpers import deployment
from needs import missing
from population import kubectl, kubectl_json

from mcp_tools.cluster.target import Target
from mcp_tools.errors import Forbidden, NotFound
from mcp_tools.toolbox import Toolbox

pytestmark = pytest.mark.cluster

Login = Callable[..., Toolbox]


@pytest.fixture(scope="module")
def space() -> Iterator[str]:
    if not os.environ.get("KUBECONFIG"):
        missing("no real cluster: set KUBECONFIG to the kubeconfig of one")
    name = f"rights-{uuid.uuid4().hex[:6]}"
    kubectl("create", "ns", name)
    image = {"image": "busybox:latest", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "1000"]}
    kubectl("create", "-f", "-", "-n", name, given=yaml.safe_dump(deployment("web", replicas=1, container=image)))
    kubectl("create", "cm", "web", "-n", name)
    kubectl("rollout", "status", "deploy/web", "-n", name, "--timeout=60s")
    yield name
    kubectl("delete", "ns", name, "--wait=false")


@pytest.fixture
def login(space: str, tmp_path: Path) -> Iterator[Login]:
    """Logs in as a service account that may only do what is given: `verbs resources` in the namespace."""
    boxes: list[Toolbox] = []

    def make(*rules: str) -> Toolbox:
        name = f"few-{uuid.uuid4().hex[:6]}"
        kubectl("create", "sa", name, "-n", space)
        for number, rule in enumerate(rules):
            verbs, resources = rule.split(" ")
            role = f"{name}-{number}"
            kubectl("create", "role", role, f"--verb={verbs}", f"--resource={resources}", "-n", space)
            kubectl("create", "rolebinding", role, f"--role={role}", f"--serviceaccount={space}:{name}", "-n", space)
        config = yaml.safe_load(kubectl("config", "view", "--raw", "--minify", "--flatten"))
        token = kubectl("create", "token", name, "-n", space).strip()
        config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config))
        boxes.append(Toolbox(Target(kubeconfig=str(path), namespace=space), journal=tmp_path / "journal.db"))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


def test_an_overview_shows_what_may_be_seen_and_names_the_rest(login: Login, space: str) -> None:
    result = login("get,list pods").call("cluster_overview", {})
    assert "1 of 1 pod ready" in result.summary
    assert result.data["unseen"] == ["deployments", "statefulsets", "daemonsets", "services"]
    assert "Not seen, for want of rights: deployments" in result.summary


def test_who_may_see_nothing_is_refused_with_the_rule_that_is_missing(login: Login, space: str) -> None:
    nobody = login()
    for tool, given in (
        ("cluster_overview", {}),
        ("list_resources", {"kind": "pods"}),
        ("list_resources", {"contains": "web"}),
        ("describe_resource", {"target": "web"}),
        ("get_logs", {"target": "pod/web"}),
        ("list_resources", {"kind": "events"}),
        ("list_resources", {"usage": True}),
        ("check_access", {"verb": "get", "resource": "pods", "who": "anyone"}),
    ):
        with pytest.raises(Forbidden) as caught:
            nobody.call(tool, given)
        assert "needs a" in caught.value.hint, tool


def test_a_search_says_where_it_did_not_look(login: Login, space: str) -> None:
    result = login("list configmaps,pods").call("list_resources", {"contains": "web", "namespace": space})
    assert {row[1].partition("/")[0] for row in result.data["rows"]} == {"configmap", "pod"}
    assert {"deployments", "secrets"} <= set(result.data["unseen"])
    assert "Not seen" in result.summary


def test_a_description_says_that_pods_and_events_were_not_seen(login: Login, space: str) -> None:
    box = login("get deployments.apps")
    result = box.call("describe_resource", {"target": "deploy/web"})
    assert result.data["unseen"] == ["pods", "events"]
    tree = box.call("describe_resource", {"target": "deploy/web", "owned": True})
    assert tree.data["owns"] == []
    assert "replicasets" in tree.data["unseen"]
    assert "events" not in (
        login("get deployments.apps", "list events,pods")
        .call("describe_resource", {"target": "web"})
        .data.get("unseen")
        or []
    )


def test_a_name_that_is_not_found_may_be_of_a_kind_that_may_not_be_seen(login: Login, space: str) -> None:
    box = login("get,list pods")
    with pytest.raises(NotFound, match="You may not look at deployments"):
        box.call("describe_resource", {"target": "web"})
    (pod,) = kubectl_json("get", "pods", "-n", space)["items"]
    assert box.call("describe_resource", {"target": pod["metadata"]["name"]}).data["object"]["kind"] == "Pod"


def test_events_of_an_object_say_whose_events_may_be_missing(login: Login, space: str) -> None:
    result = login("get deployments.apps", "list events").call("list_resources", {"about": "deploy/web"})
    assert {row["object"].partition("/")[0] for row in result.data["events"]} == {"deployment"}
    assert {"pods", "replicasets"} <= set(result.data["unseen"])


def test_who_can_is_told_as_far_as_the_roles_may_be_read(login: Login, space: str) -> None:
    box = login("list roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io", "get,list pods")
    given = {"verb": "get", "resource": "pods", "who": "anyone"}
    result = box.call("check_access", given)
    assert result.data["total"] >= 1
    assert result.data["unseen"] == ["clusterroles", "clusterrolebindings"]


def test_a_rollout_that_cannot_be_judged_names_the_rule_that_is_missing(login: Login, space: str) -> None:
    # Without ReplicaSets nobody can tell the new pods from the old ones.
    with pytest.raises(Forbidden) as caught:
        login("get deployments.apps", "list pods").call("describe_resource", {"target": "web", "rollout": True})
    assert 'resources: ["replicasets"], verbs: ["list"]' in caught.value.hint
    box = login("get deployments.apps", "list pods,replicasets.apps")
    assert box.call("describe_resource", {"target": "web", "rollout": True}).data["complete"]


def test_a_manifest_that_may_not_be_applied_is_refused_object_by_object(login: Login, space: str) -> None:
    manifest: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "new"}},
    ]
    box = login("get,patch,create configmaps")
    data = box.call("diff_manifest", {"manifest": yaml.safe_dump_all(manifest)}).data
    assert {row["object"].split("/")[0]: row["state"] for row in data["objects"]} == {
        "secret": "refused",
        "configmap": "differs",
    }

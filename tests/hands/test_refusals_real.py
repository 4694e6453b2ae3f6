"""Whatever RBAC refuses on a real API server, the verb, the resource and the rule that would allow it are named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hands_helpers import Kube, deployment, deployments
from test_real_cluster import BUSYBOX, wait

from mcp_tools.changes.model import Decision
from mcp_tools.cluster.target import Target
from mcp_tools.errors import Conflict, Forbidden
from mcp_tools.toolbox import Toolbox

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
LOOK: dict[str, Any] = {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get", "list"]}


@pytest.fixture(scope="module")
def space(real: Kube) -> Iterator[str]:
    name = f"shipmate-refusals-{os.getpid()}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    container = {"image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}
    real.make(deployments(name), deployment("web", replicas=1, container=container))
    path = deployments(name, "web")
    wait(lambda: real.get(path).get("status", {}).get("readyReplicas") == 1)
    yield name
    real.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture
def weak(real: Kube, space: str, tmp_path: Path) -> Iterator[Callable[..., Toolbox]]:
    """Toolboxes of a service account that may do what its rules say."""
    boxes = []

    def make(*rules: dict[str, Any]) -> Toolbox:
        name = f"weak-{len(boxes)}-{tmp_path.name[-8:].strip('_').lower().replace('_', '-')}"
        real.make(f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": name}})
        token = real.make(f"/api/v1/namespaces/{space}/serviceaccounts/{name}/token", {"spec": {}})["status"]["token"]
        real.make(f"{RBAC.format(space)}/roles", {"metadata": {"name": name}, "rules": list(rules)})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": space}],
        }
        real.make(f"{RBAC.format(space)}/rolebindings", binding)
        config = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
        config["users"][0]["user"] = {"token": token}
        place = tmp_path / name
        place.write_text(yaml.safe_dump(config))
        target = Target(kubeconfig=str(place), namespace=space)
        boxes.append(Toolbox(target, approver=lambda _: Decision.APPROVED, journal=tmp_path / f"{name}.db"))
        return boxes[-1]

    yield make
    for box in boxes:
        box.close()


CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: b}}"


@pytest.mark.parametrize(
    ("rules", "tool", "arguments", "verb", "resource"),
    [
        ([], "describe_resource", {"target": "deployment/web"}, "get", "deployments"),
        ([], "list_resources", {"kind": "pods"}, "list", "pods"),
        ([LOOK], "scale", {"target": "deployment/web", "replicas": 2}, "patch", "deployments"),
        ([LOOK], "delete_resource", {"target": "deployment/web"}, "delete", "deployments"),
        ([LOOK], "apply_manifest", {"manifest": CONFIG}, "patch", "configmaps"),
        (
            [LOOK, {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}],
            "apply_manifest",
            {"manifest": CONFIG},
            "create",
            "configmaps",
        ),
        ([LOOK], "connect_pod", {"action": "exec", "target": "web", "command": ["ls"]}, "get|create", "pods/exec"),
    ],
    ids=["read", "list", "patch", "delete", "apply", "create", "exec"],
)
def test_a_refusal_names_the_verb_the_resource_and_the_rule(
    weak: Callable[..., Toolbox],
    rules: list[dict[str, Any]],
    tool: str,
    arguments: dict[str, Any],
    verb: str,
    resource: str,
) -> None:
    box = weak(*[{**rule, "resources": _without_exec(rule)} for rule in rules])
    with pytest.raises(Forbidden) as caught:
        box.call(tool, arguments)
    assert f'resources: ["{resource}"]' in caught.value.hint, caught.value
    assert any(f'verbs: ["{one}"]' in caught.value.hint for one in verb.split("|")), caught.value
    assert "Role in namespace" in caught.value.hint


def _without_exec(rule: dict[str, Any]) -> list[str]:
    # "*" takes in subresources, and exec is a get of one.
    return ["deployments", "replicasets", "pods", "configmaps"] if rule["resources"] == ["*"] else rule["resources"]


def test_an_eviction_that_is_refused_names_its_subresource(
    real: Kube, weak: Callable[..., Toolbox], space: str
) -> None:
    box = weak(LOOK)
    pod = real.get(f"/api/v1/namespaces/{space}/pods")["items"][0]["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": space}}
    with pytest.raises(Forbidden) as caught:
        box.connection.write("POST", f"/api/v1/namespaces/{space}/pods/{pod}/eviction", body)
    assert 'resources: ["pods/eviction"], verbs: ["create"]' in caught.value.hint


def test_a_pod_that_a_rollout_waits_for_in_vain_and_that_may_not_be_deleted_ends_the_wait(
    real: Kube, weak: Callable[..., Toolbox], space: str
) -> None:
    container = {"image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"]}
    body = deployment("kept", replicas=1, container=container)
    body |= {"kind": "StatefulSet", "spec": {**body["spec"], "serviceName": "kept"}}
    path = f"/apis/apps/v1/namespaces/{space}/statefulsets"
    real.make(path, body)
    wait(lambda: real.get(f"{path}/kept").get("status", {}).get("readyReplicas") == 1)
    change = {"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["patch"]}
    box = weak({**LOOK, "resources": ["*"]}, change)
    result = box.call("configure_workload", {"target": "statefulset/kept", "image": "registry.invalid/web:1"})
    assert result.data["status"] == "failed", result.summary
    assert "waits in vain for pod kept-0, which could not be deleted" in result.data["reason"]


def test_who_may_change_and_not_look_is_not_rolled_back_for_it(
    real: Kube, weak: Callable[..., Toolbox], space: str
) -> None:
    change = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}
    result = weak(change).call("scale", {"target": "deployment/web", "replicas": 2})
    assert result.data["status"] == "interrupted", result.summary
    assert "Applied, not verified" in result.summary
    assert real.get(deployments(space, "web"))["spec"]["replicas"] == 2


def test_a_writer_between_the_plan_and_its_approval_is_not_overwritten(real: Kube, space: str, tmp_path: Path) -> None:
    path = deployments(space, "web")

    def meddle(_: Any) -> Decision:
        real.merge(path, {"spec": {"minReadySeconds": 1}})
        return Decision.APPROVED

    box = Toolbox(Target(namespace=space), approver=meddle, journal=tmp_path / "journal.db")
    before = real.get(path)["spec"]["replicas"]
    with pytest.raises(Conflict, match="changed since the plan was shown"):
        box.call("scale", {"target": "deployment/web", "replicas": 5})
    assert real.get(path)["spec"]["replicas"] == before
    assert box.call("list_changes", {}).data["changes"][0]["status"] == "failed"
    box.close()

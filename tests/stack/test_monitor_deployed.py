"""The monitor's part of the chart: rights for exactly what its watches read, and a pod that becomes ready with them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from stack_helpers import Object, Render, missing, ok, run

from mcp_tools.cluster.connection import connect
from mcp_tools.cluster.target import Target
from mcp_tools.monitoring.cache import KINDS, Cache
from mcp_tools.monitoring.observing import measured
from mcp_tools.sandbox import lifecycle

pytestmark = pytest.mark.cluster
ON = ("monitor.enabled=true",)
PATHS = {
    "ServiceAccount": "/api/v1/namespaces/todo-app/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/todo-app/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/todo-app/rolebindings",
}
WATCHED = {(kind.group, kind.plural, verb) for kind in KINDS for verb in ("list", "watch")}
SECRETS = {("", "secrets", "list"), ("", "secrets", "watch")}
MEASURED = {("metrics.k8s.io", "nodes", "list"), ("metrics.k8s.io", "pods", "list")}


def of_monitor(objects: list[Object]) -> list[Object]:
    return [one for one in objects if one["metadata"]["labels"].get("app.kubernetes.io/name") == "monitor"]


def rights(objects: list[Object]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for one in objects
        for rule in one.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("everywhere", ["true", "false"])
def test_its_rights_are_those_that_the_watches_use_and_no_others(render: Render, everywhere: str) -> None:
    def given(*sets: str) -> set[tuple[str, str, str]]:
        return rights(of_monitor(render("dev", *ON, f"monitor.allNamespaces={everywhere}", *sets)))

    least = given()
    assert least == (WATCHED - SECRETS) | MEASURED
    assert given("monitor.secrets=true") - least == SECRETS
    assert given("monitor.volumeUsage=true") - least == {("", "nodes/proxy", "get")}
    assert given("monitor.config.log_errors=true") - least == {("", "pods/log", "get")}
    events = given("monitor.config.sinks.kubernetes_events=true") - least
    assert events == {("", "events", verb) for verb in ("get", "create", "patch")}


def test_it_is_not_there_unless_it_is_asked_for(render: Render) -> None:
    assert not of_monitor(render("dev"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[lifecycle.SandboxInfo]:
    yield lifecycle.ensure_running(tmp_path / "sandbox")
    lifecycle.stop(tmp_path / "sandbox")


@pytest.mark.parametrize("everywhere", ["true", "false"])
def test_with_its_own_token_it_sees_all_but_secrets(
    render: Render, sandbox: lifecycle.SandboxInfo, tmp_path: Path, everywhere: str
) -> None:
    admin = connect(Target(kubeconfig=str(sandbox.kubeconfig)))
    for one in of_monitor(render("dev", *ON, f"monitor.allNamespaces={everywhere}")):
        if one["kind"] in PATHS:
            admin.write("POST", PATHS[one["kind"]], one)
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = admin.write("POST", f"{PATHS['ServiceAccount']}/monitor/token", asked)["status"]["token"]
    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    own = connect(Target(kubeconfig=str(tmp_path / "config")))
    namespace = None if everywhere == "true" else "todo-app"
    with Cache(own, namespace) as cache:
        assert cache.wait(120)
        assert set(cache.unseen) == {"Secret"}
        assert cache.snapshot().all("Pod")
    usage, nodes = measured(own, namespace)
    assert usage
    assert nodes
    own.close()
    admin.close()


def test_a_real_cluster_runs_it_with_these_rights(render: Render, tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if not os.environ.get("KUBECONFIG") or kubectl is None:
        missing("no KUBECONFIG, or no kubectl")
    space = f"monitor-{uuid.uuid4().hex[:8]}"
    objects = of_monitor(render("dev", *ON, "monitor.config.interval_seconds=1", f"monitor.image.tag={tag()}"))
    text = yaml.safe_dump_all(objects).replace("namespace: todo-app", f"namespace: {space}")
    file = tmp_path / "monitor.yaml"
    file.write_text(text.replace("todo-app-todo-monitor", f"{space}-todo-monitor"))
    ok("kubectl", "create", "namespace", space)
    try:
        ok("kubectl", "--namespace", space, "apply", "-f", str(file))
        done = run("kubectl", "--namespace", space, "rollout", "status", "deployment/monitor", "--timeout=150s")
        logs = run("kubectl", "--namespace", space, "logs", "deployment/monitor").stdout
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{logs}"
        assert f"Watching namespace {space} of in-cluster" in logs
        assert "rules about them are silent: Secret." in logs
    finally:
        run("kubectl", "delete", "-f", str(file), "--wait=false")
        run("kubectl", "delete", "namespace", space, "--wait=false")


def tag() -> str:
    if run("docker", "image", "inspect", "shipmate-monitor:0.1.0").returncode:
        missing("no image shipmate-monitor:0.1.0: docker build -f assistant/Dockerfile -t shipmate-monitor:0.1.0 .")
    return "0.1.0"

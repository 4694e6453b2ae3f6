"""What the chart renders, and that the plain manifests are the same stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from stack_helpers import CHART, ROOT, Object, Render, ok, run

from mcp_tools.stack.by_helm import running

if TYPE_CHECKING:
    from mcp_tools.stack.settings import Environment

pytestmark = pytest.mark.cluster
VALUES = ("values", "values-dev", "values-staging", "values-prod", "values-doks")


def named(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(one["kind"], one["metadata"]["name"]): one for one in objects}


def without_helm(obj: Any) -> Any:
    """The object without the marks by which Helm finds its own."""
    if isinstance(obj, list):
        return [without_helm(one) for one in obj]
    if not isinstance(obj, dict):
        return obj
    marks = ("helm.sh/", "checksum/", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance")
    return {key: without_helm(value) for key, value in obj.items() if not key.startswith(marks)}


@pytest.mark.parametrize("values", VALUES)
def test_helm_finds_nothing_wrong(helm: str, values: str) -> None:
    ok(helm, "lint", "--strict", str(CHART), f"--values={CHART / values}.yaml")


def test_the_manifests_and_the_chart_for_development_are_the_same_stack(render: Render) -> None:
    numbered = sorted((ROOT / "manifests").glob("[0-9][0-9]-*.yaml"))
    plain = named([one for path in numbered for one in yaml.safe_load_all(path.read_text())])
    del plain["Namespace", "todo-app"]
    rendered = named(without_helm(render("dev")))
    assert rendered.keys() == plain.keys()
    for name, obj in rendered.items():
        assert obj == plain[name], name


def test_a_changed_setting_makes_new_pods_and_an_unchanged_one_does_not(render: Render) -> None:
    def pods(*sets: str) -> list[Object]:
        return [one["spec"]["template"] for one in render("dev", *sets) if one["kind"] == "Deployment"]

    assert pods() == pods()
    for before, after in zip(pods(), pods("config.LOG_LEVEL=DEBUG"), strict=True):
        assert before["metadata"]["annotations"] != after["metadata"]["annotations"]


def test_production_scales_with_its_load_behind_a_load_balancer_and_tls(render: Render) -> None:
    prod = named(render("prod"))
    assert prod["Service", "frontend"]["spec"]["type"] == "LoadBalancer"
    assert prod["Ingress", "todo-ingress"]["spec"]["tls"][0]["hosts"] == ["todo.example.com"]
    for name in ("backend", "frontend"):
        scaler = prod["HorizontalPodAutoscaler", name]["spec"]
        assert (scaler["minReplicas"], scaler["maxReplicas"], scaler["scaleTargetRef"]["name"]) == (2, 5, name)
        # The autoscaler's number would be undone by each upgrade.
        assert "replicas" not in prod["Deployment", name]["spec"]


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_room_that_is_looked_for_is_what_the_chart_asks_for(render: Render, environment: Environment) -> None:
    rendered = named(render(environment))
    least = {name: one["spec"]["minReplicas"] for (kind, name), one in rendered.items() if kind.startswith("Horiz")}
    asked = {
        name: (one["spec"].get("replicas", least.get(name)), containers_of(one)[0]["resources"])
        for (kind, name), one in rendered.items()
        if kind == "Deployment"
    }
    foreseen = {
        one["metadata"]["name"]: (one["spec"]["replicas"], containers_of(one)[0]["resources"])
        for one in running([], environment)
    }
    assert foreseen == asked


def containers_of(deployment: Object) -> list[Object]:
    containers: list[Object] = deployment["spec"]["template"]["spec"]["containers"]
    return containers


@pytest.mark.parametrize("values", ["dev", "staging", "prod", "doks"])
def test_every_pod_is_confined_and_has_probes_limits_and_a_policy(render: Render, values: str) -> None:
    objects = named(render(values))
    deployments = [one for one in objects.values() if one["kind"] == "Deployment"]
    assert len(deployments) == 3
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["resources"].keys() == {"requests", "limits"}
        assert {"startupProbe", "livenessProbe", "readinessProbe", "lifecycle"} <= container.keys()
        assert ("NetworkPolicy", deployment["metadata"]["name"]) in objects
        assert ("ServiceAccount", pod["serviceAccountName"]) in objects


def test_only_the_programs_that_use_the_database_know_its_password(render: Render) -> None:
    pods = {
        name: str(one["spec"]["template"]) for (kind, name), one in named(render("dev")).items() if kind == "Deployment"
    }
    assert {name for name, pod in pods.items() if "DATABASE_URL" in pod} == {"backend", "frontend"}
    assert "secretKeyRef" not in pods["mcp-server"]


def test_the_secret_is_made_from_values_only_where_no_existing_one_is_named(render: Render) -> None:
    assert ("Secret", "backend-secrets") not in named(render("dev"))
    sets = ("secret.existingSecret=", "secret.databaseUrl=postgresql://a@b/c", f"secret.betterAuthSecret={'x' * 32}")
    made = named(render("dev", *sets))["Secret", "backend-secrets"]
    assert made["stringData"] == {"DATABASE_URL": "postgresql://a@b/c", "BETTER_AUTH_SECRET": "x" * 32}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("publicUrl=http://todo.local/", "publicUrl"),
        ("components.frontend.service.type=Ingress", "service/type"),
        ("replicas=3", "replicas"),
        ("secret.existingSecret=", "secret.databaseUrl is needed"),
    ],
)
def test_a_value_that_cannot_work_is_named(helm: str, wrong: str, said: str) -> None:
    done = run(helm, "template", "todo", str(CHART), f"--set={wrong}")
    assert done.returncode != 0
    assert said in done.stderr

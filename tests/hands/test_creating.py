"""Objects made from a few words: as kubectl makes them, looked up where they must fit, and gone again after an undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, deployments, done, there

from mcp_tools.errors import Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox

RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
MADE: list[tuple[dict[str, Any], str, str, Any]] = [
    (
        {"kind": "deploy", "name": "cache", "image": "nginx:1.27", "replicas": 2, "port": 80, "env": {"A": "1"}},
        "/apis/apps/v1/namespaces/{}/deployments/cache",
        "spec.replicas",
        2,
    ),
    ({"kind": "svc", "name": "web", "target": "web"}, "/api/v1/namespaces/{}/services/web", "spec.ports.0.port", 8080),
    (
        {"kind": "service", "name": "out", "target": "web", "port": 80, "type": "NodePort"},
        "/api/v1/namespaces/{}/services/out",
        "spec.ports.0.targetPort",
        8080,
    ),
    (
        {"kind": "configmap", "name": "settings", "data": {"mode": "fast"}},
        "/api/v1/namespaces/{}/configmaps/settings",
        "data.mode",
        "fast",
    ),
    (
        {"kind": "secret", "name": "api", "data": {"token": "open sesame"}},
        "/api/v1/namespaces/{}/secrets/api",
        "data.token",
        "b3BlbiBzZXNhbWU=",
    ),
    (
        {"kind": "job", "name": "hello", "image": "busybox:latest", "command": ["echo", "hi"]},
        "/apis/batch/v1/namespaces/{}/jobs/hello",
        "spec.template.spec.containers.0.command",
        ["echo", "hi"],
    ),
    (
        {"kind": "cronjob", "name": "tick", "image": "busybox:latest", "schedule": "*/5 * * * *", "command": ["date"]},
        "/apis/batch/v1/namespaces/{}/cronjobs/tick",
        "spec.schedule",
        "*/5 * * * *",
    ),
    (
        {"kind": "role", "name": "reader", "rules": ["get,list pods,deployments", "get pods/log"]},
        RBAC + "/roles/reader",
        "rules.1.apiGroups.0",
        "apps",
    ),
    (
        {"kind": "rolebinding", "name": "readers", "target": "view-it", "subjects": ["sa/default", "user/jo"]},
        RBAC + "/rolebindings/readers",
        "subjects.1.name",
        "jo",
    ),
    (
        {"kind": "netpol", "name": "only-web", "target": "web", "subjects": ["web"], "port": 8080},
        "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/only-web",
        "spec.ingress.0.from.0.podSelector.matchLabels.app",
        "web",
    ),
    (
        {"kind": "pdb", "name": "web", "target": "web", "replicas": 1},
        "/apis/policy/v1/namespaces/{}/poddisruptionbudgets/web",
        "spec.minAvailable",
        1,
    ),
    (
        {"kind": "resourcequota", "name": "small", "data": {"pods": "50", "requests.cpu": "20"}},
        "/api/v1/namespaces/{}/resourcequotas/small",
        "spec.hard.pods",
        "50",
    ),
    (
        {"kind": "pvc", "name": "data", "size": "1Gi"},
        "/api/v1/namespaces/{}/persistentvolumeclaims/data",
        "spec.resources.requests.storage",
        "1Gi",
    ),
    (
        {"kind": "sa", "name": "robot"},
        "/api/v1/namespaces/{}/serviceaccounts/robot",
        "metadata.name",
        "robot",
    ),
]


@pytest.fixture
def served(kube: Kube, web: str) -> str:
    """A workload that declares its port."""
    container = {"name": "app", "ports": [{"containerPort": 8080}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    kube.connection.write("PATCH", web, patch, content_type="application/strategic-merge-patch+json")
    return web


@pytest.mark.parametrize(("given", "path", "field", "value"), MADE, ids=[str(made[0]["kind"]) for made in MADE])
def test_it_is_made_and_taken_away_again(
    box: Toolbox, kube: Kube, space: str, served: str, given: dict[str, Any], path: str, field: str, value: Any
) -> None:
    result = done(box, "create_resource", **given)
    found: Any = kube.get(path.format(space))
    for step in field.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    assert found == value
    assert "open sesame" not in str(result)
    assert "b3BlbiBzZXNhbWU" not in str(result)
    box.call("undo_change", {})
    assert not there(kube, path.format(space))


def test_an_ingress_finds_the_port_of_its_service(box: Toolbox, kube: Kube, space: str, served: str) -> None:
    done(box, "create_resource", kind="service", name="web", target="web", port=80)
    done(box, "create_resource", kind="ingress", name="web", target="web", host="web.local", path="/api")
    rule = kube.get(f"/apis/networking.k8s.io/v1/namespaces/{space}/ingresses/web")["spec"]["rules"][0]
    assert rule["host"] == "web.local"
    assert rule["http"]["paths"][0] == {
        "path": "/api",
        "pathType": "Prefix",
        "backend": {"service": {"name": "web", "port": {"number": 80}}},
    }


def test_what_is_made_fits_a_restricted_namespace(box: Toolbox, kube: Kube, space: str) -> None:
    kube.merge(
        f"/api/v1/namespaces/{space}", {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    )
    done(box, "create_resource", kind="deployment", name="cache", image="redis:7-alpine", port=6379)
    spec = kube.get(deployments(space, "cache"))["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsUser"] == 999
    assert spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


def test_a_new_namespace_and_what_is_in_it_are_one_plan(box: Toolbox, kube: Kube, space: str) -> None:
    steps = [
        {"tool": "create_resource", "arguments": {"kind": "ns", "name": f"{space}-new"}},
        {
            "tool": "create_resource",
            "arguments": {"kind": "deployment", "name": "one", "image": "nginx:1.27", "namespace": f"{space}-new"},
        },
    ]
    assert done(box, "change_several", steps=steps)["status"] == "verified"
    assert kube.get(deployments(f"{space}-new", "one"))["status"]["readyReplicas"] == 1
    kube.delete(f"/api/v1/namespaces/{space}-new")


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"kind": "deployment", "name": "x"}, UsageError, "needs an image"),
        ({"kind": "deployment", "name": "X y", "image": "nginx"}, UsageError, "no name"),
        ({"kind": "configmap", "name": "x", "image": "nginx"}, UsageError, "takes no image"),
        ({"kind": "node", "name": "x"}, UsageError, "as a manifest"),
        ({"kind": "deployment", "name": "web", "image": "nginx"}, Conflict, "already"),
        ({"kind": "service", "name": "x", "target": "nobody"}, NotFound, "nobody"),
        ({"kind": "service", "name": "x", "target": "configmap/kube-root-ca.crt"}, UsageError, "no pods"),
        ({"kind": "service", "name": "x", "target": "web"}, UsageError, "declares no port"),
        ({"kind": "rolebinding", "name": "x", "target": "r", "subjects": ["jo"]}, UsageError, "nobody"),
    ],
)
def test_what_cannot_be_made_says_what_it_needs(
    box: Toolbox, web: str, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        box.call("create_resource", given)

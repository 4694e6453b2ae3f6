"""Who may what, and what policies refuse."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from fidelity.model import DRY, Area, Case, Step

REVIEWS = "/apis/authorization.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}"
CORE = "/api/v1/namespaces/{ns}"
_VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*")
_RESOURCES = (("", "pods"), ("", "secrets"), ("", "configmaps"), ("apps", "deployments"), ("", "nodes"), ("*", "*"))
_USERS = ("anna", "ben", "carla", "system:serviceaccount:{ns}:robot")


def _roles() -> tuple[Step, ...]:
    def role(name: str, *rules: dict[str, Any]) -> Step:
        return Step("POST", f"{RBAC}/roles", {"metadata": {"name": name}, "rules": list(rules)})

    def binding(name: str, kind: str, role: str, *subjects: dict[str, str]) -> Step:
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
        body = {"metadata": {"name": name}, "roleRef": reference, "subjects": list(subjects)}
        return Step("POST", f"{RBAC}/rolebindings", body)

    user = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io"}
    return (
        role("pods", {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}),
        role("one", {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["*"]}),
        role("scaler", {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["update", "get"]}),
        binding("b1", "Role", "pods", {**user, "name": "anna"}),
        binding("b2", "Role", "one", {**user, "name": "anna"}, {**user, "name": "ben"}),
        binding("b3", "Role", "scaler", {"kind": "Group", "apiGroup": user["apiGroup"], "name": "scalers"}),
        binding("b4", "ClusterRole", "view", {"kind": "ServiceAccount", "name": "robot", "namespace": "{ns}"}),
        binding("b5", "ClusterRole", "edit", {**user, "name": "carla"}),
        binding("b6", "ClusterRole", "none-such", {**user, "name": "ben"}),
    )


def reviews(random: Random, count: int) -> Iterator[Case]:
    """SubjectAccessReviews and the reviews of oneself."""
    for _ in range(count):
        group, resource = random.choice(_RESOURCES)
        attributes: dict[str, Any] = {"namespace": "{ns}", "verb": random.choice(_VERBS), "resource": resource}
        if group:
            attributes["group"] = group
        if random.random() < 0.3:
            attributes["name"] = random.choice(["mine", "other"])
        if random.random() < 0.25:
            attributes["subresource"] = random.choice(["log", "exec", "scale", "status"])
        if random.random() < 0.15:
            attributes["namespace"] = random.choice(["kube-system", "none-such", ""])
        spec: dict[str, Any] = {"resourceAttributes": attributes}
        if random.random() < 0.1:
            spec = {"nonResourceAttributes": {"path": random.choice(["/healthz", "/metrics", "/api"]), "verb": "get"}}
        if random.random() < 0.1:
            yield Case("of oneself", (Step("POST", f"{REVIEWS}/selfsubjectaccessreviews", {"spec": spec}),))
            continue
        spec["user"] = random.choice(_USERS)
        spec["groups"] = random.choice([[], ["system:authenticated"], ["scalers"], ["system:masters"]])
        if random.random() < 0.05:
            spec.pop("user")
        if random.random() < 0.05:
            spec["resourceAttributes"] = "x"
        path = random.choice([f"{REVIEWS}/subjectaccessreviews"] * 3 + [
            "/apis/authorization.k8s.io/v1/namespaces/{ns}/localsubjectaccessreviews"])  # fmt: skip
        yield Case("access", (Step("POST", path, {"spec": spec}),))


_LIMITS = {
    "metadata": {"name": "limits"},
    "spec": {
        "limits": [
            {
                "type": "Container",
                "max": {"cpu": "500m", "memory": "1Gi"},
                "min": {"cpu": "100m"},
                "default": {"memory": "256Mi"},
                "defaultRequest": {"cpu": "200m"},
                "maxLimitRequestRatio": {"cpu": "4"},
            },
            {"type": "Pod", "max": {"cpu": "800m"}},
        ]
    },
}
_QUOTA = {
    "metadata": {"name": "quota"},
    "spec": {"hard": {"pods": "5", "requests.cpu": "700m", "limits.memory": "2Gi", "services.nodeports": "0"}},
}
_AMOUNTS = ("50m", "100m", "0.2", "400m", "600m", "1")
_MEMORY = ("64Mi", "512Mi", "1Gi", "3Gi")


def _policed() -> tuple[Step, ...]:
    return (
        Step(
            "PATCH",
            "/api/v1/namespaces/{ns}",
            {
                "metadata": {
                    "labels": {
                        "pod-security.kubernetes.io/enforce": "baseline",
                        "pod-security.kubernetes.io/warn": "restricted",
                    }
                }
            },
            "application/merge-patch+json",
        ),
        Step("POST", f"{CORE}/limitranges", _LIMITS),
        Step("POST", f"{CORE}/resourcequotas", _QUOTA),
    )


def _container(random: Random, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "image": "busybox:1"}
    resources: dict[str, Any] = {}
    if random.random() < 0.6:
        resources["requests"] = {"cpu": random.choice(_AMOUNTS)}
    if random.random() < 0.6:
        resources["limits"] = {"cpu": random.choice(_AMOUNTS), "memory": random.choice(_MEMORY)}
    if resources:
        found["resources"] = resources
    context: dict[str, Any] = {}
    for key, values in (
        ("privileged", (True, False)),
        ("allowPrivilegeEscalation", (False, True)),
        ("runAsNonRoot", (True, False)),
        ("runAsUser", (0, 1000)),
        ("capabilities", ({"drop": ["ALL"]}, {"add": ["SYS_ADMIN"]}, {"add": ["NET_BIND_SERVICE"]})),
        ("seccompProfile", ({"type": "RuntimeDefault"}, {"type": "Unconfined"})),
        ("procMount", ("Default",)),
    ):
        if random.random() < 0.2:
            context[key] = random.choice(values)
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        context.pop("allowPrivilegeEscalation")
    if context:
        found["securityContext"] = context
    if random.random() < 0.1:
        found["ports"] = [{"containerPort": 80, "hostPort": random.choice([0, 80])}]
    return found


def admissions(random: Random, count: int) -> Iterator[Case]:
    """Pods before a LimitRange, a quota and Pod Security: refused, warned of, completed."""
    for _ in range(count):
        spec: dict[str, Any] = {"containers": [_container(random, f"c{n}") for n in range(random.randint(1, 2))]}
        for key, values in (
            ("hostNetwork", (True,)),
            ("hostPID", (True,)),
            (
                "securityContext",
                ({"runAsNonRoot": True}, {"runAsUser": 0}, {"seccompProfile": {"type": "RuntimeDefault"}}),
            ),
            ("volumes", ([{"name": "h", "hostPath": {"path": "/"}}], [{"name": "e", "emptyDir": {}}])),
        ):
            if random.random() < 0.12:
                spec[key] = random.choice(values)
        yield Case("admission", (Step("POST", f"{CORE}/pods{DRY}", {"metadata": {"name": "p"}, "spec": spec}),))


ACCESS = Area("access reviews", reviews, _roles(), share=2)
ADMISSION = Area("admission: limits, quotas, Pod Security", admissions, _policed(), share=2)

"""Limits, quotas and pod security on the sandbox and on a real API server: the same refusals in the same words."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from differences import ask, differences, normal, until
from sandbox_helpers import MERGE, Client

pytestmark = pytest.mark.cluster

CORE = "/api/v1/namespaces/{ns}"
DRY = "?dryRun=All"
LIMITS = {
    "metadata": {"name": "limits"},
    "spec": {
        "limits": [
            {
                "type": "Container",
                "max": {"cpu": "500m", "memory": "1Gi"},
                "min": {"cpu": "100m"},
                "defaultRequest": {"cpu": "200m"},
                "maxLimitRequestRatio": {"cpu": "4"},
            },
            {"type": "Pod", "max": {"cpu": "800m"}},
            {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}, "min": {"storage": "100Mi"}},
        ]
    },
}
QUOTA = {
    "metadata": {"name": "quota"},
    "spec": {
        "hard": {
            "pods": "2",
            "requests.cpu": "300m",
            "limits.memory": "2Gi",
            "count/secrets": "1",
            "requests.storage": "1Gi",
            "services.nodeports": "0",
            "count/deployments.apps": "0",
        }
    },
}


def pod(*containers: dict[str, Any], name: str = "p", **spec: Any) -> dict[str, Any]:
    made = [{"name": f"c{index}", "image": "b", **each} for index, each in enumerate(containers or ({},))]
    return {"metadata": {"name": name}, "spec": {"containers": made, **spec}}


def uses(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None) -> dict[str, Any]:
    return {"resources": {"requests": requests or {}, "limits": limits or {}}}


def secured(**context: Any) -> dict[str, Any]:
    return {"securityContext": context}


def claim(size: str) -> dict[str, Any]:
    resources = {"requests": {"storage": size}}
    return {"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}


SAFE = secured(
    allowPrivilegeEscalation=False,
    capabilities={"drop": ["ALL"]},
    runAsNonRoot=True,
    seccompProfile={"type": "RuntimeDefault"},
)
PODS, SECURE, BASE = f"{CORE}/pods{DRY}", f"{CORE}-restricted/pods{DRY}", f"{CORE}-baseline/pods{DRY}"
HOSTILE: dict[str, Any] = {
    "hostNetwork": True,
    "hostPID": True,
    "securityContext": {"runAsUser": 0, "sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
    "volumes": [{"name": "h", "hostPath": {"path": "/"}}, {"name": "n", "nfs": {"server": "a", "path": "/"}}],
}
CASES: dict[str, tuple[Any, ...]] = {
    "defaults from the limits": ("POST", PODS, pod()),
    "defaults beside what is said": ("POST", PODS, pod(uses({"cpu": "150m"}))),
    "above the maximum": ("POST", PODS, pod(uses(limits={"cpu": "2"}))),
    "below the minimum": ("POST", PODS, pod(uses({"cpu": "50m"}, {"cpu": "50m"}))),
    "ratio": ("POST", PODS, pod(uses({"cpu": "100m"}, {"cpu": "500m"}))),
    "two containers above the pod's maximum": ("POST", PODS, pod({}, {})),
    "claim too large": ("POST", f"{CORE}/persistentvolumeclaims{DRY}", claim("2Gi")),
    "claim too small": ("POST", f"{CORE}/persistentvolumeclaims{DRY}", claim("1Mi")),
    "more cpu than the quota": ("POST", PODS, pod(uses({"cpu": "400m"}, {"cpu": "400m"}))),
    "a second secret": ("POST", f"{CORE}/secrets{DRY}", {"metadata": {"name": "two"}}),
    "a node port": (
        "POST",
        f"{CORE}/services{DRY}",
        {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}},
    ),
    "a deployment too many": (
        "POST",
        "/apis/apps/v1/namespaces/{ns}/deployments" + DRY,
        {
            "metadata": {"name": "d"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]},
            },
        },
    ),
    "what the quota wants stated": ("POST", f"{CORE}-unlimited/pods{DRY}", pod()),
    "no such account": ("POST", PODS, pod(serviceAccountName="bob")),
    "no such priority": ("POST", PODS, pod(priorityClassName="bob")),
    "a system priority": (
        "POST",
        "/api/v1/namespaces/kube-system/pods" + DRY,
        pod(priorityClassName="system-node-critical"),
    ),
    "restricted, bare": ("POST", SECURE, pod()),
    "restricted, two bare": ("POST", SECURE, pod({}, {})),
    "restricted, safe": ("POST", SECURE, pod(SAFE)),
    "restricted, one of two safe": ("POST", SECURE, pod(SAFE, {})),
    "restricted, as root": ("POST", SECURE, pod({**SAFE, **secured(**SAFE["securityContext"], runAsUser=0)})),
    "restricted, non-root denied": ("POST", SECURE, pod(secured(runAsNonRoot=False), {})),
    "restricted, hostile": (
        "POST",
        SECURE,
        pod(
            secured(privileged=True, capabilities={"add": ["SYS_ADMIN"]}, seccompProfile={"type": "Unconfined"}),
            **HOSTILE,
        ),
    ),
    "baseline, bare": ("POST", BASE, pod()),
    "baseline, hostile": (
        "POST",
        BASE,
        pod(
            {"ports": [{"containerPort": 80, "hostPort": 80}], **secured(privileged=True)},
            secured(capabilities={"add": ["NET_ADMIN", "SYS_ADMIN"]}, seccompProfile={"type": "Unconfined"}),
            **HOSTILE,
        ),
    ),
    "baseline, probe of another host": (
        "POST",
        BASE,
        pod(
            {"livenessProbe": {"tcpSocket": {"host": "y", "port": 1}}},
            {"readinessProbe": {"httpGet": {"host": "x", "port": 1}}},
        ),
    ),
}


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-policy-{uuid.uuid4().hex[:6]}"
    level = "pod-security.kubernetes.io/"
    spaces = {
        namespace: {},
        f"{namespace}-unlimited": {},
        f"{namespace}-restricted": {f"{level}enforce": "restricted", f"{level}warn": "restricted"},
        f"{namespace}-baseline": {f"{level}enforce": "baseline", f"{level}enforce-version": "v1.34"},
    }
    for client in (real, api):
        for name, labels in spaces.items():
            assert client("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}).status == 201
        base = CORE.replace("{ns}", namespace)
        until(lambda client=client, base=base: client("GET", f"{base}-baseline/serviceaccounts/default").status == 200)
        for place in (base, f"{base}-unlimited"):
            assert client("POST", f"{place}/resourcequotas", QUOTA).status == 201
        assert client("POST", f"{base}/limitranges", LIMITS).status == 201
        assert client("POST", f"{base}/secrets", {"metadata": {"name": "one"}}).status == 201
        path = f"{base}/resourcequotas/quota"
        until(
            lambda client=client, path=path: (
                client("GET", path).body["status"].get("used", {}).get("count/secrets") == "1"
            )
        )
    yield real, api, namespace
    for client in (real, api):
        for name in spaces:
            client("DELETE", f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize("name", CASES)
def test_both_refuse_and_complete_the_same(both: tuple[Client, Client, str], name: str) -> None:
    real, api, namespace = both
    theirs, ours = (ask(client, CASES[name], namespace) for client in (real, api))
    assert (theirs.status, differences(normal(theirs.body, namespace), normal(ours.body, namespace))) == (
        ours.status,
        [],
    )


def test_both_say_the_same_about_a_limit_range_and_a_quota(both: tuple[Client, Client, str]) -> None:
    real, api, namespace = both
    for path in (f"{CORE}/limitranges/limits", f"{CORE}/resourcequotas/quota"):
        theirs, ours = (ask(client, ("GET", path), namespace) for client in (real, api))
        for answer in (theirs, ours):
            answer.body["metadata"].pop("managedFields")  # a quota's status is written by two parts of a control plane
        assert differences(normal(theirs.body, namespace), normal(ours.body, namespace)) == []
        assert theirs.body.get("status") == ours.body.get("status")


def test_both_warn_of_a_template_that_would_be_refused(both: tuple[Client, Client, str]) -> None:
    real, api, namespace = both
    made = CASES["a deployment too many"][2]
    path = f"/apis/apps/v1/namespaces/{namespace}-restricted/deployments{DRY}"
    theirs, ours = (client("POST", path, made) for client in (real, api))
    assert theirs.headers["Warning"] == ours.headers["Warning"]
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/warn": None}}}
    for client in (real, api):
        client("PATCH", f"/api/v1/namespaces/{namespace}-restricted", labels, media=MERGE)

"""Objects to begin from, and changes to them."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

Body = dict[str, Any]
CONTAINER: Body = {
    "name": "app",
    "image": "busybox:latest",
    "imagePullPolicy": "IfNotPresent",
    "command": ["sleep", "3600"],
}
POD_SPEC: Body = {"containers": [CONTAINER], "terminationGracePeriodSeconds": 0}
TEMPLATE: Body = {"metadata": {"labels": {"app": "x"}}, "spec": POD_SPEC}
SELECTOR: Body = {"matchLabels": {"app": "x"}}
NOWHERE = "nobody-schedules-this"


def _named(spec: Any = None, **fields: Any) -> Body:
    return {"metadata": {"name": "x"}, **({"spec": spec} if spec is not None else {}), **fields}


BASES: dict[str, tuple[str, Body]] = {
    "Pod": ("/api/v1/namespaces/{ns}/pods", _named({**POD_SPEC, "schedulerName": NOWHERE})),
    "Deployment": (
        "/apis/apps/v1/namespaces/{ns}/deployments",
        _named({"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}),
    ),
    "ReplicaSet": (
        "/apis/apps/v1/namespaces/{ns}/replicasets",
        _named({"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}),
    ),
    "StatefulSet": (
        "/apis/apps/v1/namespaces/{ns}/statefulsets",
        _named({"replicas": 0, "serviceName": "x", "selector": SELECTOR, "template": TEMPLATE}),
    ),
    "DaemonSet": (
        "/apis/apps/v1/namespaces/{ns}/daemonsets",
        _named({"selector": SELECTOR, "template": TEMPLATE}),
    ),
    "Job": (
        "/apis/batch/v1/namespaces/{ns}/jobs",
        _named({"suspend": True, "template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}),
    ),
    "CronJob": (
        "/apis/batch/v1/namespaces/{ns}/cronjobs",
        _named(
            {
                "schedule": "0 0 1 1 *",
                "jobTemplate": {"spec": {"template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}},
            }
        ),
    ),
    "Service": (
        "/api/v1/namespaces/{ns}/services",
        _named({"selector": {"app": "x"}, "ports": [{"name": "http", "port": 80}]}),
    ),
    "ConfigMap": ("/api/v1/namespaces/{ns}/configmaps", _named(data={"a": "1", "b": "2"})),
    "Secret": ("/api/v1/namespaces/{ns}/secrets", _named(data={"a": "MQ=="})),
    "ServiceAccount": ("/api/v1/namespaces/{ns}/serviceaccounts", _named()),
    "PersistentVolumeClaim": (
        "/api/v1/namespaces/{ns}/persistentvolumeclaims",
        _named(
            {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "1Gi"}}}
        ),
    ),
    "Ingress": (
        "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses",
        _named(
            {
                "rules": [
                    {
                        "host": "a.example.com",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "x", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            }
        ),
    ),
    "NetworkPolicy": (
        "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies",
        _named({"podSelector": {"matchLabels": {"app": "x"}}, "ingress": [{"ports": [{"port": 80}]}]}),
    ),
    "HorizontalPodAutoscaler": (
        "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        _named(
            {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
                "maxReplicas": 3,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                    }
                ],
            }
        ),
    ),
    "HorizontalPodAutoscaler v1": (
        "/apis/autoscaling/v1/namespaces/{ns}/horizontalpodautoscalers",
        _named(
            {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
                "maxReplicas": 3,
                "targetCPUUtilizationPercentage": 50,
            }
        ),
    ),
    "PodDisruptionBudget": (
        "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets",
        _named({"minAvailable": 1, "selector": SELECTOR}),
    ),
    "ResourceQuota": ("/api/v1/namespaces/{ns}/resourcequotas", _named({"hard": {"services": "100"}})),
    "LimitRange": (
        "/api/v1/namespaces/{ns}/limitranges",
        _named({"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "100Gi"}}]}),
    ),
    "Role": (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles",
        _named(rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
    ),
    "RoleBinding": (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings",
        _named(
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            subjects=[{"kind": "ServiceAccount", "name": "x", "namespace": "{ns}"}],
        ),
    ),
}
TEMPLATES = {
    "Pod": "spec",
    "Deployment": "spec.template.spec",
    "ReplicaSet": "spec.template.spec",
    "StatefulSet": "spec.template.spec",
    "DaemonSet": "spec.template.spec",
    "Job": "spec.template.spec",
    "CronJob": "spec.jobTemplate.spec.template.spec",
}


def base(kind: str) -> tuple[str, Body]:
    """Where objects of a kind are, and a valid one that may be changed."""
    path, body = BASES[kind]
    return path, copy.deepcopy(body)


def put(body: Body, path: str, value: Any) -> None:
    """Set a value by its path (`spec.ports.0.port`); `None` takes it out. A path that leads nowhere is made."""
    *way, last = path.split(".")
    here: Any = body
    for part in way:
        here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
    last_key: Any = int(last) if isinstance(here, list) else last
    if value is None:
        here.pop(last_key) if isinstance(here, list) else here.pop(last_key, None)
    else:
        here[last_key] = copy.deepcopy(value)


def changed(random: Random, body: Body, choices: list[tuple[str, Any]], most: int) -> list[str]:
    """Make one to `most` changes to a body; a change that cannot be made after another is left out.

    Returns:
        What was changed.
    """
    done = []
    for path, value in random.sample(choices, k=min(len(choices), random.randint(1, most))):
        try:
            put(body, path, value)
        except (AttributeError, IndexError, TypeError, ValueError):
            continue
        done.append(f"{path}={value!r}")
    return done

"""Random objects of the main kinds, as an API server takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Object = dict[str, Any]
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
KEYS = st.from_regex(r"([a-z]{1,5}\.io/)?[a-zA-Z][a-zA-Z0-9_.~-]{0,6}[a-z0-9]", fullmatch=True).filter(
    lambda key: "~" not in key
)
DATA_KEYS = st.from_regex(r"[a-zA-Z0-9._-]{1,12}", fullmatch=True).filter(lambda key: key not in {".", ".."})
VALUES = st.from_regex(r"[a-z0-9A-Z]{0,8}", fullmatch=True)
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20)
PORTS = st.integers(1, 65_535)
MAPS = st.dictionaries(KEYS, VALUES, max_size=3)
IMAGES = st.sampled_from(["nginx:1.27", "nginx:1.28", "busybox:latest"])
AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory"]), st.sampled_from(["100m", "1", "64Mi", "2Gi"]), max_size=2)


@dataclass(frozen=True)
class Sort:
    """A kind: where its objects are, and what they hold beside their metadata."""

    api_version: str
    kind: str
    plural: str
    content: st.SearchStrategy[Object]

    def path(self, namespace: str, name: str = "") -> str:
        root = "/apis/" if "/" in self.api_version else "/api/"
        return f"{root}{self.api_version}/namespaces/{namespace}/{self.plural}" + (f"/{name}" if name else "")

    def made(self, namespace: str, name: str, content: Object, labels: Object) -> Object:
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            **content,
        }


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    """A map with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def spec(fixed: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({"spec": st.fixed_dictionaries(fixed, optional=optional)})


def named(item: st.SearchStrategy[Object], *, least: int = 0, most: int = 3) -> st.SearchStrategy[list[Object]]:
    return st.dictionaries(NAMES, item, min_size=least, max_size=most).map(
        lambda items: [{"name": name, **inner} for name, inner in items.items()]
    )


SELECTOR = st.just({"matchLabels": {"app": "x"}})
CONTAINER = st.fixed_dictionaries(
    {"image": IMAGES},
    optional={
        "env": named(some(value=TEXT)),
        "args": st.lists(TEXT, max_size=2),
        "ports": st.lists(
            st.fixed_dictionaries({"containerPort": PORTS, "protocol": st.sampled_from(["TCP", "UDP"])}),
            max_size=3,
            unique_by=lambda port: (port["containerPort"], port["protocol"]),
        ),
        "resources": some(requests=AMOUNTS),
        "imagePullPolicy": st.sampled_from(["Always", "IfNotPresent"]),
    },
)


def pod(**fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    inner = st.fixed_dictionaries(
        {"containers": named(CONTAINER, least=1), **fixed},
        optional={
            "nodeSelector": MAPS,
            "terminationGracePeriodSeconds": st.integers(0, 60),
            "tolerations": st.lists(
                st.fixed_dictionaries({"key": KEYS, "operator": st.just("Exists")}),
                max_size=2,
                unique_by=lambda item: item["key"],
            ),
        },
    )
    metadata = st.builds(lambda notes: {"labels": {"app": "x"}, "annotations": notes}, MAPS)
    return st.fixed_dictionaries({"metadata": metadata, "spec": inner})


PORT_LIST = st.lists(
    st.fixed_dictionaries({"port": PORTS, "protocol": st.sampled_from(["TCP", "UDP"]), "name": NAMES}),
    min_size=1,
    max_size=3,
    unique_by=(lambda port: (port["port"], port["protocol"]), lambda port: port["name"]),
)
PEER = some(podSelector=some(matchLabels=MAPS), namespaceSelector=some(matchLabels=MAPS)).filter(bool)
HTTP_PATH = st.fixed_dictionaries(
    {
        "path": st.from_regex(r"/[a-z]{0,5}", fullmatch=True),
        "pathType": st.sampled_from(["Prefix", "Exact"]),
        "backend": st.builds(lambda name, port: {"service": {"name": name, "port": {"number": port}}}, NAMES, PORTS),
    }
)
HTTP_RULE = st.fixed_dictionaries(
    {
        "host": st.from_regex(r"[a-z]{1,6}\.example\.com", fullmatch=True),
        "http": st.fixed_dictionaries({"paths": st.lists(HTTP_PATH, min_size=1, max_size=2)}),
    }
)
METRIC = st.builds(
    lambda name, use: {
        "type": "Resource",
        "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": use}},
    },
    st.sampled_from(["cpu", "memory"]),
    st.integers(1, 100),
)
PLAIN = (
    Sort("v1", "ConfigMap", "configmaps", some(data=st.dictionaries(DATA_KEYS, TEXT, max_size=4))),
    Sort(
        "v1",
        "Service",
        "services",
        spec({"ports": PORT_LIST}, selector=MAPS, sessionAffinity=st.sampled_from(["None", "ClientIP"])),
    ),
    Sort(
        "networking.k8s.io/v1",
        "Ingress",
        "ingresses",
        spec({"rules": st.lists(HTTP_RULE, min_size=1, max_size=3)}, ingressClassName=NAMES),
    ),
    Sort(
        "batch/v1",
        "CronJob",
        "cronjobs",
        spec(
            {
                "schedule": st.sampled_from(["0 0 1 1 *", "@yearly", "30 4 29 2 *"]),
                "suspend": st.just(True),
                "jobTemplate": st.builds(
                    lambda template: {"spec": {"template": template}},
                    pod(restartPolicy=st.sampled_from(["Never", "OnFailure"])),
                ),
            },
            concurrencyPolicy=st.sampled_from(["Allow", "Forbid"]),
            successfulJobsHistoryLimit=st.integers(0, 5),
        ),
    ),
    Sort(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        spec(
            {
                "scaleTargetRef": st.builds(
                    lambda name: {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}, NAMES
                ),
                "maxReplicas": st.integers(10, 20),
            },
            minReplicas=st.integers(1, 9),
            metrics=st.lists(METRIC, min_size=1, max_size=2),
        ),
    ),
    Sort(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        spec({"selector": SELECTOR}, minAvailable=st.one_of(st.integers(0, 9), st.just("50%"))),
    ),
    Sort(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        spec(
            {"podSelector": some(matchLabels=MAPS)},
            ingress=st.lists(some(**{"from": st.lists(PEER, max_size=2)}), max_size=2),
            policyTypes=st.just(["Ingress"]),
        ),
    ),
    Sort(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "roles",
        st.fixed_dictionaries(
            {
                "rules": st.lists(
                    st.fixed_dictionaries(
                        {
                            "apiGroups": st.just([""]),
                            "resources": st.lists(NAMES, min_size=1, max_size=3),
                            "verbs": st.lists(st.sampled_from(["get", "list", "watch"]), min_size=1, max_size=3),
                        },
                        optional={"resourceNames": st.lists(NAMES, max_size=2)},
                    ),
                    max_size=3,
                )
            }
        ),
    ),
)
# No pod runs: what is tried is the spec.
WORKLOADS = (
    Sort(
        "apps/v1",
        "Deployment",
        "deployments",
        spec(
            {"replicas": st.just(0), "selector": SELECTOR, "template": pod()},
            minReadySeconds=st.integers(0, 3),
            revisionHistoryLimit=st.integers(0, 9),
        ),
    ),
    Sort(
        "apps/v1",
        "StatefulSet",
        "statefulsets",
        spec({"replicas": st.just(0), "selector": SELECTOR, "serviceName": st.just("x"), "template": pod()}),
    ),
    Sort(
        "apps/v1",
        "DaemonSet",
        "daemonsets",
        spec(
            {"selector": SELECTOR, "template": pod(nodeName=st.just("nowhere"))},
            minReadySeconds=st.integers(0, 3),
        ),
    ),
)
SORTS = (*PLAIN, *WORKLOADS)

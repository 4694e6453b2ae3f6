"""Deletions of all kinds, and what stands below an object."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from fidelity.bodies import base
from fidelity.changes import JSON_PATCH, MERGE, STRATEGIC
from fidelity.model import Area, Case, Step

CONFIGS = "/api/v1/namespaces/{ns}/configmaps"
PODS = "/api/v1/namespaces/{ns}/pods"
KINDS = ("ConfigMap", "Secret", "Service", "Pod", "NetworkPolicy", "Role", "LimitRange", "ServiceAccount", "Ingress")


def _options(random: Random) -> tuple[str, Any]:
    query = []
    if random.random() < 0.4:
        query.append(f"propagationPolicy={random.choice(['Background', 'Orphan', 'Foreground', 'Odd'])}")
    if random.random() < 0.25:
        query.append(f"gracePeriodSeconds={random.choice(['0', '30', '-1', 'x'])}")
    if random.random() < 0.15:
        query.append(f"dryRun={random.choice(['All', 'All', 'Some'])}")
    body: dict[str, Any] | None = None
    if random.random() < 0.5:
        body = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if random.random() < 0.5:
            body["preconditions"] = random.choice(
                [
                    {"uid": "{uid}"},
                    {"uid": "00000000-0000-0000-0000-000000000000"},
                    {"resourceVersion": "{version}"},
                    {"resourceVersion": "1"},
                ]
            )
        if random.random() < 0.3:
            body["propagationPolicy"] = random.choice(["Background", "Orphan", "Odd"])
        if random.random() < 0.2:
            body["gracePeriodSeconds"] = random.choice([0, 5, "x"])
        if random.random() < 0.1:
            body["orphanDependents"] = True
        if random.random() < 0.1:
            body["dryRun"] = ["All"]
    return "&".join(query), body


def deletions(random: Random, count: int) -> Iterator[Case]:
    """Make, delete in one of many ways, look, let go of the finalizer, look."""
    for index in range(max(1, count // 5)):
        kind = random.choice(KINDS)
        path, body = base(kind)
        name = f"d{index}-{random.getrandbits(20):05x}"
        body["metadata"] = {"name": name}
        held = random.random() < 0.5
        if held:
            body["metadata"]["finalizers"] = random.choice([["e.com/a"], ["e.com/a", "e.com/b"]])
        query, options = _options(random)
        one = f"{path}/{name}"
        steps = [Step("POST", path, body), Step("DELETE", f"{one}?{query}", options)]
        # The garbage collector acts on these two in its own time.
        settles = not any(word in f"{query}{options}" for word in ("Orphan", "Foreground", "orphanDependents"))
        if settles:
            steps.append(Step("GET", one))
            if held:
                steps.append(Step("PATCH", one, random.choice(
                    [{"metadata": {"finalizers": None}}, {"metadata": {"finalizers": ["e.com/c"]}},
                     {"metadata": {"labels": {"a": "b"}}}]), MERGE))  # fmt: skip
                steps.append(Step("GET", one))
        steps.append(Step("DELETE", f"{path}/none?{query}"))
        yield Case(f"delete {kind}", tuple(steps))


def _below(random: Random, index: int) -> Iterator[Step]:
    kind = random.choice(["Deployment", "ReplicaSet", "StatefulSet"])
    path, body = base(kind)
    name = f"s{index}-{random.getrandbits(20):05x}"
    body["metadata"] = {"name": name}
    body["spec"]["template"]["spec"]["schedulerName"] = "nobody-schedules-this"
    if kind == "Deployment":
        body["spec"]["paused"] = True
    scale, status = f"{path}/{name}/scale", f"{path}/{name}/status"
    yield Step("POST", path, body)
    yield Step("GET", scale)
    meta = {"name": name, "namespace": "{ns}"}
    wholes: list[Any] = [
        {"metadata": meta, "spec": {"replicas": 0}},
        {"metadata": meta, "spec": {"replicas": -1}},
        {"metadata": meta, "spec": {"replicas": "x"}},
        {"metadata": {**meta, "resourceVersion": "1"}, "spec": {"replicas": 1}},
        {"metadata": {"name": "other"}, "spec": {"replicas": 0}},
        {"metadata": meta},
        {"spec": {"replicas": 0}},
    ]
    yield Step("PUT", scale, random.choice(wholes))
    media, patch = random.choice(
        [
            (MERGE, {"spec": {"replicas": 0}}),
            (STRATEGIC, {"spec": {"replicas": -2}}),
            (MERGE, {"spec": {"replicas": None}}),
            (MERGE, {"spec": {"replicas": "1"}}),
            (JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 0}]),
            (JSON_PATCH, [{"op": "test", "path": "/spec/replicas", "value": 4}]),
            (JSON_PATCH, [{"op": "remove", "path": "/nope"}]),
        ]
    )
    yield Step("PATCH", f"{scale}?dryRun=All", patch, media)
    yield Step("GET", random.choice([f"{path}/none/scale", f"{path}/{name}/nope", f"{path}/{name}/log", scale]))
    yield Step("DELETE", random.choice([scale, status]))


_FRESH: tuple[dict[str, Any], ...] = (
    {"name": "dbg", "image": "busybox"},
    {"name": "dbg", "image": "busybox:1", "stdin": True, "tty": True, "targetContainerName": "app"},
    {"name": "dbg", "image": "busybox", "targetContainerName": "none"},
    {"name": "app", "image": "busybox"},
    {"name": "Upper", "image": "busybox"},
    {"name": "dbg"},
    {"image": "busybox"},
    {"name": "dbg", "image": "busybox", "ports": [{"containerPort": 80}]},
    {"name": "dbg", "image": "busybox", "livenessProbe": {"tcpSocket": {"port": 80}}},
    {"name": "dbg", "image": "busybox", "resources": {"limits": {"cpu": "1"}}},
    {"name": "dbg", "image": "busybox", "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}},
    {"name": "dbg", "image": "busybox", "env": [{"name": "A", "value": "b"}], "command": ["sh"]},
)


def _pod(random: Random, index: int) -> Iterator[Step]:
    path, body = base("Pod")
    name = f"e{index}-{random.getrandbits(20):05x}"
    body["metadata"] = {"name": name}
    one = f"{path}/{name}"
    yield Step("POST", path, body)
    fresh = {"spec": {"ephemeralContainers": [random.choice(_FRESH)]}}
    yield Step("PATCH", f"{one}/ephemeralcontainers", fresh, STRATEGIC)
    again = {**random.choice(_FRESH)}
    yield Step("PATCH", f"{one}/ephemeralcontainers", {"spec": {"ephemeralContainers": [again]}}, STRATEGIC)
    yield Step("GET", f"{one}/ephemeralcontainers")
    yield Step("PATCH", one, {"spec": {"ephemeralContainers": [{"name": "late", "image": "b"}]}}, STRATEGIC)
    status = random.choice(
        [
            {"conditions": [{"type": "e.com/ready", "status": "True"}]},
            {"phase": "Running"},
            {"conditions": "x"},
            {"message": "hello"},
        ]
    )
    yield Step("PATCH", f"{one}/status?dryRun=All", {"status": status}, MERGE)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "{ns}"}}
    yield random.choice(
        [
            Step("POST", f"{one}/eviction", {**eviction, "deleteOptions": {"dryRun": ["All"]}}),
            Step("POST", f"{path}/none/eviction", {**eviction, "metadata": {"name": "none"}}),
            Step("POST", f"{one}/eviction", eviction),
            Step("POST", f"{one}/eviction?dryRun=All", eviction),
        ]
    )
    yield random.choice(
        [
            Step("POST", f"{one}/binding", {"metadata": {"name": name}, "target": {"kind": "Node"}}),
            Step(
                "POST", f"{path}/none/binding", {"metadata": {"name": "none"}, "target": {"kind": "Node", "name": "n"}}
            ),
            Step("GET", f"{one}/log"),
            Step("GET", f"{one}/log?container=none"),
            Step("GET", f"{one}/log?previous=true"),
            Step("GET", f"{one}/log?tailLines=-1"),
            Step("GET", f"{one}/log?sinceSeconds=0"),
            Step("GET", f"{path}/none/log"),
            Step("POST", f"{one}/exec?container=none&command=ls"),
        ]
    )


_SIZES: tuple[dict[str, Any], ...] = (
    {"requests": {"cpu": "50m"}},
    {"limits": {"memory": "64Mi"}},
    {"limits": {"memory": "10Mi"}},
    {"requests": {"cpu": None}},
    {"limits": {"cpu": None}},
    {"requests": {"cpu": "x"}},
    {"requests": {"cpu": "-1"}},
    {"limits": {"cpu": "2"}, "requests": {"cpu": "2"}},
    {"limits": {"cpu": "2", "memory": "2Gi"}, "requests": {"cpu": "2", "memory": "2Gi"}},
    {"requests": {"ephemeral-storage": "1Gi"}},
    {"limits": {"ephemeral-storage": "2Gi"}},
    {"limits": {"cpu": "2", "ephemeral-storage": "2Gi"}},
)
# Of a pod, what a change of its sizes does not take.
_BESIDE: tuple[dict[str, Any], ...] = (
    {"metadata": {"labels": {"a": "b"}}},
    {"metadata": {"annotations": {"a": "b"}}, "spec": {"terminationGracePeriodSeconds": 5}},
    {"spec": {"containers": [{"name": "app", "image": "other"}]}},
    {"spec": {"containers": [{"name": "app", "env": [{"name": "A", "value": "b"}]}]}},
    {"spec": {"initContainers": [{"name": "new", "image": "b"}]}},
    {
        "spec": {
            "containers": [
                {"name": "app", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}
            ]
        }
    },
    {"status": {"message": "hello"}},
)
_SIZED: tuple[dict[str, Any], ...] = (
    {},
    {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
    {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
    {"requests": {"cpu": "1", "ephemeral-storage": "1Gi"}, "limits": {"ephemeral-storage": "2Gi"}},
)


def _sizes(random: Random, index: int) -> Iterator[Step]:
    path, body = base("Pod")
    name = f"z{index}-{random.getrandbits(20):05x}"
    body["metadata"] = {"name": name}
    body["spec"]["containers"][0]["resources"] = random.choice(_SIZED)
    yield Step("POST", path, body)
    for size in random.sample(_SIZES, k=3):
        sized = {"spec": {"containers": [{"name": "app", "resources": size}]}}
        yield Step("PATCH", f"{path}/{name}/resize?dryRun=All", sized, STRATEGIC)
    beside = random.choice(_BESIDE)
    yield Step("PATCH", f"{path}/{name}/resize?dryRun=All", beside, STRATEGIC)
    yield Step("PATCH", f"{path}/{name}/ephemeralcontainers?dryRun=All", beside, STRATEGIC)
    yield Step("PATCH", f"{path}/{name}/resize", {"spec": {"containers": [{"name": "new", "image": "b"}]}}, STRATEGIC)
    yield Step("PATCH", f"{path}/{name}/resize", beside, STRATEGIC)
    yield Step(random.choice(["GET", "DELETE"]), f"{path}/{name}/resize")


def _passed_on(random: Random, index: int) -> Iterator[Step]:
    """Where nobody answers: what does, says something of its own."""
    name = f"p{index}-{random.getrandbits(20):05x}"
    path, body = base("Service")
    body["metadata"] = {"name": name}
    yield Step("POST", path, body)
    pods, pod = base("Pod")
    pod["metadata"] = {"name": name}
    yield Step("POST", pods, pod)
    yield Step("GET", f"{pods}/{random.choice([name, f'{name}:80', 'a:b:c:d', 'none'])}/proxy/")
    named = ("", ":80", ":http", ":99", ":x")
    ways = [*(f"{name}{port}/proxy/" for port in named), f"https:{name}:http/proxy/x", "a:b:c:d/proxy/", "none/proxy/"]
    for way in random.sample(ways, k=3):
        yield Step("GET", f"{path}/{way}")


def below(random: Random, count: int) -> Iterator[Case]:
    """Scale of workloads; debug containers, sizes, status, eviction, binding, logs and proxies of pods on no node."""
    for index in range(max(1, count // 7)):
        make, name = random.choice(
            [(_below, "a workload"), (_pod, "a pod"), (_pod, "a pod"), (_sizes, "a pod"), (_passed_on, "a Service")]
        )
        yield Case(f"below {name}", tuple(make(random, index)))


DELETIONS = Area("deletes: propagation, finalizers, preconditions", deletions, share=2.5)
BELOW = Area("subresources", below, share=3)

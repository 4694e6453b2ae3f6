"""Nothing that a client sends makes the server fail: every answer is a proper one, and none is a fault of its own."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_helpers import deployment

from mcp_tools.sandbox.api.app import Api
from mcp_tools.sandbox.api.request import Request
from mcp_tools.sandbox.world import World

SERVICE = {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}}
JOB = {
    "metadata": {"name": "j"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "busybox"}]}}},
}
CRON = {"metadata": {"name": "c"}, "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": JOB["spec"]}}}
CRD = {
    "metadata": {"name": "things.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Thing", "plural": "things"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}
POD = {
    "metadata": {"name": "p", "annotations": {"sandbox.shipmate.dev/behavior": "crash=3"}},
    "spec": {
        "containers": [
            {
                "name": "a",
                "image": "nginx",
                "envFrom": [{"configMapRef": {"name": "x", "optional": True}}],
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "ports": [{"name": "http", "containerPort": 80}],
                "readinessProbe": {"httpGet": {"port": "http"}},
                "livenessProbe": {"tcpSocket": {"port": 81}},
                "resources": {"requests": {"cpu": "1m"}, "limits": {"memory": "1Gi"}},
            }
        ],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}]
                }
            }
        },
    },
}
EVENT = {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}, "reason": "r", "message": "m"}
OBJECTS = {
    "/apis/apps/v1/namespaces/test/deployments": deployment(),
    "/apis/apps/v1/namespaces/test/statefulsets": {**deployment(), "kind": "StatefulSet"},
    "/apis/apps/v1/namespaces/test/daemonsets": {**deployment(), "kind": "DaemonSet"},
    "/apis/apps/v1/namespaces/test/replicasets": {**deployment(), "kind": "ReplicaSet"},
    "/api/v1/namespaces/test/services": SERVICE,
    "/api/v1/namespaces/test/pods": POD,
    "/api/v1/namespaces/test/secrets": {"metadata": {"name": "s"}, "data": {"a": "eA=="}},
    "/api/v1/namespaces/test/events": EVENT,
    "/api/v1/nodes": {"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "1", "pods": "3"}}},
    "/apis/batch/v1/namespaces/test/jobs": JOB,
    "/apis/batch/v1/namespaces/test/cronjobs": CRON,
    "/apis/policy/v1/namespaces/test/poddisruptionbudgets": {
        "metadata": {"name": "b"},
        "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}},
    },
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": CRD,
}
# What a client may put where something else belongs; each has broken some parser once.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    # A million replicas are a valid wish, and take as long as they take.
    st.integers(-(2**70), 20) | st.integers(2**31, 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            "",
            "x",
            "²",
            "٣",
            "-1",
            "1e999999",
            "9" * 70,
            "50%",
            "²%",
            "%",
            "a/b/c",
            "{",
            "1970-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "\x00",
            "é" * 300,
            "web",
            "exit=²",
            "a=b=c",
        ]
    ),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([{}]),
    st.just({"a": None}),
    st.just({"name": "x"}),
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += paths_of(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths_of(item, (*path, index))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    path = draw(st.sampled_from(sorted(OBJECTS)))
    obj = copy.deepcopy(OBJECTS[path])
    for _ in range(draw(st.integers(0, 3))):
        places = paths_of(obj)
        place = draw(st.sampled_from(places)) if places else ("metadata",)
        node: Any = obj
        for part in place[:-1]:
            node = node[part]
        if isinstance(node, dict) and draw(st.booleans()):
            key = draw(
                st.sampled_from(
                    ["replicas", "selector", "schedule", "minReadySeconds", "behavior", "paused", "command", place[-1]]
                )
            )
            node[key] = copy.deepcopy(draw(ODD))
        else:
            node[place[-1]] = copy.deepcopy(draw(ODD))
    return path, obj


@pytest.fixture(scope="module")
def fuzzed() -> tuple[World, Api]:
    world = World(1_800_000_000.0, seed=1)
    world.furnish()
    world.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test"}})
    world.clock.advance(1)
    return world, Api(world, "token")


def ask(api: Api, method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> int:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    response = api.answer(Request.parse(method, path, query.encode(), named, body))
    if response.stream is None and response.content_type == "application/json":
        answer = json.loads(response.body)
        # Of what itself fails on, a real API server says 500 too, without a reason; this one marks its own faults.
        assert response.status != 500 or "reason" not in answer, answer
    return response.status


FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(odd=mutated(), how=st.sampled_from(["merge", "strategic", "apply", "put"]))
def test_odd_objects_are_refused_or_lived_with(
    fuzzed: tuple[World, Api], odd: tuple[str, dict[str, Any]], how: str, caplog: pytest.LogCaptureFixture
) -> None:
    world, api = fuzzed
    path, obj = odd
    body = json.dumps(obj).encode()
    meta = obj.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    ask(api, "POST", path, body=body)
    one = f"{path}/{OBJECTS[path]['metadata']['name']}"
    kinds = {"merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json"}
    if how == "put":
        ask(api, "PUT", one, body=body)
    elif how == "apply":
        ask(api, "PATCH", one, "fieldManager=f&force=true", body=body, content_type="application/apply-patch+yaml")
    else:
        ask(api, "PATCH", one, body=body, content_type=kinds[how])
    world.clock.advance(30)
    ask(api, "GET", path, accept="application/json;as=Table;g=meta.k8s.io;v=v1")
    ask(api, "GET", path, accept="application/yaml")
    ask(api, "DELETE", one)
    if isinstance(name, str) and name:
        ask(api, "DELETE", f"{path}/{name}")
    world.clock.advance(60)
    # The control loops took it, too: whatever they cannot do is a refusal, never a traceback.
    assert not [record for record in caplog.records if record.exc_info], caplog.text


WORDS = st.sampled_from(
    [
        "api",
        "apis",
        "v1",
        "apps",
        "namespaces",
        "test",
        "pods",
        "deployments",
        "web",
        "status",
        "scale",
        "log",
        "²",
        "%2F",
        "..",
        "",
        "binding",
        "eviction",
        "metrics.k8s.io",
        "v1beta1",
        "openapi",
        "v3",
        "events.k8s.io",
        "events",
    ]
)
PARAMETERS = st.sampled_from(
    [
        "labelSelector",
        "fieldSelector",
        "limit",
        "continue",
        "resourceVersion",
        "watch",
        "dryRun",
        "fieldManager",
        "timeoutSeconds",
        "sinceSeconds",
        "sinceTime",
        "tailLines",
        "limitBytes",
        "gracePeriodSeconds",
        "propagationPolicy",
        "fieldValidation",
        "force",
        "includeObject",
        "container",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "1",
            "-1",
            "²",
            "true",
            "All",
            "a in (b",
            "a=b,c!=d",
            "!a",
            "a>²",
            "metadata.name=x",
            "status.phase=²",
            "eyJ2IjoiIiwicnYiOjEsInN0YXJ0IjoiYSJ9",
            "2026-13-01T00:00:00Z",
            "Strict",
        ]
    ),
    st.text(max_size=12),
)


@FUZZ
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    words=st.lists(WORDS, max_size=8),
    parameters=st.dictionaries(PARAMETERS, VALUES, max_size=3),
    body=st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"{}", b"[]", b"null", b"[[[[", b"a: &x [*x]", b"k8s\x00\x0a\x05", b'[{"op":"test"}]']),
    ),
    media=st.sampled_from(
        [
            "application/json",
            "application/yaml",
            "application/apply-patch+yaml",
            "application/json-patch+json",
            "application/strategic-merge-patch+json",
            "application/vnd.kubernetes.protobuf",
            "x/y",
            "",
        ]
    ),
    accept=st.sampled_from(
        [
            "application/json",
            "application/json;as=Table;g=meta.k8s.io;v=v1",
            "x;as",
            "",
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        ]
    ),
)
def test_odd_requests_get_a_proper_answer(
    fuzzed: tuple[World, Api],
    method: str,
    words: list[str],
    parameters: dict[str, str],
    body: bytes,
    media: str,
    accept: str,
) -> None:
    from urllib.parse import urlencode

    ask(fuzzed[1], method, "/" + "/".join(words), urlencode(parameters), body, content_type=media, accept=accept)


@FUZZ
@given(body=st.binary(max_size=200))
def test_odd_protobuf_is_refused(fuzzed: tuple[World, Api], body: bytes) -> None:
    status = ask(
        fuzzed[1],
        "POST",
        "/api/v1/namespaces/test/pods",
        body=b"k8s\x00\x0a\x09\x0a\x02v1\x12\x03Pod\x12" + body,
        content_type="application/vnd.kubernetes.protobuf",
    )
    assert status in {400, 422}

"""The same requests to the sandbox and to a real API server; what they answer must be the same.

Normalised away: uids, times, versions, allocated addresses. Each difference that is known stands in `KNOWN`, with its
reason; a case that begins to agree must leave it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from differences import ask, differences, filled, normal, until
from sandbox_helpers import APPLY, JSON_PATCH, MERGE, STRATEGIC, Client, deployment

from mcp_tools.stack.locate import manifest_files

pytestmark = pytest.mark.cluster

DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments"
CORE = "/api/v1/namespaces/{ns}"
BATCH = "/apis/batch/v1/namespaces/{ns}"
DRY = "?dryRun=All"


def web(**spec: Any) -> dict[str, Any]:
    made = deployment("new", **spec)
    made["metadata"]["namespace"] = "{ns}"
    return made


def job(**pod: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "b"}], **pod}}},
    }


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": spec}


def config(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "live"}, **fields}


LIVE = f"{DEPLOYMENTS}/live"
CASES: dict[str, tuple[Any, ...]] = {
    "created": ("POST", DEPLOYMENTS + DRY, web()),
    "full container": (
        "POST",
        DEPLOYMENTS + DRY,
        web(
            container={
                "ports": [{"containerPort": 80}],
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "livenessProbe": {"httpGet": {"port": 80}},
                "readinessProbe": {"tcpSocket": {"port": 80}, "initialDelaySeconds": 3},
                "resources": {"requests": {"cpu": "0.1", "memory": "0.5Gi"}, "limits": {"cpu": 1, "memory": "1024Mi"}},
                "securityContext": {"runAsNonRoot": True},
                "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "c", "mountPath": "/c"}],
            },
            pod={"volumes": [{"name": "v"}, {"name": "c", "configMap": {"name": "x"}}], "serviceAccountName": "bob"},
        ),
    ),
    "latest is pulled always": ("POST", DEPLOYMENTS + DRY, web(container={"image": "nginx"})),
    "recreate": ("POST", DEPLOYMENTS + DRY, web(strategy={"type": "Recreate"})),
    "negative replicas": ("POST", DEPLOYMENTS + DRY, web(replicas=-1)),
    "replicas of the wrong type": ("POST", DEPLOYMENTS + DRY, web(replicas="three")),
    "selector and labels differ": ("POST", DEPLOYMENTS + DRY, web(selector={"matchLabels": {"a": "b"}})),
    "no selector": ("POST", DEPLOYMENTS + DRY, web(selector=None)),
    "no containers": ("POST", DEPLOYMENTS + DRY, web(pod={"containers": []})),
    "bad container name": ("POST", DEPLOYMENTS + DRY, web(container={"name": "A_b"})),
    "no image": ("POST", DEPLOYMENTS + DRY, web(container={"image": None})),
    "twin containers": ("POST", DEPLOYMENTS + DRY, web(pod={"containers": [{"name": "a", "image": "b"}] * 2})),
    "bad name": ("POST", DEPLOYMENTS + DRY, {**web(), "metadata": {"name": "Bad_Name"}}),
    "no name": ("POST", DEPLOYMENTS + DRY, {**web(), "metadata": {}}),
    "bad label key": ("POST", DEPLOYMENTS + DRY, {**web(), "metadata": {"name": "x", "labels": {"a b": "c"}}}),
    "bad label value": ("POST", DEPLOYMENTS + DRY, {**web(), "metadata": {"name": "x", "labels": {"a": "c d"}}}),
    "other namespace": ("POST", DEPLOYMENTS + DRY, {**web(), "metadata": {"name": "x", "namespace": "other"}}),
    "unknown field, strict": ("POST", f"{DEPLOYMENTS}{DRY}&fieldValidation=Strict", web(foo=1)),
    "unknown field, ignored": ("POST", f"{DEPLOYMENTS}{DRY}&fieldValidation=Ignore", web(foo=1)),
    "bad quantity": ("POST", DEPLOYMENTS + DRY, web(container={"resources": {"requests": {"cpu": "abc"}}})),
    "request above limit": (
        "POST",
        DEPLOYMENTS + DRY,
        web(container={"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
    ),
    "bad port": ("POST", DEPLOYMENTS + DRY, web(container={"ports": [{"containerPort": 99999}]})),
    "bad pull policy": ("POST", DEPLOYMENTS + DRY, web(container={"imagePullPolicy": "Sometimes"})),
    "bad restart policy": ("POST", DEPLOYMENTS + DRY, web(pod={"restartPolicy": "Never"})),
    "no surge and nothing unavailable": (
        "POST",
        DEPLOYMENTS + DRY,
        web(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
    ),
    "recreate with numbers": (
        "POST",
        DEPLOYMENTS + DRY,
        web(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 0}}),
    ),
    "mount of nothing": (
        "POST",
        DEPLOYMENTS + DRY,
        web(container={"volumeMounts": [{"name": "v", "mountPath": "/x"}]}),
    ),
    "probe without action": ("POST", DEPLOYMENTS + DRY, web(container={"livenessProbe": {}})),
    "other kind": ("POST", DEPLOYMENTS + DRY, {**web(), "kind": "ReplicaSet"}),
    "other version": ("POST", DEPLOYMENTS + DRY, {**web(), "apiVersion": "apps/v9"}),
    "other dry run": ("POST", f"{DEPLOYMENTS}?dryRun=Some", web()),
    "plain text": ("POST", DEPLOYMENTS + DRY, web(), "text/plain"),
    "namespace that is not there": ("POST", "/api/v1/namespaces/no-such/configmaps", {"metadata": {"name": "x"}}),
    "name that is taken": ("POST", DEPLOYMENTS + DRY, {**web(), "metadata": {"name": "live"}}),
    "merge": ("PATCH", LIVE + DRY, {"spec": {"replicas": 2}}, MERGE),
    "merge, negative": ("PATCH", LIVE + DRY, {"spec": {"replicas": -3}}, MERGE),
    "merge, immutable": ("PATCH", LIVE + DRY, {"spec": {"selector": {"matchLabels": {"app": "q"}}}}, MERGE),
    "merge, old version": ("PATCH", LIVE + DRY, {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 5}}, MERGE),
    "merge, other name": ("PATCH", LIVE + DRY, {"metadata": {"name": "other"}}, MERGE),
    "strategic": (
        "PATCH",
        LIVE + DRY,
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "env": [{"name": "B", "value": "c"}]}]}}}},
        STRATEGIC,
    ),
    "strategic, deleted": (
        "PATCH",
        LIVE + DRY,
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "env": [{"name": "A", "$patch": "delete"}]}]}}}},
        STRATEGIC,
    ),
    "strategic, wrong type": ("PATCH", LIVE + DRY, {"spec": {"replicas": "x"}}, STRATEGIC),
    "json": ("PATCH", LIVE + DRY, [{"op": "replace", "path": "/spec/replicas", "value": 2}], JSON_PATCH),
    "json, failed test": ("PATCH", LIVE + DRY, [{"op": "test", "path": "/spec/replicas", "value": 9}], JSON_PATCH),
    "json, no such path": ("PATCH", LIVE + DRY, [{"op": "replace", "path": "/spec/a/b", "value": 9}], JSON_PATCH),
    "json, no list": ("PATCH", LIVE + DRY, {"a": 1}, JSON_PATCH),
    "patch of what is not there": ("PATCH", f"{DEPLOYMENTS}/nope{DRY}", {"spec": {}}, MERGE),
    "patch as plain json": ("PATCH", LIVE + DRY, {"a": 1}, "application/json"),
    "apply, new": ("PATCH", f"{DEPLOYMENTS}/new{DRY}&fieldManager=m", web(), APPLY),
    "apply, conflict": ("PATCH", f"{LIVE}{DRY}&fieldManager=m", config(spec={"replicas": 7}), APPLY),
    "apply, conflicts": (
        "PATCH",
        f"{LIVE}{DRY}&fieldManager=m",
        config(spec={"replicas": 7, "template": {"spec": {"containers": [{"name": "app", "image": "q"}]}}}),
        APPLY,
    ),
    "apply, forced": ("PATCH", f"{LIVE}{DRY}&fieldManager=m&force=true", config(spec={"replicas": 7}), APPLY),
    "apply, shared": (
        "PATCH",
        f"{LIVE}{DRY}&fieldManager=m",
        config(metadata={"name": "live", "labels": {"x": "y"}}),
        APPLY,
    ),
    "apply, less": ("PATCH", f"{LIVE}{DRY}&fieldManager=first", config(spec=web(replicas=None)["spec"]), APPLY),
    "apply without a manager": ("PATCH", LIVE + DRY, config(), APPLY),
    "scale": ("GET", f"{LIVE}/scale"),
    "scale, negative": (
        "PUT",
        f"{LIVE}/scale{DRY}",
        {"metadata": {"name": "live", "namespace": "{ns}"}, "spec": {"replicas": -1}},
    ),
    "scale, set": ("PATCH", f"{LIVE}/scale{DRY}", {"spec": {"replicas": 4}}, MERGE),
    "put, other name": ("PUT", LIVE + DRY, web()),
    "put of what is not there": ("PUT", f"{DEPLOYMENTS}/new{DRY}", web()),
    "get what is not there": ("GET", f"{DEPLOYMENTS}/nope"),
    "no such resource": ("GET", "/apis/apps/v1/namespaces/{ns}/nothings"),
    "no such group": ("GET", "/apis/nope/v1/x"),
    "no such subresource": ("GET", f"{LIVE}/nope"),
    "post to an object": ("POST", LIVE, {}),
    "delete everywhere": ("DELETE", "/apis/apps/v1/deployments"),
    "put to a collection": ("PUT", DEPLOYMENTS, {}),
    "bad label selector": ("GET", f"{DEPLOYMENTS}?labelSelector=a%20in"),
    "bad field selector": ("GET", f"{DEPLOYMENTS}?fieldSelector=spec.foo%3Dx"),
    "bad field selector of pods": ("GET", f"{CORE}/pods?fieldSelector=status.foo%3Dx"),
    "bad limit": ("GET", f"{DEPLOYMENTS}?limit=x"),
    "bad version": ("GET", f"{DEPLOYMENTS}?resourceVersion=abc"),
    "log of what is not there": ("GET", f"{CORE}/pods/nope/log"),
    "delete": ("DELETE", LIVE + DRY),
    "delete what is not there": ("DELETE", f"{DEPLOYMENTS}/nope"),
    "delete, bad propagation": ("DELETE", f"{LIVE}{DRY}&propagationPolicy=Foo"),
    "delete another": ("DELETE", LIVE + DRY, {"preconditions": {"uid": "zz"}}),
    "delete a system namespace": ("DELETE", f"/api/v1/namespaces/kube-system{DRY}"),
    "service": ("POST", f"{CORE}/services{DRY}", service(selector={"a": "b"}, ports=[{"port": 80}])),
    "service on nodes": ("POST", f"{CORE}/services{DRY}", service(type="NodePort", ports=[{"port": 80}])),
    "headless service": ("POST", f"{CORE}/services{DRY}", service(clusterIP="None", ports=[{"port": 80}])),
    "service without ports": ("POST", f"{CORE}/services{DRY}", service()),
    "service with nameless ports": ("POST", f"{CORE}/services{DRY}", service(ports=[{"port": 80}, {"port": 81}])),
    "service of no type": ("POST", f"{CORE}/services{DRY}", service(type="Foo", ports=[{"port": 80}])),
    "service with a bad name": (
        "POST",
        f"{CORE}/services{DRY}",
        {**service(ports=[{"port": 80}]), "metadata": {"name": "1s"}},
    ),
    "config map": ("POST", f"{CORE}/configmaps{DRY}", {"metadata": {"name": "c"}, "data": {"a": "b"}}),
    "config map, bad key": ("POST", f"{CORE}/configmaps{DRY}", {"metadata": {"name": "c"}, "data": {"a b": "b"}}),
    "config map, bad value": ("POST", f"{CORE}/configmaps{DRY}", {"metadata": {"name": "c"}, "data": {"a": 1}}),
    "secret from text": ("POST", f"{CORE}/secrets{DRY}", {"metadata": {"name": "s"}, "stringData": {"a": "x"}}),
    "secret, bad value": ("POST", f"{CORE}/secrets{DRY}", {"metadata": {"name": "s"}, "data": {"a": "%%"}}),
    "job": ("POST", f"{BATCH}/jobs{DRY}", job(restartPolicy="Never")),
    "job without policy": ("POST", f"{BATCH}/jobs{DRY}", job()),
    "cron job": (
        "POST",
        f"{BATCH}/cronjobs{DRY}",
        {
            "metadata": {"name": "c"},
            "spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": job(restartPolicy="Never")["spec"]}},
        },
    ),
    "cron job, bad schedule": (
        "POST",
        f"{BATCH}/cronjobs{DRY}",
        {
            "metadata": {"name": "c"},
            "spec": {"schedule": "x", "jobTemplate": {"spec": job(restartPolicy="Never")["spec"]}},
        },
    ),
    "stateful set": ("POST", "/apis/apps/v1/namespaces/{ns}/statefulsets" + DRY, {**web(), "kind": "StatefulSet"}),
    "daemon set": (
        "POST",
        "/apis/apps/v1/namespaces/{ns}/daemonsets" + DRY,
        {**web(replicas=None), "kind": "DaemonSet"},
    ),
    "stateful set whose pods cannot be": (
        "POST",
        "/apis/apps/v1/namespaces/{ns}/statefulsets" + DRY,
        {
            **web(
                replicas=None,
                strategy=None,
                container={"volumeMounts": [{"name": "v", "mountPath": "/x"}], "name": "A_b"},
            ),
            "kind": "StatefulSet",
        },
    ),
    "stateful set that ends": (
        "POST",
        "/apis/apps/v1/namespaces/{ns}/statefulsets" + DRY,
        {**web(replicas=None, pod={"restartPolicy": "Never"}), "kind": "StatefulSet"},
    ),
    "replica set": ("POST", "/apis/apps/v1/namespaces/{ns}/replicasets" + DRY, {**web(), "kind": "ReplicaSet"}),
    "pod": (
        "POST",
        f"{CORE}/pods{DRY}",
        {
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "a", "image": "b", "resources": {"limits": {"cpu": 1}}}]},
        },
    ),
    "namespace": ("POST", f"/api/v1/namespaces{DRY}", {"metadata": {"name": "a-new-one"}}),
    "ingress without rules": (
        "POST",
        "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses" + DRY,
        {"metadata": {"name": "i"}, "spec": {}},
    ),
    "network policy": (
        "POST",
        "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies" + DRY,
        {"metadata": {"name": "n"}, "spec": {"podSelector": {}}},
    ),
}
KNOWN: dict[str, str] = {}


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-diff-{uuid.uuid4().hex[:6]}"
    live = filled({**web(replicas=0, container={"env": [{"name": "A", "value": "1"}]})}, namespace)
    live["metadata"]["name"] = "live"
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
        made = client("PATCH", f"{LIVE}?fieldManager=first".replace("{ns}", namespace), live, media=APPLY)
        assert made.status == 201
    for client in (real, api):
        until(lambda client=client: client("GET", f"/apis/apps/v1/namespaces/{namespace}/replicasets").body["items"])
    yield real, api, namespace
    for client in (real, api):
        client("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("name", CASES)
def test_both_answer_the_same(both: tuple[Client, Client, str], name: str) -> None:
    real, api, namespace = both
    theirs, ours = (ask(client, CASES[name], namespace) for client in (real, api))
    found = differences(normal(theirs.body, namespace), normal(ours.body, namespace))
    if theirs.status != ours.status:
        found.insert(0, f"status: real {theirs.status}, sandbox {ours.status}")
    if name in KNOWN:
        assert found, f"{name} agrees now: take it out of KNOWN"
        pytest.xfail(KNOWN[name])
    assert found == []


def test_a_rollout_that_fails_looks_the_same(both: tuple[Client, Client, str]) -> None:
    """An image that does not exist: the same reasons on the pod and in the events, the same conditions."""
    seen = []
    for client in both[:2]:
        namespace = both[2]
        path = DEPLOYMENTS.replace("{ns}", namespace)
        made = filled(web(replicas=1, progressDeadlineSeconds=3, container={"image": "nginx:no-such-tag"}), namespace)
        made["metadata"]["name"] = "broken"
        assert client("POST", path, made).status == 201

        def progress(client: Client = client, path: str = path) -> Any:
            status = client("GET", f"{path}/broken").body["status"]
            found = {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", [])}
            return found if found.get("Progressing", ("", ""))[0] == "False" else None

        conditions = until(progress, 60)
        pods = client("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Dnew").body["items"]
        waiting = pods[0]["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
        events = client("GET", f"/api/v1/namespaces/{namespace}/events").body["items"]
        about = {
            (e["involvedObject"]["kind"], e["type"], e["reason"], (e.get("source") or {}).get("component"))
            for e in events
            if e["involvedObject"]["name"].startswith("broken")
        }
        seen.append((conditions, waiting in {"ErrImagePull", "ImagePullBackOff"}, sorted(about, key=repr)))
    assert seen[0] == seen[1]


def test_the_manifests_apply_on_a_real_api_server(real: Client) -> None:
    namespace = f"sandbox-manifests-{uuid.uuid4().hex[:6]}"
    try:
        for path in manifest_files():
            for obj in yaml.safe_load_all(path.read_text().replace("todo-app", namespace)):
                group, _, version = obj["apiVersion"].rpartition("/")
                plurals = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}
                plural = plurals.get(obj["kind"], obj["kind"].lower() + "s")
                base = f"/apis/{group}/{version}" if group else f"/api/{version}"
                scope = "" if obj["kind"] == "Namespace" else f"/namespaces/{namespace}"
                target = f"{base}{scope}/{plural}/{obj['metadata']['name']}"
                answer = real("PATCH", f"{target}?fieldManager=tests&fieldValidation=Strict", obj, media=APPLY)
                assert answer.status in {200, 201}, answer.body
                assert "Warning" not in answer.headers, answer.headers["Warning"]
    finally:
        real("DELETE", f"/api/v1/namespaces/{namespace}")

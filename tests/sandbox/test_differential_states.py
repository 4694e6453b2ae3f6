"""What the control loops make of objects, on the sandbox and on a real cluster: the same reasons and messages.

Numbers of nodes are left out, as the two clusters have not the same.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from differences import ask, normal, until
from sandbox_helpers import Client

pytestmark = pytest.mark.cluster

CORE = "/api/v1/namespaces/{ns}"
APPS = "/apis/apps/v1/namespaces/{ns}"
Look = Callable[[Client, str], Any]
LABELS = {"app": "x"}


def pod(name: str, **spec: Any) -> tuple[str, dict[str, Any]]:
    container = {"name": "c", "image": "busybox:latest", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "300"]}
    resources = spec.pop("resources", None)
    if resources:
        container["resources"] = resources
    container |= spec.pop("container", {})
    meta = {"name": name, "labels": LABELS}
    common = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return f"{CORE}/pods", {"metadata": meta, "spec": {**common, **spec}}


def claim(name: str, **spec: Any) -> tuple[str, dict[str, Any]]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    return f"{CORE}/persistentvolumeclaims", {"metadata": {"name": name}, "spec": wanted}


def scheduled(name: str) -> Look:
    """The message of a pod's PodScheduled condition, once there is one."""

    def look(client: Client, namespace: str) -> Any:
        status = ask(client, ("GET", f"{CORE}/pods/{name}"), namespace).body["status"]
        found = {c["type"]: c for c in status.get("conditions", [])}.get("PodScheduled", {})
        return (found.get("reason"), found["message"]) if "message" in found else None

    return look


def waiting(name: str, *reasons: str) -> Look:
    """Why a pod's container waits, once it is for one of these reasons."""

    def look(client: Client, namespace: str) -> Any:
        status = ask(client, ("GET", f"{CORE}/pods/{name}"), namespace).body["status"]
        for found in status.get("containerStatuses", []):
            state = found["state"].get("waiting", {})
            if state.get("reason") in reasons:
                return state["reason"], state.get("message")
        return None

    return look


def ended(name: str) -> Look:
    """How a pod's container ended last, whether it waits for another try, tries, or just failed again."""

    def look(client: Client, namespace: str) -> Any:
        status = ask(client, ("GET", f"{CORE}/pods/{name}"), namespace).body["status"]
        for found in status.get("containerStatuses", []):
            for state in (found["lastState"], found["state"]):
                if end := state.get("terminated"):
                    return end["reason"], end["exitCode"], end.get("message")
        return None

    return look


def told(kind: str, name: str, reason: str) -> Look:
    """The message of an event; not the one that a kubelet gives while it cannot tell yet."""

    def look(client: Client, namespace: str) -> Any:
        selector = f"involvedObject.kind%3D{kind},involvedObject.name%3D{name},reason%3D{reason}"
        items = ask(client, ("GET", f"{CORE}/events?fieldSelector={selector}"), namespace).body["items"]
        sure = ((each["type"], each["message"]) for each in items if "timed out waiting for" not in each["message"])
        return next(sure, None)

    return look


def conditions(path: str, kind: str) -> Look:
    """The status, reason and message of a condition."""

    def look(client: Client, namespace: str) -> Any:
        status = ask(client, ("GET", path), namespace).body.get("status", {})
        found = {c["type"]: c for c in status.get("conditions") or []}.get(kind)
        return (found["status"], found.get("reason"), found.get("message")) if found else None

    return look


def affinity(kind: str, **term: Any) -> dict[str, Any]:
    rule = {"labelSelector": {"matchLabels": {"app": "nobody"}}, "topologyKey": "kubernetes.io/hostname", **term}
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}


def autoscaler(name: str, target: str) -> tuple[str, dict[str, Any]]:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    spec = {"scaleTargetRef": reference, "maxReplicas": 3}
    return "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers", {"metadata": {"name": name}, "spec": spec}


HPA = "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers"
BIG = {"requests": {"cpu": "900"}}
USES_CLAIM = [{"name": "v", "persistentVolumeClaim": {"claimName": "fast"}}]
NO_MAP = [{"name": "v", "configMap": {"name": "none"}}]
NO_KEY = [{"name": "v", "configMap": {"name": "other", "items": [{"key": "z", "path": "z"}]}}]
MOUNTED = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
CASES: dict[str, tuple[list[tuple[str, dict[str, Any]]], Look]] = {
    "too much cpu": ([pod("cpu", resources=BIG)], scheduled("cpu")),
    "too much of two": ([pod("two", resources={"requests": {"cpu": "900", "memory": "9000Gi"}})], scheduled("two")),
    "no gpu": ([pod("gpu", resources={"limits": {"example.com/gpu": "1"}})], scheduled("gpu")),
    "node selector": ([pod("selector", nodeSelector={"a": "b"})], scheduled("selector")),
    "affinity": ([pod("near", affinity=affinity("podAffinity"))], scheduled("near")),
    "topology": (
        [
            pod(
                "spread",
                topologySpreadConstraints=[
                    {"maxSkew": 1, "topologyKey": "no/such", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
                ],
            )
        ],
        scheduled("spread"),
    ),
    "gate": ([pod("gated", schedulingGates=[{"name": "e.com/x"}])], scheduled("gated")),
    "no such claim": (
        [pod("lost", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "none"}}])],
        scheduled("lost"),
    ),
    "no such class": (
        [claim("fast", storageClassName="fast"), pod("unbound", volumes=USES_CLAIM)],
        scheduled("unbound"),
    ),
    "no such class, of the claim": (
        [claim("slow", storageClassName="slow")],
        told("PersistentVolumeClaim", "slow", "ProvisioningFailed"),
    ),
    "command not found": (
        [pod("command", container={"command": ["uvicron"]})],
        ended("command"),
    ),
    "secret missing": (
        [pod("secret", container={"envFrom": [{"secretRef": {"name": "none"}}]})],
        waiting("secret", "CreateContainerConfigError"),
    ),
    "key missing": (
        [
            (f"{CORE}/configmaps", {"metadata": {"name": "half"}, "data": {"a": "b"}}),
            pod(
                "key",
                container={"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "half", "key": "z"}}}]},
            ),
        ],
        waiting("key", "CreateContainerConfigError"),
    ),
    "root": (
        [pod("root", container={"securityContext": {"runAsNonRoot": True}})],
        waiting("root", "CreateContainerConfigError"),
    ),
    "explicit root": (
        [pod("zero", container={"securityContext": {"runAsNonRoot": True, "runAsUser": 0}})],
        waiting("zero", "CreateContainerConfigError"),
    ),
    "never pulled": (
        [pod("never", container={"image": "nope:1", "imagePullPolicy": "Never"})],
        waiting("never", "ErrImageNeverPull"),
    ),
    "bad image name": ([pod("name", container={"image": "Nope"})], waiting("name", "InvalidImageName")),
    "volume missing": (
        [pod("mount", volumes=NO_MAP, container=MOUNTED)],
        told("Pod", "mount", "FailedMount"),
    ),
    "key missing in a volume": (
        [
            (f"{CORE}/configmaps", {"metadata": {"name": "other"}, "data": {"a": "b"}}),
            pod("item", volumes=NO_KEY, container=MOUNTED),
        ],
        told("Pod", "item", "FailedMount"),
    ),
    "volume missing that nobody mounts": (
        [pod("unused", volumes=NO_MAP)],
        conditions(f"{CORE}/pods/unused", "PodReadyToStartContainers"),
    ),
    "pull secret missing": (
        [pod("pull", imagePullSecrets=[{"name": "none"}])],
        told("Pod", "pull", "FailedToRetrieveImagePullSecret"),
    ),
    "readiness gate": (
        [pod("shut", readinessGates=[{"conditionType": "e.com/open"}])],
        lambda client, namespace: (
            found
            if (found := conditions(f"{CORE}/pods/shut", "Ready")(client, namespace))
            and found[1] == "ReadinessGatesNotReady"
            else None
        ),
    ),
    "no target": ([autoscaler("aimless", "none")], conditions(f"{HPA}/aimless", "AbleToScale")),
}
_NUMBERS = (
    (re.compile(r"\b\d+/\d+ nodes"), "N nodes"),
    (re.compile(r"\b\d+ (?=node\(s\)|Insufficient|Preemption|No preemption|Too many)"), "N "),
)


def plain(found: Any, namespace: str) -> Any:
    return [_plain(str(part), namespace) for part in found]


def _plain(text: str, namespace: str) -> str:
    text = str(normal(text, namespace))
    for pattern, word in _NUMBERS:
        text = pattern.sub(word, text)
    return text


@pytest.fixture(scope="module")
def both(real: Client, api: Client) -> Iterator[tuple[Client, Client, str]]:
    namespace = f"sandbox-states-{uuid.uuid4().hex[:6]}"
    for client in (real, api):
        assert client("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        until(lambda client=client, path=path: client("GET", path).status == 200)
        for objects, _ in CASES.values():
            for path, body in objects:
                answer = ask(client, ("POST", path, body), namespace)
                assert answer.status == 201, answer.body
    yield real, api, namespace
    for client in (real, api):
        client("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("name", CASES)
def test_both_come_to_the_same_state(both: tuple[Client, Client, str], name: str) -> None:
    look = CASES[name][1]
    theirs, ours = (until(lambda client=client: look(client, both[2]), 85) for client in both[:2])
    assert plain(ours, both[2]) == plain(theirs, both[2])

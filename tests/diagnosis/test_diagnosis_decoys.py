"""What looks like a cause and is none, and causes that are easily told twice or taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from diagnosis_stacks import healthy
from diagnosis_worlds import causes_in, injector

from mcp_tools.sandbox.faults import all_faults
from mcp_tools.sandbox.world import World, boot

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults import Injector

BUSY = {"image": "busybox:1.36", "command": ["sh", "-c", "sleep infinity"]}
RESTART = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "today"}}}}}
HOUR = 3600


@pytest.fixture
def stack() -> World:
    return boot(seed=7)


@pytest.fixture
def box(stack: World) -> Injector:
    return injector(stack)


def told(world: World, seconds: float = 150) -> list[tuple[str, str]]:
    world.clock.advance(seconds)
    return [(cause.finding.mode, cause.finding.object.name) for cause in causes_in(world)]


def test_names_and_words_that_lie_are_no_causes(stack: World, box: Injector) -> None:
    box.deployment("redis", {**BUSY, "command": ["sh", "-c", "while true; do echo ERROR refused; sleep 5; done"]})
    box.deployment("crash-test-broken", BUSY)
    box.create("Service", "redis", spec={"selector": {"app.kubernetes.io/name": "redis"}, "ports": [{"port": 80}]})
    box.create("ConfigMap", "backend-config-broken", data={"ERROR": "CrashLoopBackOff", "URL": "http://nowhere:1"})
    box.create("Secret", "backend-secrets-old", stringData={"expired": "yes"})
    assert told(stack) == []


def test_what_has_done_its_work_or_is_meant_to_rest_is_well(stack: World, box: Injector) -> None:
    box.job("import", {"image": "busybox:1.36", "command": ["sh", "-c", "echo done"]})
    box.deployment("spare", BUSY, replicas=0)
    assert told(stack) == []


def test_warnings_about_a_pod_that_is_gone_or_well_again_are_history(stack: World, box: Injector) -> None:
    box.deployment("todo-cache", {"image": "redis:99.9"}, kind="StatefulSet")
    assert told(stack) == [("image-not-found", "todo-cache")]
    own = box.get("StatefulSet", "todo-cache")["spec"]["template"]["spec"]["containers"][0]
    box.patch(
        "StatefulSet", "todo-cache", {"spec": {"template": {"spec": {"containers": [{**own, "image": "redis:8"}]}}}}
    )
    box.delete("Pod", "todo-cache-0")
    pod = box.get("Pod", box.names("Pod", "app.kubernetes.io/name=backend")[0])
    about = {"kind": "Pod", "namespace": box.namespace, "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    said = {"reason": "Unhealthy", "type": "Warning", "message": "Readiness probe failed: connection refused"}
    box.create("Event", "noise", involvedObject=about, lastTimestamp="2099-01-01T00:00:00Z", **said)
    assert told(stack) == []


def test_restarts_of_yesterday_are_healed(stack: World, box: Injector) -> None:
    all_faults()["dependency-refused"].inject(box)
    assert [name for _, name in told(stack)] == ["todo-db"]
    password = {"env": [{"name": "POSTGRES_PASSWORD", "value": "made-up"}]}
    box.deployment(
        "todo-db",
        {"image": "postgres:17", **password, "volumeMounts": [{"name": "d", "mountPath": "/var/lib/postgresql/data"}]},
        volumes=[{"name": "d", "emptyDir": {}}],
    )
    assert told(stack, HOUR) == []
    restarted = [box.get("Pod", name)["status"]["containerStatuses"][0] for name in box.names("Pod")]
    assert any(status["restartCount"] > 1 for status in restarted)


def test_one_missing_object_is_one_cause_whoever_waits_for_it() -> None:
    world = healthy("queue", 3)
    box = injector(world)
    box.namespace = "queue"
    box.delete("ConfigMap", "queue-config")
    for name in ("orders", "worker"):
        box.patch("Deployment", name, RESTART)
    world.clock.advance(150)
    [cause] = causes_in(world)
    assert (cause.finding.mode, cause.finding.object.name) == ("config-missing", "queue-config")
    assert {ref.name for ref in cause.reach} >= {"orders", "worker"}


def test_two_causes_of_one_symptom_are_both_told(stack: World, box: Injector) -> None:
    # The kubelet's word is of the first one only.
    for name in ("config-missing", "secret-missing"):
        all_faults()[name].inject(box)
    assert set(told(stack)) >= {("config-missing", "backend-config"), ("secret-missing", "backend-secrets")}


def test_the_same_symptom_in_two_workloads_has_a_cause_in_each(stack: World, box: Injector) -> None:
    box.container("backend", image="todo-backend:9.9.9")
    box.container("frontend", image="todo-frontend:1.0.0", readinessProbe={"httpGet": {"port": 9999}})
    assert set(told(stack)) == {("image-not-found", "backend"), ("probe-port", "frontend")}

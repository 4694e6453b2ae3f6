"""The control loops, on a clock that the test drives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sandbox_helpers import deployment

from mcp_tools.sandbox.objects.deletion import DeleteOptions
from mcp_tools.sandbox.objects.registry import WriteOptions

if TYPE_CHECKING:
    from mcp_tools.sandbox.world import World

Object = dict[str, Any]
PROBED = {"readinessProbe": {"httpGet": {"port": 80}}}


def get(world: World, kind: str, name: str, namespace: str = "test") -> Object:
    found = world.cluster.get(kind, namespace, name)
    assert found is not None
    return found


def pods(world: World, **labels: str) -> list[Object]:
    return [
        pod
        for pod in world.cluster.all_of("Pod", "test")
        if labels.items() <= (pod["metadata"].get("labels") or {}).items()
    ]


def ready(world: World, **labels: str) -> int:
    return sum(
        condition["status"] == "True"
        for pod in pods(world, **labels)
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready" and not pod["metadata"].get("deletionTimestamp")
    )


def conditions(obj: Object) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c.get("reason", "")) for c in obj["status"].get("conditions", [])}


def messages(world: World, reason: str) -> list[str]:
    return [event["message"] for event in world.cluster.all_of("Event", "test") if event["reason"] == reason]


def change(world: World, kind: str, name: str, **spec: Any) -> None:
    found = world.cluster.kind(kind)
    world.registry.modify(found, "test", name, lambda draft: draft["spec"].update(spec), WriteOptions("test"))


def set_image(world: World, image: str, name: str = "web", kind: str = "Deployment") -> None:
    def draft(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

    world.registry.modify(world.cluster.kind(kind), "test", name, draft, WriteOptions("test"))


def test_a_deployment_comes_up_and_says_so(world: World) -> None:
    world.add(deployment())
    world.clock.advance(0.05)
    assert conditions(get(world, "Deployment", "web"))["Available"] == ("False", "MinimumReplicasUnavailable")
    world.clock.advance(3)
    web = get(world, "Deployment", "web")
    assert conditions(web) == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }
    assert web["status"]["observedGeneration"] == web["metadata"]["generation"] == 1
    assert web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    (replica_set,) = world.cluster.owned(web, "ReplicaSet")
    assert replica_set["metadata"]["name"] == f"web-{replica_set['metadata']['labels']['pod-template-hash']}"
    assert len({pod["spec"]["nodeName"] for pod in pods(world)}) == 2
    assert messages(world, "ScalingReplicaSet") == [
        f"Scaled up replica set {replica_set['metadata']['name']} from 0 to 2"
    ]


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), ("50%", "25%"), (3, 3)])
def test_a_rolling_update_keeps_its_promises_all_the_way(world: World, surge: Any, unavailable: Any) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    world.add(deployment(replicas=4, strategy=strategy))
    world.clock.advance(5)
    most = 4 + (2 if surge == "50%" else surge)
    least = 4 - (1 if unavailable == "25%" else unavailable)
    set_image(world, "nginx:1.28")
    for _ in range(600):
        world.clock.advance(0.05)
        living = [pod for pod in pods(world) if not pod["metadata"].get("deletionTimestamp")]
        assert len(living) <= most
        assert ready(world) >= least
    assert {pod["spec"]["containers"][0]["image"] for pod in pods(world)} == {"nginx:1.28"}
    assert ready(world) == 4
    assert conditions(get(world, "Deployment", "web"))["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_a_second_broken_template_does_not_eat_the_first(world: World) -> None:
    """Unready new pods count against the budget: the old set keeps its pods although none of them serves."""
    world.add(deployment(replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}))
    set_image(world, "nginx:broken-one")
    world.clock.advance(20)
    set_image(world, "nginx:broken-two")
    world.clock.advance(20)
    sizes = {
        item["spec"]["template"]["spec"]["containers"][0]["image"]: item["spec"]["replicas"]
        for item in world.cluster.all_of("ReplicaSet", "test")
    }
    assert (sizes["nginx:broken-one"], sizes["nginx:broken-two"]) == (4, 1)


def test_recreate_never_runs_both(world: World) -> None:
    world.add(deployment(strategy={"type": "Recreate"}))
    world.clock.advance(3)
    set_image(world, "nginx:1.28")
    for _ in range(100):
        world.clock.advance(0.05)
        assert len({pod["spec"]["containers"][0]["image"] for pod in pods(world)}) <= 1
    assert {pod["spec"]["containers"][0]["image"] for pod in pods(world)} == {"nginx:1.28"}


def test_an_image_that_does_not_exist_stops_the_rollout_at_the_deadline(world: World) -> None:
    world.add(deployment(progressDeadlineSeconds=30))
    world.clock.advance(3)
    set_image(world, "nginx:no-such-tag")
    world.clock.advance(5)
    (stuck,) = [pod for pod in pods(world) if pod["spec"]["containers"][0]["image"] == "nginx:no-such-tag"]
    waiting = stuck["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] in {"ErrImagePull", "ImagePullBackOff"}
    assert "docker.io/library/nginx:no-such-tag" in waiting["message"]
    assert "manifest unknown" in waiting["message"]
    assert 'Back-off pulling image "nginx:no-such-tag"' in messages(world, "BackOff")
    assert conditions(get(world, "Deployment", "web"))["Progressing"][1] == "ReplicaSetUpdated"
    world.clock.advance(40)
    web = get(world, "Deployment", "web")
    assert conditions(web)["Progressing"] == ("False", "ProgressDeadlineExceeded")
    assert ready(world) == 2
    set_image(world, "nginx:1.27")
    world.clock.advance(3)
    web = get(world, "Deployment", "web")
    assert web["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert len(pods(world)) == 2
    assert conditions(web)["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_history_is_kept_to_its_limit(world: World) -> None:
    world.add(deployment(replicas=1, revisionHistoryLimit=2))
    for tag in ("1.25", "1.26", "1.27", "1.28", "1.29"):
        world.clock.advance(5)
        set_image(world, f"nginx:{tag}")
    world.clock.advance(10)
    assert len(world.cluster.owned(get(world, "Deployment", "web"), "ReplicaSet")) == 3


def test_a_paused_deployment_scales_and_does_not_roll(world: World) -> None:
    world.add(deployment(paused=True))
    world.clock.advance(2)
    assert not pods(world)
    change(world, "Deployment", "web", paused=False)
    world.clock.advance(3)
    change(world, "Deployment", "web", paused=True)
    world.clock.advance(1)
    set_image(world, "nginx:1.28")
    change(world, "Deployment", "web", replicas=3)
    world.clock.advance(3)
    assert [pod["spec"]["containers"][0]["image"] for pod in pods(world)] == ["nginx:1.27"] * 3
    assert conditions(get(world, "Deployment", "web"))["Progressing"] == ("Unknown", "DeploymentPaused")


def test_a_replica_set_loses_the_unready_and_the_young_first(world: World) -> None:
    world.add(deployment(replicas=3))
    world.clock.advance(60)
    old = {pod["metadata"]["name"] for pod in pods(world)}
    change(world, "Deployment", "web", replicas=5)
    world.clock.advance(5)
    change(world, "Deployment", "web", replicas=3)
    world.clock.advance(5)
    assert {pod["metadata"]["name"] for pod in pods(world)} == old


def test_minimum_ready_seconds_delay_availability(world: World) -> None:
    world.add(deployment(minReadySeconds=10))
    world.clock.advance(5)
    status = get(world, "Deployment", "web")["status"]
    assert (status["readyReplicas"], status.get("availableReplicas", 0)) == (2, 0)
    world.clock.advance(10)
    assert get(world, "Deployment", "web")["status"]["availableReplicas"] == 2


def test_a_crash_loop(world: World) -> None:
    world.add(deployment(replicas=1, annotations={"sandbox.shipmate.dev/behavior": "crash=0.5"}))
    world.clock.advance(4)
    (pod,) = pods(world)
    status = pod["status"]["containerStatuses"][0]
    waiting = status["state"]["waiting"]
    uid = pod["metadata"]["uid"]
    where = f"restarting failed container=app pod={pod['metadata']['name']}_test({uid})"
    assert (waiting["reason"], waiting["message"]) == ("CrashLoopBackOff", f"back-off 10s {where}")
    ended = status["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"], status["restartCount"]) == (1, "Error", 1)
    world.clock.advance(120)
    (pod,) = pods(world)
    status = pod["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 4
    assert pod["status"]["phase"] == "Running"
    backed_off = [event for event in world.cluster.all_of("Event", "test") if event["reason"] == "BackOff"]
    assert [event["count"] >= 3 for event in backed_off] == [True]
    run = world.kubelet.run_of(pod, "app", previous=True)
    assert run is not None
    from mcp_tools.sandbox.containers.logs import lines_of

    assert lines_of(run, world.clock.now())[-1].text == "RuntimeError: made to fail"


def test_missing_configuration_waits_and_recovers(world: World) -> None:
    env = [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}}]
    world.add(deployment(replicas=1, container={"env": env}))
    world.clock.advance(3)

    def waiting() -> Object:
        found: Object = pods(world)[0]["status"]["containerStatuses"][0]["state"]["waiting"]
        return found

    assert waiting() == {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}
    world.add({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "test"}})
    world.clock.advance(3)
    assert waiting()["message"] == "couldn't find key p in Secret test/s"
    world.add(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "test"}, "stringData": {"p": "x"}}
    )
    world.clock.advance(3)
    assert ready(world) == 1


def test_a_missing_volume_source_holds_the_pod_unless_it_is_optional(world: World) -> None:
    sources: dict[str, Object] = {
        "needed": {"secret": {"secretName": "s"}},
        "optional": {"secret": {"secretName": "s", "optional": True}},
    }
    for name, source in sources.items():
        mounted = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        world.add(deployment(name, replicas=1, pod={"volumes": [{"name": "v", **source}]}, container=mounted))
    world.clock.advance(3)
    assert (ready(world, app="needed"), ready(world, app="optional")) == (0, 1)
    assert set(messages(world, "FailedMount")) == {'MountVolume.SetUp failed for volume "v" : secret "s" not found'}
    world.add({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "test"}})
    world.clock.advance(3)
    assert ready(world, app="needed") == 1


def test_a_probe_on_the_wrong_port_never_passes(world: World) -> None:
    probe = {"httpGet": {"port": 81, "path": "/healthz"}, "periodSeconds": 2}
    world.add(deployment(replicas=1, container={"readinessProbe": probe}))
    world.clock.advance(10)
    (pod,) = pods(world)
    assert ready(world) == 0
    address = pod["status"]["podIP"]
    assert messages(world, "Unhealthy") == [
        f'Readiness probe failed: Get "http://{address}:81/healthz": dial tcp {address}:81: connect: connection refused'
    ]
    set_live = {"livenessProbe": {**probe, "failureThreshold": 2}}
    world.add(deployment("live", replicas=1, container=set_live))
    world.clock.advance(20)
    assert "Container app failed liveness probe, will be restarted" in messages(world, "Killing")
    assert pods(world, app="live")[0]["status"]["containerStatuses"][0]["restartCount"] >= 1


def test_init_containers_go_first(world: World) -> None:
    init = [
        {"name": "first", "image": "busybox", "command": ["sh", "-c", "echo one; sleep 2"]},
        {"name": "second", "image": "busybox", "command": ["sleep", "2"]},
    ]
    world.add(
        deployment(replicas=1, pod={"initContainers": init, "containers": [{"name": "app", "image": "nginx:1.27"}]})
    )
    from mcp_tools.sandbox.api.columns_workloads import pod_status

    seen = []
    for _ in range(100):
        world.clock.advance(0.1)
        word = pod_status(pods(world)[0])
        seen += [word] if not seen or seen[-1] != word else []
    assert seen[-3:] == ["Init:1/2", "PodInitializing", "Running"]
    assert "Init:0/2" in seen


def test_a_pod_whose_init_container_fails_waits_for_it_unless_it_is_never_started_again(world: World) -> None:
    init = [{"name": "first", "image": "busybox", "command": ["false"]}]
    main = [{"name": "app", "image": "nginx:1.27"}]
    world.add(deployment(replicas=1, pod={"initContainers": init, "containers": main}))
    once = {"restartPolicy": "Never", "initContainers": init, "containers": main}
    world.add({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "once", "namespace": "test"}, "spec": once})
    world.clock.advance(20)
    assert pods(world, app="web")[0]["status"]["phase"] == "Pending"
    assert get(world, "Pod", "once")["status"]["phase"] == "Failed"


def test_a_daemon_set_whose_pods_are_refused_says_why(world: World) -> None:
    quota = {"metadata": {"name": "none", "namespace": "test"}, "spec": {"hard": {"pods": "0"}}}
    world.add({"apiVersion": "v1", "kind": "ResourceQuota", **quota})
    world.clock.advance(2)
    made = deployment("agent", replicas=1)
    made["kind"] = "DaemonSet"
    for field in ("replicas", "strategy"):
        made["spec"].pop(field, None)
    world.add(made)
    world.clock.advance(5)
    assert any("exceeded quota: none" in message for message in messages(world, "FailedCreate"))


def test_why_a_pod_is_not_scheduled(world: World) -> None:
    world.add(deployment("big", replicas=1, container={"resources": {"requests": {"cpu": "40", "memory": "1Ti"}}}))
    world.add(deployment("picky", replicas=1, pod={"nodeSelector": {"disk": "ssd"}}))
    world.clock.advance(1)
    start = "no new claims to deallocate, preemption: 0/2 nodes are available"
    helpless = f"{start}: 2 Preemption is not helpful for scheduling."
    none = f"{start}: 2 No preemption victims found for incoming pod."
    assert sorted(messages(world, "FailedScheduling")) == [
        f"0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory. {helpless}",
        f"0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. {helpless}",
    ]
    world.add(deployment("many", replicas=5, container={"resources": {"requests": {"cpu": "1500m"}}}))
    world.clock.advance(1)
    assert f"0/2 nodes are available: 2 Insufficient cpu. {none}" in messages(world, "FailedScheduling")
    world.add(deployment("many", replicas=0, container={"resources": {"requests": {"cpu": "1500m"}}}))
    world.clock.advance(1)
    (pod,) = pods(world, app="picky")
    assert conditions(pod)["PodScheduled"] == ("False", "Unschedulable")
    node = world.cluster.kind("Node")
    labelled = lambda draft: draft["metadata"]["labels"].update(disk="ssd")  # noqa: E731
    world.registry.modify(node, "", "sandbox-2", labelled, WriteOptions("test"))
    world.clock.advance(3)
    assert pods(world, app="picky")[0]["spec"]["nodeName"] == "sandbox-2"


def test_endpoints_follow_readiness(world: World) -> None:
    world.add(deployment())
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 80}]}
    world.add({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "test"}, "spec": spec})
    world.clock.advance(3)
    (piece,) = world.cluster.all_of("EndpointSlice", "test")
    addresses = sorted(endpoint["addresses"][0] for endpoint in piece["endpoints"])
    assert addresses == sorted(pod["status"]["podIP"] for pod in pods(world))
    assert all(endpoint["conditions"]["ready"] for endpoint in piece["endpoints"])
    endpoints = get(world, "Endpoints", "web")
    assert sorted(a["ip"] for a in endpoints["subsets"][0]["addresses"]) == addresses
    world.add(deployment(annotations={"sandbox.shipmate.dev/behavior": "unready"}, container=PROBED))
    world.clock.advance(3)
    endpoints = get(world, "Endpoints", "web")
    assert (len(endpoints["subsets"][0]["addresses"]), len(endpoints["subsets"][0]["notReadyAddresses"])) == (2, 1)
    (piece,) = world.cluster.all_of("EndpointSlice", "test")
    assert sorted(endpoint["conditions"]["ready"] for endpoint in piece["endpoints"]) == [False, True, True]
    change(world, "Deployment", "web", replicas=0)
    world.clock.advance(3)
    (piece,) = world.cluster.all_of("EndpointSlice", "test")
    assert piece["endpoints"] == []


def stateful(**spec: Any) -> Object:
    made = deployment("db", replicas=3, **spec)
    made["kind"] = "StatefulSet"
    made["spec"]["serviceName"] = "db"
    return made


def test_a_stateful_set_goes_in_order(world: World) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    world.add(stateful(volumeClaimTemplates=[claim]))
    seen = []
    for _ in range(200):
        world.clock.advance(0.05)
        found = sorted(pod["metadata"]["name"] for pod in pods(world))
        seen += [found] if found and (not seen or seen[-1] != found) else []
    assert seen == [["db-0"], ["db-0", "db-1"], ["db-0", "db-1", "db-2"]]
    claims = world.cluster.all_of("PersistentVolumeClaim", "test")
    assert [claim["status"]["phase"] for claim in claims] == ["Bound"] * 3
    assert len(world.cluster.all_of("PersistentVolume")) == 3
    set_image(world, "nginx:1.28", "db", "StatefulSet")
    replaced = []
    for _ in range(400):
        world.clock.advance(0.05)
        for pod in pods(world):
            new = pod["spec"]["containers"][0]["image"] == "nginx:1.28"
            if new and pod["metadata"]["name"] not in replaced:
                replaced.append(pod["metadata"]["name"])
    assert replaced == ["db-2", "db-1", "db-0"]
    status = get(world, "StatefulSet", "db")["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert status["readyReplicas"] == 3


def test_a_daemon_set_is_on_every_node_that_takes_it(world: World) -> None:
    made = deployment("agent")
    made["kind"] = "DaemonSet"
    del made["spec"]["replicas"]
    world.add(made)
    world.clock.advance(3)
    assert sorted(pod["spec"]["nodeName"] for pod in pods(world)) == ["sandbox-1", "sandbox-2"]
    assert get(world, "DaemonSet", "agent")["status"]["numberReady"] == 2
    for effect, names, strayed in (("NoSchedule", ["sandbox-1", "sandbox-2"], 1), ("NoExecute", ["sandbox-1"], 0)):
        taint = {"key": "k", "value": "v", "effect": effect}

        def draft(node: Object, taint: Object = taint) -> None:
            node["spec"].update(taints=[taint])

        world.registry.modify(world.cluster.kind("Node"), "", "sandbox-2", draft, WriteOptions("test"))
        world.clock.advance(3)
        status = get(world, "DaemonSet", "agent")["status"]
        assert sorted(pod["spec"]["nodeName"] for pod in pods(world)) == names
        assert (status["desiredNumberScheduled"], status["numberMisscheduled"]) == (1, strayed)


def job(*command: str, **spec: Any) -> Object:
    container = {"name": "a", "image": "busybox", "command": ["sh", "-c", *command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    meta = {"name": "j", "namespace": "test"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": template, **spec}}


def test_jobs_complete_and_fail(world: World) -> None:
    world.add(job("echo hi; sleep 2", completions=3, parallelism=2))
    most = 0
    for _ in range(200):
        world.clock.advance(0.1)
        most = max(most, sum(pod["status"]["phase"] == "Running" for pod in pods(world)))
    done = get(world, "Job", "j")
    assert (conditions(done)["Complete"], done["status"]["succeeded"], most) == (("True", "CompletionsReached"), 3, 2)
    assert {pod["status"]["phase"] for pod in pods(world)} == {"Succeeded"}
    world.registry.delete(world.cluster.kind("Job"), "test", "j", DeleteOptions(propagation="Background"))
    world.clock.advance(2)
    assert not pods(world)
    world.add(job("exit 3", backoffLimit=1))
    world.clock.advance(120)
    failed = get(world, "Job", "j")
    assert conditions(failed)["Failed"] == ("True", "BackoffLimitExceeded")
    assert failed["status"]["failed"] == 2


def test_a_cron_job_runs_on_the_minute_and_keeps_a_short_history(world: World) -> None:
    spec = {"schedule": "*/2 * * * *", "successfulJobsHistoryLimit": 2, "jobTemplate": {"spec": job("true")["spec"]}}
    world.add(
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c", "namespace": "test"}, "spec": spec}
    )
    world.clock.advance(602)
    assert len(messages(world, "SuccessfulCreate")) >= 5
    assert len(world.cluster.all_of("Job", "test")) == 2
    minute, second = get(world, "CronJob", "c")["status"]["lastScheduleTime"].removesuffix("Z").split(":")[1:]
    assert (int(minute) % 2, second) == (0, "00")


def test_deletion_reaches_everything_below_or_leaves_it(world: World) -> None:
    for name in ("fore", "back", "orphan"):
        world.add(deployment(name, replicas=1))
    world.clock.advance(3)
    kind = world.cluster.kind("Deployment")
    held, gone = world.registry.delete(kind, "test", "fore", DeleteOptions(propagation="Foreground"))
    assert not gone
    assert held["metadata"]["finalizers"] == ["foregroundDeletion"]
    while world.cluster.get("Deployment", "test", "fore"):
        world.clock.advance(0.02)
        assert world.cluster.get("Deployment", "test", "fore") or not pods(world, app="fore")
    world.registry.delete(kind, "test", "back", DeleteOptions(propagation="Background"))
    world.registry.delete(kind, "test", "orphan", DeleteOptions(propagation="Orphan"))
    world.clock.advance(3)
    assert not world.cluster.all_of("Deployment", "test")
    assert [item["metadata"]["labels"]["app"] for item in world.cluster.all_of("Pod", "test")] == ["orphan"]
    (left,) = world.cluster.all_of("ReplicaSet", "test")
    assert "ownerReferences" not in left["metadata"]


def test_a_namespace_empties_itself(world: World) -> None:
    world.add(deployment())
    world.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "test"}})
    world.clock.advance(3)
    world.registry.delete(world.cluster.kind("Namespace"), "", "test", DeleteOptions())
    assert world.cluster.get("Namespace", "", "test")["status"]["phase"] == "Terminating"  # type: ignore[index]
    world.clock.advance(5)
    assert world.cluster.get("Namespace", "", "test") is None
    for kind in world.kinds.all():
        if kind.namespaced and not kind.virtual:
            assert not list(world.store.all_of(kind, "test")), kind.name


def test_a_disruption_budget_counts(world: World) -> None:
    world.add(deployment(replicas=3))
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    meta = {"name": "b", "namespace": "test"}
    world.add({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": budget})
    world.clock.advance(3)
    status = get(world, "PodDisruptionBudget", "b")["status"]
    assert (status["currentHealthy"], status["desiredHealthy"], status["disruptionsAllowed"]) == (3, 2, 1)


def test_events_are_forgotten_after_an_hour(world: World) -> None:
    world.add(deployment())
    world.clock.advance(10)
    assert world.cluster.all_of("Event", "test")
    world.clock.advance(3700)
    assert not world.cluster.all_of("Event", "test")


def autoscaler(**spec: Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    meta = {"name": "web", "namespace": "test"}
    body = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 6, **spec}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": body}


def test_an_autoscaler_follows_the_load_up_to_its_maximum(world: World) -> None:
    asks = {"resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "400m"}}}
    world.add(deployment(container=asks, annotations={"sandbox.shipmate.dev/behavior": "load=0.9"}))
    world.add(autoscaler())
    world.clock.advance(120)
    scaler = get(world, "HorizontalPodAutoscaler", "web")
    assert get(world, "Deployment", "web")["spec"]["replicas"] == 6
    assert conditions(scaler)["ScalingLimited"] == ("True", "TooManyReplicas")
    assert scaler["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] > 300
    assert messages(world, "SuccessfulRescale")[0].endswith(
        "cpu resource utilization (percentage of request) above target"
    )


def test_an_autoscaler_without_requests_says_what_is_missing(world: World) -> None:
    world.add(deployment())
    world.add(autoscaler())
    world.clock.advance(40)
    scaler = get(world, "HorizontalPodAutoscaler", "web")
    assert conditions(scaler)["ScalingActive"] == ("False", "FailedGetResourceMetric")
    assert "missing request for cpu in container app of Pod web-" in messages(world, "FailedGetResourceMetric")[-1]


def test_an_autoscaler_without_a_target_says_so(world: World) -> None:
    world.add(autoscaler())
    world.clock.advance(20)
    assert conditions(get(world, "HorizontalPodAutoscaler", "web")) == {"AbleToScale": ("False", "FailedGetScale")}


def break_node(world: World, name: str, status: str) -> None:
    def draft(obj: Object) -> None:
        entry = next(c for c in obj["status"]["conditions"] if c["type"] == "Ready")
        entry.update(status=status, reason="NodeStatusUnknown", message="Kubelet stopped posting node status.")

    kind = world.cluster.kind("Node")
    world.registry.modify(kind, "", name, draft, WriteOptions("test", subresource="status"))


def test_pods_leave_a_lost_node_after_their_toleration_and_come_up_elsewhere(world: World) -> None:
    world.add(deployment(replicas=4))
    world.clock.advance(5)
    break_node(world, "sandbox-1", "Unknown")
    world.clock.advance(2)
    taints = get(world, "Node", "sandbox-1", "")["spec"]["taints"]
    assert {(taint["key"], taint["effect"]) for taint in taints} == {
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }
    assert ready(world) == 2
    world.clock.advance(290)
    assert len(pods(world)) == 4
    world.clock.advance(20)
    assert [bool(pod["metadata"].get("deletionTimestamp")) for pod in pods(world)].count(True) == 2
    assert {pod["spec"]["nodeName"] for pod in pods(world) if not pod["metadata"].get("deletionTimestamp")} == {
        "sandbox-2"
    }
    break_node(world, "sandbox-1", "True")
    world.clock.advance(1)
    assert all(not pod["metadata"].get("deletionTimestamp") for pod in pods(world))
    assert "taints" not in get(world, "Node", "sandbox-1", "")["spec"]


def test_pods_of_a_node_that_was_deleted_come_up_elsewhere(world: World) -> None:
    world.add(deployment(replicas=4))
    world.clock.advance(5)
    world.registry.delete(world.cluster.kind("Node"), "", "sandbox-1", DeleteOptions())
    world.clock.advance(30)
    assert {pod["spec"]["nodeName"] for pod in pods(world)} == {"sandbox-1", "sandbox-2"}
    world.clock.advance(20)
    assert [pod["spec"]["nodeName"] for pod in pods(world)] == ["sandbox-2"] * 4
    assert ready(world) == 4

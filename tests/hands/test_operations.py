"""Every operation comes as a plan, does what the plan said, and is put back by undo, field by field."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, Person, deployment, deployments, done, there
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_tools.changes.diff import compare
from mcp_tools.changes.model import Decision
from mcp_tools.errors import Conflict, NotFound, ShipmateError, UsageError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox

STACK = """
apiVersion: v1
kind: Service
metadata: {name: cache}
spec: {selector: {app: cache}, ports: [{port: 6379}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec:
  replicas: 1
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec: {containers: [{name: cache, image: "nginx:1.27"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cache-conf}
data: {size: "10"}
"""
CONFIGS = "/api/v1/namespaces/{}/configmaps/{}"
SERVICES = "/api/v1/namespaces/{}/services/{}"


@pytest.mark.parametrize(
    ("tool", "arguments", "path", "value"),
    [
        ("configure_workload", {"env": {"MODE": "fast", "B": "2"}}, "env", [{"name": "MODE", "value": "fast"}]),
        ("configure_workload", {"limits": {"memory": "300Mi"}, "requests": {"cpu": "50m"}}, "resources", "300Mi"),
        ("patch_resource", {"labels": {"team": "blue"}, "annotations": {"a.example/b": "c"}}, "metadata", "blue"),
        ("patch_resource", {"fields": {"spec.template.spec.containers[app].tty": True}}, "tty", True),
        ("patch_resource", {"fields": {"spec.strategy.rollingUpdate.maxSurge": 2}}, "maxSurge", 2),
    ],
    ids=["environment", "resources", "labels", "a field of a container", "a field"],
)
def test_a_setting_is_made_and_put_back(
    box: Toolbox, kube: Kube, web: str, tool: str, arguments: dict[str, Any], path: str, value: Any
) -> None:
    before = kube.get(web)
    data = done(box, tool, target="web", **arguments)
    assert any(path in field["path"] or path in str(field) for field in data["diff"])
    after = kube.get(web)
    assert str(value).strip("[]") in str(after)
    assert compare(before, after)
    done(box, "undo_change")
    assert compare(before, kube.get(web)) == ()


def test_a_variable_is_changed_and_taken_away_among_others(box: Toolbox, kube: Kube, web: str) -> None:
    done(box, "configure_workload", target="web", env={"A": "1", "B": "2"})
    done(box, "configure_workload", target="web", env={"A": "3", "B": None, "C": "4"})
    (container,) = kube.get(web)["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "A", "value": "3"}, {"name": "C", "value": "4"}]


def test_a_rollout_is_put_back_to_an_earlier_revision(box: Toolbox, kube: Kube, web: str) -> None:
    done(box, "configure_workload", target="web", env={"A": "1"})
    done(box, "rollout", target="web", action="undo")
    assert "env" not in kube.get(web)["spec"]["template"]["spec"]["containers"][0]
    rows = box.call("describe_resource", {"target": "web", "rollout": True}).data["revisions"]
    assert [row["revision"] for row in rows] == [3, 2]
    with pytest.raises(NotFound, match="keeps no revision 99"):
        box.call("rollout", {"target": "web", "action": "undo", "revision": 99})


def test_a_change_of_a_paused_rollout_waits_and_says_so(box: Toolbox, kube: Kube, web: str, person: Person) -> None:
    done(box, "rollout", target="web", action="pause")
    done(box, "configure_workload", target="web", env={"A": "1"})
    assert any("paused" in warning for warning in person.plans[-1].warnings)
    with pytest.raises(UsageError, match="paused"):
        box.call("rollout", {"target": "web", "action": "restart"})
    done(box, "rollout", target="web", action="resume")
    assert kube.get(web)["status"]["updatedReplicas"] == 2


def test_a_port_that_the_server_chooses_is_put_back_as_it_was_chosen(box: Toolbox, kube: Kube, space: str) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"selector": {"app": "s"}, "ports": [{"port": 80}]}}
    kube.make(f"/api/v1/namespaces/{space}/services", body)
    before = kube.get(SERVICES.format(space, "s"))
    done(box, "patch_resource", target="service/s", fields={"spec.type": "NodePort"})
    assert kube.get(SERVICES.format(space, "s"))["spec"]["ports"][0]["nodePort"]
    done(box, "undo_change")
    assert compare(before, kube.get(SERVICES.format(space, "s"))) == ()


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("configure_workload", {"limits": {"memory": "lots"}}, "no quantity"),
        ("configure_workload", {"env": {"A B": "1"}}, "no name of an environment variable"),
        ("configure_workload", {}, "nothing to set"),
        ("patch_resource", {"fields": {"status.replicas": 3}}, "not for users"),
        ("patch_resource", {"fields": {"metadata.name": "x"}}, "not for users"),
        ("patch_resource", {"fields": {"spec..x[": 3}}, "no path"),
        ("patch_resource", {"fields": {"spec.template.spec.containers[nobody].tty": True}}, "no element"),
        ("patch_resource", {"labels": {"-bad-": "x"}}, "no key"),
        ("rollout", {"action": "undo"}, "no revision before"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything(
    box: Toolbox, kube: Kube, web: str, person: Person, tool: str, arguments: dict[str, Any], says: str
) -> None:
    before = kube.get(web)
    with pytest.raises(UsageError, match=says):
        box.call(tool, {"target": "web", **arguments})
    assert not person.plans
    assert compare(before, kube.get(web)) == ()


def test_a_manifest_is_applied_as_one_and_put_back_as_one(box: Toolbox, kube: Kube, space: str, person: Person) -> None:
    done(box, "apply_manifest", manifest=STACK)
    assert kube.get(deployments(space, "cache"))["status"]["readyReplicas"] == 1
    assert box.call("apply_manifest", {"manifest": STACK}).data["status"] == "unchanged"
    config = CONFIGS.format(space, "cache-conf")
    data = done(box, "apply_manifest", manifest=STACK.replace('"10"', '"20"').replace("replicas: 1", "replicas: 2"))
    assert [(row["path"], row["old"], row["new"]) for row in data["diff"]] == [
        ("data.size", "10", "20"),
        ("spec.replicas", 1, 2),
    ]
    assert len(person.plans) == 2
    done(box, "undo_change")
    assert kube.get(config)["data"] == {"size": "10"}
    done(box, "undo_change")
    for path in (config, SERVICES.format(space, "cache"), deployments(space, "cache")):
        assert not there(kube, path)


def test_a_manifest_of_which_one_part_fails_leaves_nothing(box: Toolbox, kube: Kube, space: str) -> None:
    data = box.call("apply_manifest", {"manifest": STACK.replace("nginx:1.27", "todo-backend:absent")}).data
    assert data["status"] == "rolled_back"
    assert "image cannot be pulled" in data["reason"]
    for path in (CONFIGS.format(space, "cache-conf"), SERVICES.format(space, "cache"), deployments(space, "cache")):
        assert not there(kube, path)


def test_a_manifest_may_bring_its_namespace(box: Toolbox, kube: Kube, space: str) -> None:
    made = f"{space}-b"
    manifest = STACK.replace("metadata: {name: cache-conf}", f"metadata: {{name: cache-conf, namespace: {made}}}")
    done(box, "apply_manifest", manifest=f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {made}}}\n---{manifest}")
    assert there(kube, CONFIGS.format(made, "cache-conf"))
    done(box, "undo_change")
    assert not there(kube, CONFIGS.format(made, "cache-conf"))


def test_fields_of_another_manager_are_taken_over_only_with_a_word(
    box: Toolbox, kube: Kube, space: str, person: Person
) -> None:
    done(box, "apply_manifest", manifest=STACK)
    kube.merge(CONFIGS.format(space, "cache-conf"), {"data": {"size": "99"}}, manager="kubectl-edit")
    done(box, "apply_manifest", manifest=STACK)
    assert any("kubectl-edit" in warning for warning in person.plans[-1].warnings)
    assert kube.get(CONFIGS.format(space, "cache-conf"))["data"] == {"size": "10"}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("kind: X\nmetadata: {name: y}", "lacks apiVersion"),
        ("apiVersion: v1\nkind: ConfigMap", "lacks metadata.name"),
        ("just words", "is no object"),
        ("a: [", "no YAML"),
        ("---\n---\n", "holds no object"),
        ("apiVersion: nobody.example/v1\nkind: Thing\nmetadata: {name: t}", "serves no Thing"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndat: {a: b}", "unknown field"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
    ],
)
def test_a_manifest_that_cannot_be_meant_changes_nothing(
    box: Toolbox, person: Person, manifest: str, says: str
) -> None:
    with pytest.raises(ShipmateError, match=says):
        box.call("apply_manifest", {"manifest": manifest})
    assert not person.plans


def test_a_deletion_says_what_goes_along_and_undo_makes_it_again(
    box: Toolbox, kube: Kube, web: str, person: Person
) -> None:
    before = kube.get(web)
    done(box, "delete_resource", target="deployment/web")
    assert "1 ReplicaSet" in " ".join(person.plans[-1].warnings)
    assert "2 Pods" in " ".join(person.plans[-1].warnings)
    assert not there(kube, web)
    done(box, "undo_change")
    after = kube.get(web)
    assert compare(before, after) == ()
    assert after["status"]["readyReplicas"] == 2


def test_what_cannot_come_back_is_said_before_it_goes(box: Toolbox, kube: Kube, space: str, person: Person) -> None:
    body = {"metadata": {"name": "db"}, "stringData": {"password": "hunter2-hunter2"}}
    kube.make(f"/api/v1/namespaces/{space}/secrets", body)
    person.decision = Decision.DECLINED
    assert box.call("delete_resource", {"target": "secret/db"}).data["status"] == "declined"
    (plan,) = person.plans
    assert not plan.reversible
    assert "undo cannot bring them back" in " ".join(plan.warnings)
    assert there(kube, f"/api/v1/namespaces/{space}/secrets/db")


def test_a_deletion_that_a_finalizer_holds_is_no_success(
    box: Toolbox, kube: Kube, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_tools.changes.steps.GONE_SECONDS", 1.0)
    meta = {"name": "held", "finalizers": ["example.com/wait"]}
    kube.make(f"/api/v1/namespaces/{space}/configmaps", {"metadata": meta})
    data = box.call("delete_resource", {"target": "configmap/held"}).data
    assert data["status"] == "failed"
    assert "example.com/wait" in data["reason"]
    kube.merge(CONFIGS.format(space, "held"), {"metadata": {"finalizers": None}})


def test_undo_of_what_was_made_is_refused_after_another_writer(box: Toolbox, kube: Kube, space: str) -> None:
    done(box, "apply_manifest", manifest=STACK)
    kube.merge(CONFIGS.format(space, "cache-conf"), {"data": {"size": "99"}})
    with pytest.raises(Conflict, match="somebody-else"):
        box.call("undo_change", {})
    assert there(kube, deployments(space, "cache"))


_quantities = st.sampled_from(["100m", "1", "250m", "1500m"])
_plans = st.one_of(
    st.fixed_dictionaries(
        {
            "env": st.dictionaries(
                st.sampled_from("ABCD"), st.one_of(st.none(), st.text("xyz=: ", max_size=4)), min_size=1
            )
        }
    ).map(lambda given: ("configure_workload", given)),
    st.fixed_dictionaries({"requests": st.fixed_dictionaries({"cpu": _quantities})}).map(
        lambda given: ("configure_workload", given)
    ),
    st.fixed_dictionaries(
        {"labels": st.dictionaries(st.sampled_from(["x", "y/z"]), st.one_of(st.none(), st.just("v")), min_size=1)}
    ).map(lambda given: ("patch_resource", given)),
    st.integers(0, 4).map(lambda number: ("scale", {"replicas": number})),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=st.lists(_plans, min_size=1, max_size=3))
def test_changes_in_any_order_are_undone_in_reverse(
    box: Toolbox, kube: Kube, space: str, plans: list[tuple[str, dict[str, Any]]]
) -> None:
    path = deployments(space, "p")
    if there(kube, path):
        kube.delete(path)
    body = deployment("p", container={"env": [{"name": "A", "value": "1"}]})
    # Nothing rolls out while it is paused, so that fifteen examples take seconds.
    body["spec"]["paused"] = True
    kube.make(deployments(space), body)
    states = [kube.get(path)]
    made = 0
    for tool, arguments in copy.deepcopy(plans):
        if tool == "scale":
            continue
        status = box.call(tool, {"target": "p", **arguments}).data["status"]
        assert status in {"verified", "unchanged"}
        if status == "verified":
            made += 1
            states.append(kube.get(path))
    for _ in range(made):
        states.pop()
        done(box, "undo_change")
        assert compare(states[-1], kube.get(path)) == ()


def test_an_autoscaler_is_made_changed_and_taken_away(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    path = f"/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers/web"
    done(box, "scale", target="web", min=2, max=4)
    done(box, "scale", target="web", min=2, max=5)
    assert kube.get(path)["spec"]["maxReplicas"] == 5
    done(box, "undo_change")
    assert kube.get(path)["spec"]["maxReplicas"] == 4
    done(box, "undo_change")
    assert not there(kube, path)
    with pytest.raises(UsageError, match="no range"):
        box.call("scale", {"target": "web", "min": 5, "max": 4})


def test_a_node_is_drained_as_budgets_allow_and_let_on_again(
    box: Toolbox, kube: Kube, space: str, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = f"node-{space}"
    ready = {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}
    room = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    kube.make("/api/v1/nodes", {"metadata": {"name": node, "labels": {"only": space}}})
    kube.merge(f"/api/v1/nodes/{node}/status", {"status": {**ready, "capacity": room, "allocatable": room}})
    body = deployment("d")
    body["spec"]["template"]["spec"]["nodeSelector"] = {"only": space}
    kube.make(deployments(space), body)
    budget = {"metadata": {"name": "d"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "d"}}}}
    budgets = f"/apis/policy/v1/namespaces/{space}/poddisruptionbudgets"
    kube.make(budgets, budget)
    for _ in range(200):
        if kube.get(f"{budgets}/d").get("status", {}).get("currentHealthy") == 2:
            break
        time.sleep(0.1)

    monkeypatch.setattr("mcp_tools.changes.evicting.EVICT_SECONDS", 1.0)
    data = box.call("node_maintenance", {"node": node, "action": "drain"}).data
    assert data["status"] == "rolled_back"
    assert "may not be evicted" in data["reason"]
    assert "disruption budget" in " ".join(person.plans[-1].warnings)
    assert "unschedulable" not in kube.get(f"/api/v1/nodes/{node}")["spec"]

    kube.delete(f"{budgets}/d")
    data = done(box, "node_maintenance", node=node, action="drain")
    assert sum(row.get("verb") == "evict" for row in data["diff"]) == 2
    assert kube.get(f"/api/v1/nodes/{node}")["spec"]["unschedulable"] is True
    done(box, "undo_change")
    assert "unschedulable" not in kube.get(f"/api/v1/nodes/{node}")["spec"]
    kube.delete(f"/api/v1/nodes/{node}")

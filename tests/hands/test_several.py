"""Several changes as one plan: one approval, in order, taken back together, undone together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, deployments, there

from mcp_tools.changes.model import Decision, Plan
from mcp_tools.errors import NotFound, UsageError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
ENV = {"tool": "configure_workload", "arguments": {"target": "web", "env": {"COLOUR": "blue"}}}
MAKE = {"tool": "apply_manifest", "arguments": {"manifest": json.dumps(CONFIG)}}
CACHE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "cache"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "cache"}},
        "template": {
            "metadata": {"labels": {"app": "cache"}},
            "spec": {"containers": [{"name": "cache", "image": "nginx:1.27"}]},
        },
    },
}


def several(box: Toolbox, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return box.call("change_several", {"steps": list(steps)}, **more).data


def config(space: str) -> str:
    return f"/api/v1/namespaces/{space}/configmaps/settings"


def test_all_steps_are_one_change_that_is_undone_as_one(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    before = kube.get(web)["spec"]
    scale = {"tool": "scale", "arguments": {"target": "web", "replicas": 3}}
    result = several(box, MAKE, ENV, scale)
    assert result["status"] == "verified"
    assert kube.get(web)["spec"]["replicas"] == 3
    assert kube.get(config(space))["data"] == {"a": "1"}
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert kube.get(web)["spec"] == before
    assert not there(kube, config(space))


def test_a_step_may_build_on_what_an_earlier_one_makes(box: Toolbox, kube: Kube, space: str) -> None:
    result = several(
        box,
        {"tool": "apply_manifest", "arguments": {"manifest": json.dumps(CACHE)}},
        {"tool": "configure_workload", "arguments": {"target": "cache", "env": {"SIZE": "10"}}},
        {"tool": "scale", "arguments": {"target": "cache", "min": 1, "max": 3}},
    )
    assert result["status"] == "verified"
    made = kube.get(deployments(space, "cache"))
    assert made["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "SIZE", "value": "10"}]
    assert made["metadata"]["generation"] == 1
    assert there(kube, f"/apis/autoscaling/v2/namespaces/{space}/horizontalpodautoscalers/cache")


def test_a_step_that_fails_takes_back_those_before(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    before = kube.get(web)["spec"]
    broken = {"tool": "configure_workload", "arguments": {"target": "web", "image": "nginx:no-such-tag"}}
    result = several(box, MAKE, broken)
    assert result["status"] == "rolled_back"
    assert kube.get(web)["spec"] == before
    assert not there(kube, config(space))


def test_step_by_step_a_no_takes_back_what_was_done(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    asked: list[Plan] = []

    def approve(plan: Plan) -> Decision:
        asked.append(plan)
        answers = {None: Decision.STEP_BY_STEP, 1: Decision.APPROVED, 2: Decision.DECLINED}
        if plan.stage == 2:
            assert there(kube, config(space))
        return answers[plan.stage]

    result = several(box, MAKE, ENV, approver=approve)
    assert [plan.stage for plan in asked] == [None, 1, 2]
    assert [len(plan.steps) for plan in asked] == [2, 1, 1]
    assert asked[2].title.startswith("Step 2: Set environment COLOUR")
    assert result["status"] == "rolled_back"
    assert "said no" in result["reason"]
    assert not there(kube, config(space))
    assert kube.get(web)["metadata"]["generation"] == 1


def test_nothing_is_done_where_one_step_is_wrong(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"tool": "scale", "arguments": {"target": "nobody", "replicas": 3}}, NotFound),
        ({"tool": "scale", "arguments": {"target": "web"}}, UsageError),
        ({"tool": "undo_change", "arguments": {}}, UsageError),
        ({"tool": "change_several", "arguments": {"steps": [ENV]}}, UsageError),
        ({"tool": "delete_resource", "arguments": {"target": "configmap/settings"}}, UsageError),
    ]
    for step, error in wrong:
        with pytest.raises(error):
            several(box, MAKE, step)
    assert not there(kube, config(space))
    assert kube.get(web)["metadata"]["generation"] == 1

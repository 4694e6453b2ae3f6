"""Autoscalers of `autoscaling/v1`: the same objects as in v2, with what v1 does not know in annotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox_helpers import APPLY, MERGE

if TYPE_CHECKING:
    from sandbox_helpers import Client

PREFIX = "autoscaling.alpha.kubernetes.io/"
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}


def scalers(space: str, version: str) -> str:
    return f"/apis/autoscaling/{version}/namespaces/{space}/horizontalpodautoscalers"


def wanted(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "maxReplicas": 4, **spec}}


def test_the_cpu_target_of_v1_is_a_metric_of_v2(api: Client, space: str) -> None:
    made = api("POST", scalers(space, "v1"), wanted(targetCPUUtilizationPercentage=60))
    assert (made.status, made.body["apiVersion"]) == (201, "autoscaling/v1")
    assert made.body["metadata"]["managedFields"][0]["apiVersion"] == "autoscaling/v1"
    assert "f:targetCPUUtilizationPercentage" in made.body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    newer = api("GET", f"{scalers(space, 'v2')}/web").body
    target = {"type": "Utilization", "averageUtilization": 60}
    assert newer["spec"]["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    api("PATCH", f"{scalers(space, 'v2')}/web", {"spec": {"maxReplicas": 9}}, media=MERGE)
    older = api("GET", f"{scalers(space, 'v1')}/web").body
    assert (older["spec"]["maxReplicas"], older["spec"]["targetCPUUtilizationPercentage"]) == (9, 60)


def test_v1_without_a_target_gets_that_of_v2(api: Client, space: str) -> None:
    assert api("POST", scalers(space, "v1"), wanted()).status == 201
    assert api("GET", f"{scalers(space, 'v1')}/web").body["spec"]["targetCPUUtilizationPercentage"] == 80


def test_what_v1_does_not_know_survives_an_update_through_it(api: Client, space: str) -> None:
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 30}}
    made = api("POST", scalers(space, "v2"), wanted(metrics=[MEMORY], behavior=behavior)).body
    older = api("GET", f"{scalers(space, 'v1')}/web").body
    notes = older["metadata"]["annotations"]
    assert json.loads(notes[f"{PREFIX}metrics"]) == [
        {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}
    ]
    assert json.loads(notes[f"{PREFIX}behavior"])["ScaleDown"]["StabilizationWindowSeconds"] == 30
    older["spec"]["minReplicas"] = 2
    assert api("PUT", f"{scalers(space, 'v1')}/web", older).status == 200
    newer = api("GET", f"{scalers(space, 'v2')}/web").body
    assert newer["spec"] == {**made["spec"], "minReplicas": 2}
    assert f"{PREFIX}metrics" not in newer["metadata"].get("annotations", {})


def test_annotations_that_are_no_metrics_are_dropped(api: Client, space: str) -> None:
    body = wanted()
    body["metadata"]["annotations"] = {f"{PREFIX}metrics": "[1]", f"{PREFIX}behavior": "{", f"{PREFIX}conditions": "x"}
    assert api("POST", scalers(space, "v1"), body).status == 201
    assert "annotations" not in api("GET", f"{scalers(space, 'v2')}/web").body["metadata"]


def test_an_apply_through_v1_conflicts_with_a_manager_of_v2(api: Client, space: str) -> None:
    api("POST", scalers(space, "v2"), wanted(minReplicas=2))
    config = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", **wanted(minReplicas=3)}
    path = f"{scalers(space, 'v1')}/web?fieldManager=anna"
    refused = api("PATCH", path, config, media=APPLY)
    assert refused.status == 409
    assert ".spec.minReplicas" in refused.message
    assert api("PATCH", f"{path}&force=true", config, media=APPLY).status == 200
    assert api("GET", f"{scalers(space, 'v2')}/web").body["spec"]["minReplicas"] == 3

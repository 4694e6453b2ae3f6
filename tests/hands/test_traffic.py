"""Traffic is led to another workload, wholly or in part; a workload is told where a Service is; a volume grows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hands_helpers import Kube, deployment, deployments, done
from hypothesis import given
from hypothesis import strategies as st

from mcp_tools.changes.traffic import shares
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox

CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"


def version(name: str, label: str, *, replicas: int = 1, image: str = "nginx:1.27") -> dict[str, Any]:
    made: dict[str, Any] = deployment(name, replicas=replicas, container={"image": image})
    labels = {"app": "shop", "version": label}
    made["spec"]["selector"] = {"matchLabels": labels}
    made["spec"]["template"]["metadata"]["labels"] = labels
    return made


@pytest.fixture
def shop(kube: Kube, space: str) -> str:
    """The path of a Service that leads to blue; green runs beside it, grey cannot start."""
    kube.make(deployments(space), version("blue", "1", replicas=3))
    kube.make(deployments(space), version("green", "2"))
    kube.make(deployments(space), version("grey", "3", image="nginx:no-such-tag"))
    spec = {"selector": {"app": "shop", "version": "1"}, "ports": [{"port": 80}]}
    kube.make(f"/api/v1/namespaces/{space}/services", {"metadata": {"name": "shop"}, "spec": spec})
    for _ in range(200):
        if all(
            kube.get(deployments(space, name)).get("status", {}).get("readyReplicas") == number
            for name, number in (("blue", 3), ("green", 1))
        ):
            break
        time.sleep(0.05)
    return f"/api/v1/namespaces/{space}/services/shop"


def test_all_traffic_is_switched_and_switched_back(box: Toolbox, kube: Kube, shop: str) -> None:
    result = done(box, "rollout", action="serve", service="shop", target="green")
    assert kube.get(shop)["spec"]["selector"] == {"app": "shop", "version": "2"}
    assert [field["path"] for field in result["diff"]] == ["spec.selector.version"]
    done(box, "undo_change")
    assert kube.get(shop)["spec"]["selector"] == {"app": "shop", "version": "1"}


def test_a_selector_that_does_not_tell_versions_apart_gets_the_label_that_does(
    box: Toolbox, kube: Kube, shop: str
) -> None:
    kube.merge(shop, {"spec": {"selector": {"version": None}}})
    done(box, "rollout", action="serve", service="shop", target="green")
    assert kube.get(shop)["spec"]["selector"] == {"app": "shop", "version": "2"}


def test_traffic_is_not_led_to_nowhere(box: Toolbox, kube: Kube, shop: str) -> None:
    with pytest.raises(UsageError, match="No pod of deployment/grey"):
        box.call("rollout", {"action": "serve", "service": "shop", "target": "grey"})
    assert kube.get(shop)["spec"]["selector"]["version"] == "1"


def test_a_canary_is_a_share_of_the_pods(box: Toolbox, kube: Kube, space: str, shop: str) -> None:
    kube.delete(deployments(space, "grey"))
    kube.merge(shop, {"spec": {"selector": {"version": None}}})
    done(box, "rollout", action="serve", service="shop", target="green", percent=50)
    assert [kube.get(deployments(space, name))["spec"]["replicas"] for name in ("green", "blue")] == [2, 2]
    done(box, "undo_change")
    assert [kube.get(deployments(space, name))["spec"]["replicas"] for name in ("green", "blue")] == [1, 3]


@given(st.integers(0, 200), st.integers(0, 99))
def test_a_share_is_of_whole_pods_and_leaves_neither_out(total: int, percent: int) -> None:
    mine, rest = shares(total, percent)
    assert mine + rest == max(total, 2)
    assert rest >= 1
    assert (mine >= 1) is (percent > 0)


def test_a_workload_is_pointed_at_a_service(box: Toolbox, kube: Kube, space: str, web: str) -> None:
    spec = {"selector": {"app": "cache"}, "ports": [{"port": 6379}]}
    kube.make(f"/api/v1/namespaces/{space}/services", {"metadata": {"name": "my-cache"}, "spec": spec})
    done(box, "configure_workload", target="web", connect_to="my-cache")
    env = kube.get(web)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [{"name": "MY_CACHE_URL", "value": "redis://my-cache:6379"}]
    done(box, "configure_workload", target="web", env={"MY_CACHE_URL": None, "MY_CACHE_HOST": "elsewhere"})
    done(box, "configure_workload", target="web", connect_to="my-cache")
    env = kube.get(web)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [{"name": "MY_CACHE_HOST", "value": "my-cache"}]


def test_a_volume_grows_where_its_class_allows_it_and_never_shrinks(box: Toolbox, kube: Kube, space: str) -> None:
    name = f"grows-{space}"
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    kube.make(
        classes,
        {
            "metadata": {"name": name},
            "provisioner": "rancher.io/local-path",
            "allowVolumeExpansion": True,
            "volumeBindingMode": "Immediate",
        },
    )
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": name, "resources": {"requests": {"storage": "1Gi"}}}
    kube.make(CLAIMS.format(space), {"metadata": {"name": "data"}, "spec": spec})
    for _ in range(200):
        if kube.get(f"{CLAIMS.format(space)}/data")["status"]["phase"] == "Bound":
            break
        time.sleep(0.05)
    size = {"target": "pvc/data", "fields": {"spec.resources.requests.storage": "500Mi"}}
    with pytest.raises(UsageError, match="never shrinks"):
        box.call("patch_resource", size)
    size["fields"] = {"spec.resources.requests.storage": "2Gi"}
    result = box.call("patch_resource", size).data
    assert result["status"] == "verified"
    assert result["undo"] is None
    assert "never shrinks" in result["warnings"][0]
    kube.delete(f"{classes}/{name}")

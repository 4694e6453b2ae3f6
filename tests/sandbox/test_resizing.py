"""Resources of running pods, changed in place: taken up, with a restart where the container wants one, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.registry import WriteOptions

if TYPE_CHECKING:
    from mcp_tools.sandbox.world import World

Object = dict[str, Any]


def run(world: World, name: str, cpu: str, **container: Any) -> None:
    spec = {"name": "app", "image": "nginx:1.27", "resources": {"requests": {"cpu": cpu}}, **container}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "test"}}
    world.add({**pod, "spec": {"containers": [spec], "nodeName": "sandbox-1"}})
    world.clock.advance(30)


def resize(world: World, name: str, cpu: str) -> None:
    def change(draft: Object) -> None:
        draft["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu

    world.registry.modify(world.kinds.named("Pod"), "test", name, change, WriteOptions(subresource="resize"))
    world.clock.advance(5)


def look(world: World, name: str) -> tuple[str, int, str]:
    """The CPU that a pod has, how often it was restarted, and why it has not what it asks for."""
    status = world.registry.get(world.kinds.named("Pod"), "test", name)["status"]
    container = status["containerStatuses"][0]
    pending = next((found["reason"] for found in status["conditions"] if found["type"] == "PodResizePending"), "")
    return container["allocatedResources"]["cpu"], container["restartCount"], pending


def test_a_running_container_gets_other_resources_at_once(world: World) -> None:
    run(world, "web", "100m")
    resize(world, "web", "200m")
    assert look(world, "web") == ("200m", 0, "")


def test_a_container_that_says_so_is_started_again(world: World) -> None:
    run(world, "web", "100m", resizePolicy=[{"resourceName": "cpu", "restartPolicy": "RestartContainer"}])
    resize(world, "web", "200m")
    world.clock.advance(30)
    assert look(world, "web") == ("200m", 1, "")


@pytest.mark.parametrize(("cpu", "reason"), [("900", "Infeasible"), ("", "Deferred")])
def test_what_a_node_does_not_have_is_not_given(world: World, cpu: str, reason: str) -> None:
    node = world.registry.get(world.kinds.named("Node"), "", "sandbox-1")
    whole = node["status"]["allocatable"]["cpu"]
    run(world, "other", "1")
    run(world, "web", "100m")
    resize(world, "web", cpu or whole)
    assert look(world, "web") == ("100m", 0, reason)
    resize(world, "web", "150m")
    assert look(world, "web") == ("150m", 0, "")


def test_what_was_put_off_is_given_once_there_is_room(world: World) -> None:
    node = world.registry.get(world.kinds.named("Node"), "", "sandbox-1")
    whole = node["status"]["allocatable"]["cpu"]
    run(world, "other", "1")
    run(world, "web", "100m")
    resize(world, "web", whole)
    world.cluster.delete(world.registry.get(world.kinds.named("Pod"), "test", "other"), grace_seconds=0)
    for pod in list(world.cluster.all_of("Pod", "kube-system")):
        world.cluster.delete(pod, grace_seconds=0)
    world.clock.advance(10)
    assert look(world, "web") == (whole, 0, "")


def owned(world: World, name: str) -> Object:
    """What the manager of a resize owns."""
    entries = world.registry.get(world.kinds.named("Pod"), "test", name)["metadata"]["managedFields"]
    found: Object = next(entry["fieldsV1"] for entry in entries if entry["manager"] == "resizer")
    return found


def test_what_a_resize_does_not_take_is_named_all_the_same(world: World) -> None:
    run(world, "web", "100m")

    def change(draft: Object) -> None:
        draft["metadata"]["labels"] = {"a": "b"}
        draft["spec"]["containers"][0]["image"] = "other"

    options = WriteOptions("resizer", subresource="resize")
    made = world.registry.modify(world.kinds.named("Pod"), "test", "web", change, options)
    assert made["spec"]["containers"][0]["image"] == "nginx:1.27"
    assert "labels" not in made["metadata"]
    fields = owned(world, "web")
    assert fields["f:metadata"] == {"f:labels": {".": {}, "f:a": {}}}
    assert fields["f:spec"] == {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}


def test_storage_is_resized_only_where_nothing_was_said_before(world: World) -> None:
    def change(draft: Object) -> None:
        draft["spec"]["containers"][0]["resources"]["requests"] = {"cpu": "100m", "ephemeral-storage": "1Gi"}

    def grow(draft: Object) -> None:
        draft["spec"]["containers"][0]["resources"] = {"requests": {"ephemeral-storage": "1Gi"}}

    run(world, "web", "100m")
    run(world, "bare", "0", resources={})
    pods, options = world.kinds.named("Pod"), WriteOptions("resizer", subresource="resize")
    with pytest.raises(Refused, match="only cpu and memory resources are mutable"):
        world.registry.modify(pods, "test", "web", change, options)
    assert world.registry.modify(pods, "test", "bare", grow, options)["spec"]["containers"][0]["resources"]["requests"]

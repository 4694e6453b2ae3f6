"""Giving workloads what was measured: a plan, watched afterwards, taken back where something gets worse."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hands_helpers import Kube, Person, deployment, deployments
from helm_helpers import stored

from mcp_tools.changes.configuring import configure
from mcp_tools.changes.model import Decision, Outcome
from mcp_tools.changes.operations import Request
from mcp_tools.cluster.resolve import WORKLOADS, find_object
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.sizing.guard import Guard
from mcp_tools.sizing.looking import size
from mcp_tools.sizing.patches import as_patch, as_values
from mcp_tools.sizing.settings import Measuring, SizingSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sizing.looking import WorkloadSizing
    from mcp_tools.toolbox import Toolbox

QUICK = Measuring(sizing=SizingSettings(watch_seconds=2))
ASKED = {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


def workload(behaviour: str, name: str = "web", resources: Any = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = deployment(name, replicas=1, container={"resources": resources or ASKED, **more})
    made["spec"]["template"]["metadata"]["annotations"] = {"sandbox.shipmate.dev/behavior": behaviour}
    return made


def resources(kube: Kube, space: str, name: str = "web") -> dict[str, Any]:
    found = kube.get(deployments(space, name))["spec"]["template"]["spec"]["containers"][0]["resources"]
    return dict(found)


def test_what_was_measured_is_set_verified_and_undone(
    make_box: Callable[..., Toolbox], kube: Kube, space: str, person: Person
) -> None:
    kube.make(deployments(space), workload("cpu=0.1,memory=100"))
    box = make_box(measuring=QUICK)
    data = box.call("configure_workload", {"target": "web", "measured": True}).data
    assert data["status"] == "verified", data
    assert resources(kube, space)["requests"] == {"cpu": "115m", "memory": "115Mi"}
    # A few seconds are no reason to lower a limit.
    assert resources(kube, space)["limits"] == ASKED["limits"]
    assert any(warning.startswith("Preliminary") for warning in data["warnings"])
    assert any("restarts and ends for want of memory" in told.message for told in person.progress)
    assert box.call("undo_change", {}).data["status"] == "verified"
    assert resources(kube, space) == ASKED


def test_a_namespace_is_right_sized_as_one_plan(
    make_box: Callable[..., Toolbox], kube: Kube, space: str, person: Person
) -> None:
    for name in ("one", "two"):
        kube.make(deployments(space), workload("cpu=0.1,memory=100", name))
    kube.make(
        deployments(space), workload("cpu=0.1,memory=100", "fits", {"requests": {"cpu": "115m", "memory": "115Mi"}})
    )
    person.decision = Decision.DEFERRED
    data = make_box(measuring=QUICK).call("configure_workload", {"target": space, "measured": True}).data
    assert data["status"] == "planned"
    assert {row["object"].split()[0] for row in data["diff"]} == {"deployment/one", "deployment/two"}


def test_a_workload_that_fits_is_left_alone(make_box: Callable[..., Toolbox], kube: Kube, space: str) -> None:
    kube.make(
        deployments(space), workload("cpu=0.1,memory=100", resources={"requests": {"cpu": "115m", "memory": "115Mi"}})
    )
    data = make_box(measuring=QUICK).call("configure_workload", {"target": "web", "measured": True}).data
    assert data["status"] == "unchanged"


def test_what_kills_its_containers_later_is_rolled_back(
    make_box: Callable[..., Toolbox], kube: Kube, space: str, person: Person
) -> None:
    kube.make(deployments(space), workload("cpu=0.1,memory=200,grow=15", resources=ASKED))
    box = make_box(measuring=QUICK)
    found = find_object(box.connection, "web", None, WORKLOADS)
    small = configure(found, None, requests={"memory": "100Mi"}, limits={"memory": "100Mi"})
    guard = Guard(box.connection, [found], 60)
    guard.look_before()
    request = Request("configure", small.title, (small,), verify=guard.watch)
    change = box.engine.run(request, person.approve, person.hear)
    assert change.outcome is Outcome.ROLLED_BACK
    assert "killed for want of memory" in (change.reason or "")
    assert resources(kube, space) == ASKED


def test_measured_goes_with_nothing_else(make_box: Callable[..., Toolbox], kube: Kube, space: str) -> None:
    kube.make(deployments(space), workload("cpu=0.1,memory=100"))
    box = make_box(measuring=QUICK)
    with pytest.raises(UsageError, match="nothing else to set"):
        box.call("configure_workload", {"target": "web", "measured": True, "image": "nginx:1.28"})
    step = {"tool": "configure_workload", "arguments": {"target": "web", "measured": True}}
    with pytest.raises(UsageError, match="not as a step"):
        box.call("change_several", {"steps": [step]})
    with pytest.raises(NotFound, match="no workload 'nobody'"):
        box.call("configure_workload", {"target": "nobody", "measured": True})
    with pytest.raises(UsageError, match="no container 'other'"):
        box.call("configure_workload", {"target": "web", "measured": True, "container": "other"})


def sized_after(box: Toolbox, space: str) -> list[WorkloadSizing]:
    """What is recommended after some looks."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = size(box.connection, box.usage, QUICK, space)
        if found and all(part.advice for one in found for part in one.containers):
            return found
        time.sleep(0.5)
    raise AssertionError("nothing was measured")


def test_the_patch_is_one_that_the_server_takes(make_box: Callable[..., Toolbox], kube: Kube, space: str) -> None:
    kube.make(deployments(space), workload("cpu=0.1,memory=100"))
    patch = yaml.safe_load(as_patch(sized_after(make_box(), space)))
    kube.connection.write(
        "PATCH", deployments(space, "web"), patch, content_type="application/strategic-merge-patch+json"
    )
    assert resources(kube, space) == {"requests": {"cpu": "115m", "memory": "115Mi"}, "limits": ASKED["limits"]}


def test_values_go_where_the_chart_takes_its_resources_from(
    make_box: Callable[..., Toolbox], kube: Kube, space: str
) -> None:
    values = {"components": {"api": {"resources": ASKED}, "web": {"resources": ASKED}}, "jobs": {"resources": {}}}
    chart = {"metadata": {"name": "shop", "version": "0.1.0"}, "values": values}
    kube.make(f"/api/v1/namespaces/{space}/secrets", stored("shop", chart=chart))
    mark = {"meta.helm.sh/release-name": "shop"}
    made = workload("cpu=0.1,memory=100", "shop-web")
    made["metadata"]["annotations"] = mark
    kube.make(deployments(space), made)
    box = make_box()
    found = yaml.safe_load(as_values(box.connection, sized_after(box, space)))
    assert found == {"components": {"web": {"resources": {"requests": {"cpu": "115m", "memory": "115Mi"}}}}}
    kube.make(deployments(space), workload("cpu=0.1,memory=100", "alone"))
    with pytest.raises(UsageError, match="of no Helm release"):
        as_values(box.connection, sized_after(box, space))

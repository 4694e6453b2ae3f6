"""What looks like trouble on the network and is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from diagnosis_worlds import causes_in, injector

from mcp_tools.sandbox.world import World, boot

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults import Injector

BUSY = {"image": "busybox:latest", "command": ["sleep", "infinity"]}


@pytest.fixture
def stack() -> World:
    return boot(seed=7)


@pytest.fixture
def box(stack: World) -> Injector:
    return injector(stack)


def told(world: World) -> list[str]:
    world.clock.advance(90)
    return [cause.finding.cause for cause in causes_in(world, "todo-app")]


def test_a_default_deny_beside_policies_that_allow_what_is_needed_is_no_cause(stack: World, box: Injector) -> None:
    box.create("NetworkPolicy", "default-deny", spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    assert told(stack) == []


def test_a_pod_that_calls_nobody_may_be_locked_in(stack: World, box: Injector) -> None:
    box.deployment("quiet", BUSY)
    picks = {"matchLabels": {"app": "quiet"}}
    box.create("NetworkPolicy", "quiet", spec={"podSelector": picks, "policyTypes": ["Ingress", "Egress"]})
    assert told(stack) == []


def test_two_releases_of_one_program_behind_a_service_are_no_foreign_pods(stack: World, box: Injector) -> None:
    for release in ("web", "web-canary"):
        box.deployment(release, BUSY)
        template = {"metadata": {"labels": {"app": "web"}}}
        box.patch("Deployment", release, {"spec": {"template": template}})
    box.create("Service", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]})
    assert told(stack) == []


def test_a_service_of_a_workload_that_is_scaled_to_nothing_does_not_blame_its_selector(
    stack: World, box: Injector
) -> None:
    box.spec("Deployment", "mcp-server", replicas=0)
    assert not any("selects" in cause for cause in told(stack))


def test_a_service_without_a_selector_is_somebody_elses(stack: World, box: Injector) -> None:
    box.create("Service", "outside", spec={"ports": [{"port": 5432}]})
    box.create("Service", "alias", spec={"type": "ExternalName", "externalName": "db.example.com"})
    assert told(stack) == []

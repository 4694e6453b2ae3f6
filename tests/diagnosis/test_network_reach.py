"""Who reaches whom in the todo stack, hop by hop, and who stops it."""

from __future__ import annotations

from typing import Any

import pytest
from diagnosis_worlds import InMemory, injector

from mcp_tools.diagnosis.network.reach import reach
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.sandbox.faults import find
from mcp_tools.sandbox.world import World, boot


@pytest.fixture
def stack() -> World:
    return boot(seed=7)


def asked(world: World, source: str, target: str, port: int | str | None = None) -> dict[str, Any]:
    return reach(InMemory(world), source, target, "todo-app", port).data


def broken(world: World, name: str) -> World:
    fault = find(name)
    assert fault is not None
    fault.inject(injector(world))
    world.clock.advance(60)
    return world


def test_the_frontend_reaches_the_backend_over_every_hop(stack: World) -> None:
    found = asked(stack, "deployment/frontend", "service/backend", 8000)
    assert found["reachable"]
    assert [hop["step"] for hop in found["hops"]][:3] == ["name", "service", "pods"]
    assert {"egress", "ingress", "container"} <= {hop["step"] for hop in found["hops"]}


@pytest.mark.parametrize(
    ("fault", "kind", "name", "field"),
    [
        ("policy-ingress", "NetworkPolicy", "backend-ingress", "spec.ingress"),
        ("policy-deny-all", "NetworkPolicy", "default-deny", "spec.ingress"),
        ("policy-dns", "NetworkPolicy", "frontend-egress", "spec.egress"),
        ("service-selector", "Service", "backend", "spec.selector"),
        ("service-port", "Service", "backend", "spec.ports"),
        ("service-protocol", "Service", "backend", "spec.ports"),
        ("target-port", "Service", "backend", "spec.ports[0].targetPort"),
        ("target-port-name", "Service", "backend", "spec.ports[0].targetPort"),
    ],
)
def test_who_stops_the_frontend_is_named_with_the_field(
    stack: World, fault: str, kind: str, name: str, field: str
) -> None:
    stop = asked(broken(stack, fault), "deployment/frontend", "service/backend", 8000)["stopped_by"]
    assert (stop["kind"], stop["name"], stop["field"]) == (kind, name, field)


def test_a_policy_stops_a_caller_whom_it_does_not_name(stack: World) -> None:
    injector(stack).deployment("stranger", {"image": "busybox:latest", "command": ["sleep", "infinity"]})
    stack.clock.advance(30)
    found = asked(stack, "deployment/stranger", "service/mcp-server")
    assert not found["reachable"]
    assert found["stopped_by"]["step"] == "ingress"


def test_the_port_may_be_left_out_where_there_is_only_one(stack: World) -> None:
    assert asked(stack, "deployment/frontend", "backend.todo-app.svc.cluster.local")["port"] == 8000


def test_a_bare_name_means_the_service_and_not_the_workload_behind_it(stack: World) -> None:
    assert asked(stack, "frontend", "backend")["to"].startswith("service/")


def test_what_is_not_there_is_not_found_and_what_has_no_pods_is_not_asked_for(stack: World) -> None:
    with pytest.raises(NotFound):
        asked(stack, "deployment/frontend", "service/nowhere", 80)
    with pytest.raises(UsageError):
        asked(stack, "service/backend", "service/frontend", 80)

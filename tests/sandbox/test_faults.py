"""Every fault: put into a healthy stack it shows where it says, and in nothing before."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from mcp_tools.sandbox.api.app import Api
from mcp_tools.sandbox.api.metrics import pod_metrics
from mcp_tools.sandbox.api.request import Request
from mcp_tools.sandbox.containers.logs import lines_of
from mcp_tools.sandbox.faults import Injector, all_faults
from mcp_tools.sandbox.objects.kinds import KINDS
from mcp_tools.sandbox.world import World, boot

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults import Symptom

PATIENCE = 420


def injector(world: World) -> Injector:
    """Speaks to the API of a world whose clock the test drives."""
    api = Api(world, "token")

    def send(method: str, path: str, body: Any, media: str) -> tuple[int, Any]:
        plain, _, query = path.partition("?")
        raw = b"" if body is None else json.dumps(body).encode()
        response = api.answer(Request.parse(method, plain, query.encode(), {"content-type": media}, raw))
        return response.status, json.loads(response.body)

    return Injector(send, lambda: world.clock.advance(4))


def evidence(world: World, symptom: Symptom) -> str:
    """All that a user can read about the objects where the symptom should be: themselves, their events, their logs."""
    found: list[str] = []
    objects = pod_metrics(world) if symptom.kind == "PodMetrics" else world.cluster.all_of(symptom.kind)
    for obj in objects:
        if obj["metadata"]["name"].startswith(symptom.name):
            plain = {**obj, "metadata": {**obj["metadata"], "managedFields": None}}
            found.append(json.dumps(plain, separators=(",", ":")))
            if symptom.kind == "Pod":
                found += logs(world, obj)
    for event in world.cluster.all_of("Event"):
        about = event["involvedObject"]
        if about["kind"] == symptom.kind and about["name"].startswith(symptom.name):
            found.append(f"{event['reason']}: {event['message']}")
    return "\n".join(found)


def logs(world: World, pod: dict[str, Any]) -> list[str]:
    spec = pod["spec"]
    lines = []
    for container in (*spec["containers"], *(spec.get("initContainers") or ())):
        for previous in (True, False):
            run = world.kubelet.run_of(pod, container["name"], previous=previous)
            lines += [line.text for line in lines_of(run, world.clock.now())] if run else []
    return lines


@pytest.mark.parametrize("name", all_faults())
def test_a_fault_shows_what_it_says(name: str) -> None:
    fault = all_faults()[name]
    world = boot(seed=7)
    known = {kind.name for kind in KINDS}
    assert fault.cause.kind in known or fault.cause.kind == "HTTPRoute"
    assert fault.symptom.text not in evidence(world, fault.symptom)
    fault.inject(injector(world))
    for _ in range(PATIENCE // 3):
        if fault.symptom.text in evidence(world, fault.symptom):
            return
        world.clock.advance(3)
    pytest.fail(f"{name}: no sign of {fault.symptom.text!r} in\n{evidence(world, fault.symptom)[-3000:]}")


def test_the_names_of_faults_are_words_and_their_causes_are_told() -> None:
    faults = all_faults()
    assert len(faults) >= 100
    for fault in faults.values():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.name)
        assert fault.description
        assert fault.cause.failure
        # A description says what one sees, and must not give the answer away.
        assert fault.cause.failure.lower() not in fault.description.lower()

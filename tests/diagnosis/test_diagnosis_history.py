"""Since when, and what changed then: the revision of a Helm release beside what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnosis_worlds import InMemory, causes_in, injector

from mcp_tools.diagnosis.looks import Looks
from mcp_tools.sandbox.world import World, boot

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults import Injector

NOTES = {"meta.helm.sh/release-name": "todo", "meta.helm.sh/release-namespace": "todo-app"}


def revision(world: World, box: Injector, number: int, status: str) -> None:
    labels = {"owner": "helm", "name": "todo", "status": status, "version": str(number)}
    labels["createdAt"] = str(int(world.clock.now()))
    name = f"sh.helm.release.v1.todo.v{number}"
    box.create("Secret", name, labels=labels, type="helm.sh/release.v1", stringData={"release": "private"})


def changed(world: World) -> str:
    world.clock.advance(150)
    [cause] = causes_in(world)
    return cause.finding.changed


def released() -> tuple[World, Injector]:
    world = boot(seed=7)
    box = injector(world)
    box.patch("Deployment", "backend", {"metadata": {"annotations": NOTES}})
    revision(world, box, 1, "superseded")
    world.clock.advance(3600)
    return world, box


def test_a_change_by_helm_names_its_revision() -> None:
    world, box = released()
    revision(world, box, 2, "failed")
    box.container("backend", image="todo-backend:9.9.9")
    told = changed(world)
    assert told.startswith("revision 2 of the Helm release todo (failed)")
    assert "todo-backend:1.0.0 → todo-backend:9.9.9" in told


def test_a_change_beside_helm_does_not_name_an_old_revision() -> None:
    world, box = released()
    box.container("backend", image="todo-backend:9.9.9")
    assert "Helm" not in changed(world)


def test_what_a_revision_holds_is_never_read() -> None:
    world, _ = released()
    found = Looks(InMemory(world)).revisions("todo-app", "todo")
    assert [item.labels["version"] for item in found] == ["1"]
    assert set(found[0].body) == {"metadata"}

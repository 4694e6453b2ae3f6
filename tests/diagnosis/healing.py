"""Fixes of findings, carried out by the engine on a world whose clock goes on only while somebody waits for it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from diagnosis_worlds import InMemory, causes_in

from mcp_tools.changes import engine, evicting, steps, watch
from mcp_tools.changes.model import Decision, Plan
from mcp_tools.changes.policy import Policy
from mcp_tools.cluster.target import Target
from mcp_tools.errors import ShipmateError
from mcp_tools.toolbox import Toolbox

if TYPE_CHECKING:
    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.sandbox.world import World

HEALING_SECONDS = 180
NOT_SHOWN: dict[str, str] = {
    "preempted": "not found in the sandbox, whose scheduler preempts the same pods again and again",
    "ingress-address": "not found in the sandbox, where no Ingress gets an address",
    "rbac": "the program of the fault only says that it was refused, whatever its rights are",
    "hpa-at-maximum": "a release that takes all that it gets is at every maximum",
}
"""Faults whose healing the sandbox cannot show."""


class Hands(Toolbox):
    """The tools on a world whose time goes on only while somebody waits for it."""

    def __init__(self, world: World, journal: Path) -> None:
        def approve(plan: Plan) -> Decision:
            del plan
            return Decision.APPROVED

        # The name server's namespace is protected unless the user says otherwise.
        super().__init__(
            Target(namespace="todo-app"), approver=approve, journal=journal, policy=Policy(protected_namespaces=[])
        )
        self._connection = InMemory(world)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A fix that was carried out.

    Attributes:
        mode: Of the finding.
        sentence: What was done.
        trouble: Why it did not heal; empty if it did.
    """

    mode: str
    sentence: str
    trouble: str


@contextmanager
def time_of(world: World) -> Iterator[None]:
    """Whoever waits in the engine lets the world's clock go on, and looks at no other."""

    class Waited(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            world.clock.advance(timeout or 0)
            return self.is_set()

    clock = SimpleNamespace(monotonic=world.clock.now, sleep=world.clock.advance)
    with pytest.MonkeyPatch.context() as patched:
        for module in (watch, steps, evicting):
            patched.setattr(module, "time", clock, raising=False)
        patched.setattr(engine, "threading", SimpleNamespace(Event=Waited))
        yield


def told(causes: list[Cause]) -> set[tuple[str, Ref]]:
    return {(cause.finding.mode, cause.finding.object) for cause in causes}


def healed(world: World, journal: Path, fix: Any) -> set[tuple[str, Ref]]:
    """What is wrong some minutes after a fix was carried out."""
    with time_of(world):
        ended = Hands(world, journal).call(fix.tool, fix.arguments)
    assert ended.data["status"] == "verified", ended.summary
    world.clock.advance(HEALING_SECONDS)
    return told(causes_in(world))


def treat(world: World) -> tuple[tuple[Fixed, ...], tuple[Cause, ...]]:
    """Carry out the first fix of every cause, the first cause first, as long as a cause is left that was not treated.

    Returns:
        What was done, and the causes that are left in the end.
    """
    done: list[Fixed] = []
    seen: set[tuple[str, Ref]] = set()
    with tempfile.TemporaryDirectory() as folder:
        while True:
            causes = causes_in(world)
            untreated = (c for c in causes if c.finding.fixes and (c.finding.mode, c.finding.object) not in seen)
            if not (cause := next(untreated, None)):
                return tuple(done), tuple(causes)
            key = (cause.finding.mode, cause.finding.object)
            seen.add(key)
            fix = cause.finding.fixes[0]
            try:
                left = healed(world, Path(folder) / "journal.db", fix)
                trouble = "it is found again" if key in left else ""
            except (ShipmateError, AssertionError) as error:
                trouble = str(error)
            done.append(Fixed(cause.finding.mode, fix.sentence, trouble))

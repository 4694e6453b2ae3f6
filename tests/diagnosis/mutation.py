"""Worlds with one to three faults at random places, by seed, and how well a diagnosis names what is wrong in them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnosis_stacks import STACKS, healthy
from diagnosis_worlds import causes_in, injector, names
from fault_aiming import Aimed
from fault_aims import aims_in
from healing import NOT_SHOWN, Fixed, treat

from mcp_tools.diagnosis.modes import all_modes
from mcp_tools.sandbox.faults import all_faults

if TYPE_CHECKING:
    from fault_aims import Aim

    from mcp_tools.diagnosis.graph import Cause
    from mcp_tools.sandbox.faults import Fault
    from mcp_tools.sandbox.world import World

SECONDS = 200.0
ALONE = {
    "nodes-cordoned",
    "node-taint",
    "cpu-full",
    "quota-exceeded",
    "limit-range",
    "webhook",
    "dns-down",
    "policy-deny-all",
}
"""They keep other faults from showing, as no pod starts any more or no name is found."""


_SHARED = {
    "storage": ("volume", "claim", "storage", "first", "multi", "no-default"),
    "shop": ("ingress", "certificate"),
    "import": ("job",),
    "reports": ("hpa-requests", "node-taint", "nodes-cordoned", "quota-unstated"),
}
"""Objects that faults of these words make beside the stack, and that can be there once only."""


@dataclass(frozen=True, slots=True)
class Mutated:
    """A world with faults.

    Attributes:
        faults: With their causes as they are in this world.
        causes: As the diagnosis names them.
        fixes: The first of each cause, carried out, where that was asked for.
        left: The causes that are found after these.
    """

    seed: int
    stack: str
    faults: tuple[Fault, ...]
    causes: tuple[Cause, ...]
    fixes: tuple[Fixed, ...] = ()
    left: tuple[Cause, ...] = ()

    @property
    def shown(self) -> tuple[Fixed, ...]:
        """The fixes whose effect the sandbox can show."""
        hidden = {fault.mode for fault in self.faults if fault.name in NOT_SHOWN}
        modes = all_modes()
        return tuple(fix for fix in self.fixes if not hidden & set(modes[fix.mode].numbers))

    @property
    def first(self) -> bool:
        """Whether the cause that is named first is a true one."""
        return bool(self.causes) and any(names(self.causes[0], fault) for fault in self.faults)

    @property
    def missed(self) -> tuple[Fault, ...]:
        """The faults that no cause names."""
        return tuple(fault for fault in self.faults if not any(names(cause, fault) for cause in self.causes))

    @property
    def false(self) -> tuple[Cause, ...]:
        """The causes that name none of the faults."""
        return tuple(cause for cause in self.causes if not any(names(cause, fault) for fault in self.faults))

    def __str__(self) -> str:
        """What was done, and what was said of it."""
        done = [f"{fault.name} at {fault.cause.kind}/{fault.cause.name}" for fault in self.faults]
        told = [f"{cause.finding.mode} at {cause.finding.object}: {cause.finding.cause}" for cause in self.causes]
        told += [f"then {fix.sentence} ({fix.mode}): {fix.trouble or 'healed'}" for fix in self.fixes]
        told += [f"left: {cause.finding.mode}: {cause.finding.cause}" for cause in self.left]
        return f"seed {self.seed}, {self.stack}: {', '.join(done)}\n" + "\n".join(f"    {line}" for line in told)


def treated(seed: int) -> Mutated:
    """The world of a seed, diagnosed, and the first fix of every cause carried out."""
    return mutated(seed, treatment=True)


def mutated(seed: int, only: str = "", *, treatment: bool = False) -> Mutated:
    """The world of a seed, some minutes after its faults, diagnosed.

    Args:
        only: The name of a fault that it should have, alone.
        treatment: Carry out the first fix of every cause.
    """
    source = random.Random(seed)
    stack = source.choice(list(STACKS))
    world = healthy(stack, seed)
    done = _inject(world, stack, source, only)
    world.clock.advance(SECONDS)
    causes = tuple(causes_in(world))
    return Mutated(seed, stack, done, causes, *(treat(world) if treatment else ()))


def _inject(world: World, stack: str, source: random.Random, only: str) -> tuple[Fault, ...]:
    base = injector(world)
    base.namespace = STACKS[stack]
    aims = aims_in(base)
    pods = len(base.names("Pod"))
    wanted = 1 if only else source.choice((1, 1, 2, 3))
    places = [(fault, aim) for fault in all_faults().values() for aim in aims if aim.applies_to(fault)]
    if only:
        places = [place for place in places if place[0].name == only]
    by_name: dict[str, list[tuple[Fault, Aim]]] = {}
    for fault, aim in places:
        by_name.setdefault(fault.name, []).append((fault, aim))
    order = source.sample(sorted(by_name), len(by_name))
    done: list[Fault] = []
    touched: set[str] = set()
    for name in order:
        fault, aim = source.choice(by_name[name])
        footprint = {aim.name, aim.config, aim.secret, aim.caller, aim.service, aim.depends, aim.cause(fault).name} - {
            ""
        }
        footprint |= {shared for shared, words in _SHARED.items() if name.startswith(words)}
        if touched & footprint or (done and name in ALONE):
            continue
        touched |= footprint
        done.append(Aimed(base._send, base.settle, base.namespace, aim, pods).inject(fault))
        if len(done) == wanted or name in ALONE:
            break
    return tuple(done)

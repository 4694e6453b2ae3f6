"""What a condition is, and the registry of all of them."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Snapshot
    from mcp_tools.monitoring.counters import Counters
    from mcp_tools.monitoring.observing import Observation

USAGE = "usage"
NODE_USAGE = "node usage"
VOLUMES = "volumes"


class Parameters(BaseModel):
    """The figures of a condition; an unknown one is refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Held:
    """One object for which a condition holds at this moment.

    Attributes:
        object: What the alert is about.
        summary: One sentence, with names and numbers.
        evidence: The facts it rests on.
        labels: What tells it from others of the same condition and object.
        pods: The pods that show it: whether a cause explains it is seen by these.
        since: Since when it holds at least, where the cluster itself says so; else since it was first seen.
    """

    object: Ref
    summary: str
    evidence: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    pods: tuple[Ref, ...] = ()
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a condition may look at: this moment, and how counters grew up to it."""

    observation: Observation
    counters: Counters

    @property
    def snapshot(self) -> Snapshot:
        """The objects."""
        return self.observation.snapshot

    @property
    def at(self) -> dt.datetime:
        """The moment, UTC."""
        return self.observation.at


Test = Callable[[Sight, Any], Iterable[Held]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that can be wrong.

    Attributes:
        name: As rules name it.
        title: One line for people.
        parameters: The model of its figures, with their defaults.
        needs: The kinds, and `usage`, `node usage` or `volumes`, without which it can tell nothing, neither that it
            holds nor that it does not.
        per_pod: It is about single pods: once none of those that showed it is left among those that do, it is another
            occurrence and begins anew, although its workload is the same.
    """

    name: str
    title: str
    test: Test
    parameters: type[Parameters]
    needs: frozenset[str]
    per_pod: bool = False

    def sees(self, observation: Observation) -> bool:
        """Whether this observation can tell anything about it."""
        return not self.unseen(observation)

    def unseen(self, observation: Observation) -> list[str]:
        """What it needs and this observation does not have."""
        figures = {USAGE: observation.usage, NODE_USAGE: observation.node_usage, VOLUMES: observation.volumes}
        return [
            need
            for need in sorted(self.needs)
            if (figures[need] is None if need in figures else not observation.snapshot.sees(need))
        ]


_REGISTRY: dict[str, Condition] = {}


def condition(name: str, parameters: type[Parameters], *needs: str, per_pod: bool = False) -> Callable[[Test], Test]:
    """Mark a function of a module of this package as a condition; its docstring's first line is the title.

    Args:
        needs, per_pod: As of `Condition`.
    """

    def register(test: Test) -> Test:
        title = (test.__doc__ or "").strip().splitlines()[0].rstrip(".")
        _REGISTRY[name] = Condition(name, title, test, parameters, frozenset(needs), per_pod)
        return test

    return register


@cache
def all_conditions() -> Mapping[str, Condition]:
    """Every condition by its name, in alphabetical order."""
    package = importlib.import_module("mcp_tools.monitoring.conditions")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_REGISTRY.items()))

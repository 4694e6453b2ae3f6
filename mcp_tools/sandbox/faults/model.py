"""What a fault is: what is said about it, what is true about it, and how it comes about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

    Inject = Callable[[Injector], None]

NAMESPACE = "todo-app"


@dataclass(frozen=True, slots=True)
class Cause:
    """The one thing that is wrong, as a perfect diagnosis would name it.

    Attributes:
        kind: Of the object that has to be changed to heal it.
        name: Of that object.
        field: In it; empty where the object itself is missing or in the way.
        failure: What is wrong with it.
    """

    kind: str
    name: str
    field: str
    failure: str


@dataclass(frozen=True, slots=True)
class Symptom:
    """Where the fault shows: a text in an object of this kind, in its events, or in its containers' logs.

    Attributes:
        name: The beginning of the object's name.
        text: That stands in the object, its events or its logs once the fault is there, and not before.
    """

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that can be injected.

    Attributes:
        mode: Its number in the project's list of failure modes.
        description: One line for people.
        inject: Brings it about.
    """

    name: str
    mode: int
    description: str
    cause: Cause
    symptom: Symptom
    inject: Inject


REGISTRY: list[Fault] = []


def fault(name: str, mode: int, cause: Cause, symptom: Symptom) -> Callable[[Inject], Inject]:
    """Mark a function as a fault; the first line of its docstring describes it."""

    def register(inject: Inject) -> Inject:
        description = (inject.__doc__ or "").strip().splitlines()[0].rstrip(".")
        REGISTRY.append(Fault(name, mode, description, cause, symptom, inject))
        return inject

    return register

"""What a diagnosis is made of: what was found, what proves it, what it brings about, and what heals it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Snapshot

PROVEN = 1.0
"""The fields of the API alone decide it; anything less is inferred, and this sure."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One object. `namespace` is empty for what belongs to the whole cluster."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """`deployment/backend`."""
        return f"{self.kind.lower()}/{self.name}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact.

    Attributes:
        object: Where it stands.
        where: The field's path, `event REASON`, or `log of CONTAINER`.
        value: What stands there; bounded and redacted when it is told.
        time: RFC 3339, where it is known.
    """

    object: Ref
    where: str
    value: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that the engine can plan, verify and undo: a tool with its arguments, and what it does in a sentence."""

    sentence: str
    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Symptom:
    """Something that is not as it should be and says nothing yet of why.

    Attributes:
        object: That shows it.
        text: A clause such as `is not ready`.
        blames: What it points at, if anything: a Service that does not answer, a claim that is not bound.
        evidence: What shows it.
        mode: The id under which it is told where no cause is found.
    """

    object: Ref
    text: str
    blames: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    mode: str = "unexplained"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause.

    Attributes:
        mode: The id of the failure mode.
        cause: One sentence.
        object: What has to be changed to heal it.
        field: In that object; empty where the object itself is missing or in the way.
        affected: What it reaches first: pods that wait, a Service that leads nowhere. What lies behind these along
            owners, Services and Ingresses is found by the graph.
        evidence: What shows it, the decisive fact first.
        fixes: The safest first.
        since: RFC 3339, where it is known.
        changed: What changed then, in a clause.
        confidence: `PROVEN`, or how sure the inference is.
        unseen: What was not looked at and could change the answer.
        blames: As of a symptom: a cause that is found there is the cause of this one too.
        advice: What a person has to do where no change to the cluster's objects heals it, in one sentence.
    """

    mode: str
    cause: str
    object: Ref
    field: str = ""
    affected: tuple[Ref, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()
    since: str = ""
    changed: str = ""
    confidence: float = PROVEN
    unseen: tuple[str, ...] = ()
    blames: tuple[Ref, ...] = ()
    advice: str = ""


Found = Iterable["Finding | Symptom"]
Detect = Callable[["Snapshot", "Looks"], Found]


@dataclass(frozen=True, slots=True)
class Mode:
    """One failure mode.

    Attributes:
        id: Such as `image-not-found`.
        numbers: Its numbers in the project's list of failure modes.
        title: One line for people.
    """

    id: str
    numbers: tuple[int, ...]
    title: str


@dataclass(frozen=True, slots=True)
class Detector:
    """One test, for one mode or for a family of modes that it tells apart.

    Attributes:
        detect: Gives a finding for each cause, or symptoms.
        looks_at: What decides it.
        modes: Those that its findings and symptoms may have.
    """

    detect: Detect
    looks_at: str
    modes: tuple[Mode, ...]


REGISTRY: list[Detector] = []


def detector(looks_at: str, *modes: Mode) -> Callable[[Detect], Detect]:
    """Mark a function of a module in `modes` as the detector of these modes."""

    def register(detect: Detect) -> Detect:
        REGISTRY.append(Detector(detect, looks_at, modes))
        return detect

    return register


def mode(id: str, numbers: tuple[int, ...], looks_at: str) -> Callable[[Detect], Detect]:  # noqa: A002  its name
    """Mark a function of a module in `modes` as the detector of one mode; its docstring's first line is the title.

    Args:
        id: Of the mode, also of its findings.
        numbers: In the project's list of failure modes.
        looks_at: What decides it, for the table of contents.
    """

    def register(detect: Detect) -> Detect:
        title = (detect.__doc__ or "").strip().splitlines()[0].rstrip(".")
        return detector(looks_at, Mode(id, numbers, title))(detect)

    return register

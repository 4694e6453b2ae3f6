"""What a change is made of: the fields it sets, the plan that is shown, the decision, and how it went."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

JsonValue = Any
"""A value as JSON carries it: None, bool, int, float, str, list or dict."""


class _Absent(enum.Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent.ABSENT
"""Stands for "the field is not there", which is not the same as null."""

PathStep = str | int | tuple[str, str]
"""A map key, a list index, or `(merge key, value)` for a list whose elements have names."""
FieldPath = tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object of the cluster. `resource` is the API resource's plural name, such as `deployments`."""

    api_version: str
    kind: str
    resource: str
    name: str
    namespace: str | None

    def __str__(self) -> str:
        """`deployment/backend in namespace todo-app`, precise enough to approve."""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind.lower()}/{self.name}{where}"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: where, what was there, what will be there. `ABSENT` on either side for added and removed."""

    path: FieldPath
    old: JsonValue
    new: JsonValue


class Decision(enum.Enum):
    """What a person (or a rule of theirs) says to a plan."""

    APPROVED = "approved"
    DECLINED = "declined"
    DEFERRED = "deferred"
    """Not now: the plan is kept and can be applied by its id."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that was dry-run by the API server and awaits a decision.

    Attributes:
        id: What `apply_plan` takes; single use, valid for a quarter of an hour.
        action: The operation's name, such as `scale`.
        title: One sentence that says exactly what will happen to which object.
        target: The object.
        context: The kubeconfig context (or `shipmate-sandbox`) it will happen in.
        changes: The field diff that the server's dry run gave.
        warnings: What the user should know first (an autoscaler will undo this, the Service loses its endpoints).
        reversible: Whether `undo` can put back what was there.
        resource_version: The version that was read; the apply is guarded by it.
    """

    id: str
    action: str
    title: str
    target: ObjectRef
    context: str
    changes: tuple[FieldChange, ...]
    resource_version: str
    warnings: tuple[str, ...] = ()
    reversible: bool = True
    arguments: dict[str, JsonValue] = field(default_factory=dict)
    undoes: int | None = None


Approver = Callable[[Plan], Decision]
"""Called once per plan, in the thread of the tool; may block for as long as a person thinks."""


class Phase(enum.Enum):
    """Where a change stands."""

    APPLYING = "applying"
    WATCHING = "watching"
    ROLLING_BACK = "rolling back"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a change in flight.

    Attributes:
        phase: Where the change stands.
        message: One line for a person, such as `2 of 3 replicas ready`.
        ready: Pods that are ready, where known.
        total: Pods that are wanted, where known.
    """

    phase: Phase
    message: str
    ready: int | None = None
    total: int | None = None


Reporter = Callable[[Progress], None]
"""Called from the thread of the tool whenever something moved."""


class Outcome(enum.Enum):
    """How a change ended; the `status` of a change's result and journal entry."""

    UNCHANGED = "unchanged"
    """The object is as asked for already; nothing was sent."""
    PLANNED = "planned"
    DECLINED = "declined"
    VERIFIED = "verified"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    """It failed and could not be rolled back: the reason says what stands."""
    INTERRUPTED = "interrupted"
    """Applied, but nobody waited for the end of the rollout."""

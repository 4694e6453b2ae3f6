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


class Verb(enum.Enum):
    """How an object is written to."""

    PATCH = "patch"
    """Set some fields of an object that is there (RFC 6902)."""
    APPLY = "apply"
    """Make it as a manifest says, and make it if it is not there (server-side apply)."""
    DELETE = "delete"
    EVICT = "evict"
    """Ask a pod to go, as its disruption budget allows (the eviction subresource)."""
    EXEC = "exec"
    """Run a command in a container of a pod; it leaves the object itself as it is."""
    DEBUG = "debug"
    """Add a container to a running pod, which stays in it, and run a command there."""
    COPY_IN = "copy in"
    """Write a file in a container of a pod; it leaves the object itself as it is."""
    COPY_OUT = "copy out"
    """Write a file here with what one in a container holds."""
    RUN = "run"
    """Have a program of this machine change what is outside of any cluster: a Compose project, minikube."""
    RELEASE = "release"
    """Have Helm change a release; the steps of its objects follow, and are written by it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a plan does to one object.

    Attributes:
        changes: The field diff; for an object that is made, the fields that were given; for one that is deleted, none.
        resource_version: The version that was read, which guards the write; empty where the object is not there yet.
        uid, generation: As they were read; empty and 0 where the object is not there yet.
        stage: Its place in a plan of several: what is of one stage is sent together, and its rollouts are waited for
            before the next stage begins.
        in_release: The step of a release before it writes this object, and takes it back.
    """

    verb: Verb
    target: ObjectRef
    changes: tuple[FieldChange, ...]
    resource_version: str = ""
    uid: str = ""
    generation: int = 0
    stage: int = 0
    in_release: bool = False

    @property
    def creates(self) -> bool:
        """The object is not there yet."""
        return not self.uid

    @property
    def idle(self) -> bool:
        """There is nothing to do: the object, or the file in it, is as asked for."""
        unchanged = self.verb in {Verb.PATCH, Verb.APPLY, Verb.COPY_IN, Verb.RELEASE, Verb.RUN}
        return unchanged and not self.creates and not self.changes

    @property
    def inside(self) -> bool:
        """It happens in a container of the object, whose fields stay as they are."""
        return self.verb in {Verb.EXEC, Verb.COPY_IN, Verb.COPY_OUT}

    @property
    def takes_away(self) -> bool:
        """The object is gone afterwards."""
        return self.verb in {Verb.DELETE, Verb.EVICT}


class Decision(enum.Enum):
    """What a person (or a rule of theirs) says to a plan."""

    APPROVED = "approved"
    STEP_BY_STEP = "step by step"
    """Yes, and each stage is asked for again before it is carried out."""
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
        steps: What happens to which object, in order; at least one.
        context: The kubeconfig context (or `shipmate-sandbox`) it will happen in.
        warnings: What the user should know first (an autoscaler will undo this, the Service loses its endpoints).
        reversible: Whether `undo` can put back what was there.
        undoes: The number of the change that this puts back.
        preapproved: The user's policy says yes to this beforehand; an approver need not ask.
        stage: The stage that is asked for, from 1; None where the whole plan is.
    """

    id: str
    action: str
    title: str
    steps: tuple[Step, ...]
    context: str
    warnings: tuple[str, ...] = ()
    reversible: bool = True
    arguments: dict[str, JsonValue] = field(default_factory=dict)
    undoes: int | None = None
    preapproved: bool = False
    stage: int | None = None

    @property
    def stages(self) -> int:
        """In how many stages it is carried out."""
        return len({step.stage for step in self.steps})

    @property
    def what(self) -> str:
        """The object, or how many there are."""
        return str(self.steps[0].target) if len(self.steps) == 1 else f"{len(self.steps)} objects"


Approver = Callable[[Plan], Decision]
"""Called once per plan, in the thread of the tool; may block for as long as a person thinks."""


class Phase(enum.Enum):
    """Where a change stands."""

    RECOVERED = "recovered"
    """Not of this change: how an earlier one ended whose process died in the middle of it."""
    PREPARING = "preparing"
    """Nothing was sent yet: what the change needs is made first."""
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
        detail: What a program prints meanwhile, a line at a time; for the eye only.
    """

    phase: Phase
    message: str
    ready: int | None = None
    total: int | None = None
    detail: str = ""


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

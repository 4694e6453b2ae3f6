"""What can be asked for: each operation turns an object as it is into the edits that make it as wanted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.model import Verb
from mcp_tools.cluster.resolve import SCALABLE, WORKLOADS
from mcp_tools.errors import Ambiguous, UsageError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from mcp_tools.changes.model import FieldChange, Reporter
    from mcp_tools.cluster.resolve import Found

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
MAX_REPLICAS = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object and how it is to be.

    Attributes:
        title: What will happen, in one sentence; the engine adds nothing to it.
        found: The object; its `object` is empty where it is to be made.
        edits: For a patch, in order; an empty tuple means the object is as wanted already.
        verb: How it is written to.
        body: For an apply, the manifest.
        notes: What to know before saying yes, beyond what every plan is checked for.
        reversible: Whether `undo` can put back what was there.
        stage: As `Step.stage`.
        changes: The field diff, where whoever asks knows it already.
        in_release: As `Step.in_release`.
    """

    action: str
    title: str
    found: Found
    edits: tuple[Edit, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    reversible: bool = True
    verb: Verb = Verb.PATCH
    body: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()
    stage: int = 0
    changes: tuple[FieldChange, ...] | None = None
    in_release: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """Several objects as one change: approved once, carried out in order, taken back together.

    Attributes:
        undoes: The number of the change that this puts back.
        reversible: Whether `undo` can put back what matters; None where all parts have to be.
        notes: What to know before saying yes, of the whole.
        prepare: Called once there is a yes, before anything is sent (an image is built); what it raises ends the
            change with nothing done. The event is set where the user stops it.
        verify: As `prepare`, after the last rollout; what it raises takes everything back.
        explain: Asked for the cause in a clause, or nothing, before something that failed is taken back.
    """

    action: str
    title: str
    parts: tuple[Wanted, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    undoes: int | None = None
    reversible: bool | None = None
    notes: tuple[str, ...] = ()
    prepare: Callable[[Reporter, threading.Event], None] | None = None
    verify: Callable[[Reporter, threading.Event], None] | None = None
    explain: Callable[[], str] | None = None


def brought_by(wanted: Wanted) -> set[str]:
    """The namespace or the API group that making an object brings; empty where it is there already."""
    found, spec = wanted.found, (wanted.body or {}).get("spec") or {}
    if found.object:
        return set()
    if found.kind.name == "Namespace":
        return {f"Namespace/{found.name}"}
    if found.kind.name == "CustomResourceDefinition":
        return {f"CustomResourceDefinition/{spec.get('group', found.name)}"}
    return set()


def waits_for(wanted: Wanted, brought: set[str]) -> bool:
    """Whether an object can only be made after what others bring, so that the server would refuse its dry run now."""
    found = wanted.found
    needs = {f"Namespace/{found.namespace}", f"CustomResourceDefinition/{found.kind.group}"}
    return not found.object and bool(brought & needs)


def scale(found: Found, replicas: int) -> Wanted:
    """Set the number of replicas of a Deployment, StatefulSet or ReplicaSet.

    Raises:
        UsageError: The number is out of range, or the kind has no replicas.
    """
    if not 0 <= replicas <= MAX_REPLICAS:
        raise UsageError(f"{replicas} replicas is out of range.", f"Ask for 0 to {MAX_REPLICAS}.")
    _require(found, (*SCALABLE, "replicasets"), "scaled")
    before = found.object["spec"].get("replicas", 1)
    return Wanted(
        action="scale",
        title=f"Scale {found} from {before} to {_count(replicas, 'replica')}",
        found=found,
        edits=(Edit(("spec", "replicas"), replicas),),
        arguments={"replicas": replicas},
    )


def restart(found: Found) -> Wanted:
    """Replace all pods of a workload, a few at a time, as `kubectl rollout restart` does.

    Raises:
        UsageError: The kind has no rollout.
    """
    _require(found, WORKLOADS, "restarted")
    if found.object["spec"].get("paused"):
        raise UsageError(f"The rollout of {found} is paused; nothing would restart.", "Resume it first.")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Wanted(
        action="restart",
        title=f"Restart {found}, replacing its pods a few at a time",
        found=found,
        edits=(Edit(("spec", "template", "metadata", "annotations", RESTARTED_AT), now),),
        reversible=False,
    )


def pick_container(found: Found, container: str | None) -> tuple[str, dict[str, Any]]:
    """The container that is meant (the only one, unless it is named), with its spec.

    Raises:
        UsageError: No container has that name.
        Ambiguous: There are several containers and none was named.
    """
    containers = {item["name"]: item for item in found.object["spec"]["template"]["spec"]["containers"]}
    names = tuple(containers)
    if container is None:
        if len(names) > 1:
            raise Ambiguous(f"{found} has several containers: {', '.join(names)}.", "Name one of them.", names)
        container = names[0]
    if container not in containers:
        raise UsageError(f"{found} has no container {container!r}.", f"It has: {', '.join(names)}.")
    return container, containers[container]


def pick_pod_container(found: Found, container: str | None) -> str:
    """The container of a pod that is meant; errors as `pick_container`."""
    names = tuple(item["name"] for item in found.object["spec"]["containers"])
    default = (found.object["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    chosen = container or (names[0] if len(names) == 1 else default)
    if chosen is None:
        raise Ambiguous(f"{found} has several containers: {', '.join(names)}.", "Name one of them.", names)
    if chosen not in names:
        raise UsageError(f"{found} has no container {chosen!r}.", f"It has: {', '.join(names)}.")
    return str(chosen)


def require_workload(found: Found, done: str) -> None:
    """Refuse a kind that has no pods of its own; `done` ends the sentence "A Service cannot be …".

    Raises:
        UsageError: It has none.
    """
    _require(found, WORKLOADS, done)


def _require(found: Found, kinds: tuple[str, ...], done: str) -> None:
    if found.kind.plural not in kinds:
        able = ", ".join(kinds)
        raise UsageError(f"A {found.kind.name} cannot be {done}.", f"This works on {able}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

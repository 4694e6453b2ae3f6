"""What can be asked for: each operation turns an object as it is into the edits that make it as wanted."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.model import Verb
from mcp_tools.cluster.resolve import SCALABLE, WORKLOADS
from mcp_tools.errors import Ambiguous, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.resolve import Found

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
MAX_REPLICAS = 10_000
# The reference grammar of the distribution project: [registry/]path[:tag][@digest].
IMAGE = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[a-z0-9]+:[a-f0-9]{32,})?"
)


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


@dataclass(frozen=True, slots=True)
class Request:
    """Several objects as one change: approved once, carried out in order, taken back together.

    Attributes:
        undoes: The number of the change that this puts back.
        reversible: Whether `undo` can put back what matters; None where all parts have to be.
    """

    action: str
    title: str
    parts: tuple[Wanted, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    undoes: int | None = None
    reversible: bool | None = None


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


def set_image(found: Found, image: str, container: str | None) -> Wanted:
    """Set the image of one container (the only one, unless it is named).

    Raises:
        UsageError: The kind has no pod template, the image is no image reference, or no container has that name.
        Ambiguous: There are several containers and none was named.
    """
    require_workload(found, "given another image")
    if not IMAGE.fullmatch(image):
        raise UsageError(f"{image!r} is not an image reference.", "Write it as repository:tag.")
    name, spec = pick_container(found, container)
    before = spec.get("image", "none")
    path = ("spec", "template", "spec", "containers", ("name", name), "image")
    return Wanted(
        action="set_image",
        title=f"Set the image of {found} (container {name}) from {before} to {image}",
        found=found,
        edits=(Edit(path, image),),
        arguments={"image": image, "container": name},
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

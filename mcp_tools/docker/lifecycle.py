"""Starting, stopping, restarting and removing a container, each with its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker.containers import every, find
from mcp_tools.docker.engine import Api, context_name, engine
from mcp_tools.docker.recreating import recreatable
from mcp_tools.docker.watching import ContainerDown, until_up
from mcp_tools.errors import Conflict, UsageError
from mcp_tools.redaction import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.model import Reporter
    from mcp_tools.docker.containers import Container

GRACE_SECONDS = 10
WORK_SECONDS = 60.0
UP = frozenset({"running", "restarting", "paused"})
POD = "io.kubernetes.pod.name"
AGAIN = "Look at it and ask again."


def reference(name: str) -> ObjectRef:
    """A container as plans and the journal name it."""
    return ObjectRef("docker", "Container", "containers", name, None)


def start(target: str) -> Work:
    """Plan to start a container.

    Raises:
        UsageError: It is paused.
        NotFound, Ambiguous: No such container, or several.
        NoEngine, ApiError: As `engine`.
    """
    found, raw = _look(target)
    if found.state == "paused":
        raise UsageError(f"Container {found.name} is paused, not stopped.", f"`docker unpause {found.name}` frees it.")

    def carry_out(reporter: Reporter) -> None:
        with engine(WORK_SECONDS) as api:
            reporter(Progress(Phase.APPLYING, f"starting container {found.name}"))
            api.start(found.id)
            until_up(api, found.id, found.name, reporter)

    def take_back(_: Reporter) -> str:
        with engine(WORK_SECONDS) as api:
            api.stop(found.id, timeout=_grace(raw))
        return "it was stopped again"

    changes = () if found.state in UP else (FieldChange(("state",), found.state, "running"),)
    return _work("start", (found, raw), changes, carry_out, take_back=take_back)


def stop(target: str) -> Work:
    """Plan to stop a container; it has 10 seconds to end, or as many as it was made with. Errors as `start`."""
    found, raw = _look(target)

    def carry_out(reporter: Reporter) -> None:
        with engine(WORK_SECONDS) as api:
            reporter(Progress(Phase.APPLYING, f"stopping container {found.name}"))
            api.stop(found.id, timeout=_grace(raw))
            left = next((one for one in every(api) if one.id == found.id), None)
            if left is not None and left.state in UP:
                raise ContainerDown(f"container {found.name} is {left.state} still")

    changes = (FieldChange(("state",), found.state, "exited"),) if found.state in UP else ()
    return _work("stop", (found, raw), changes, carry_out)


def restart(target: str) -> Work:
    """Plan to restart a container, or to start it where it does not run. Errors as `start`."""
    found, raw = _look(target)
    since = raw["State"].get("StartedAt", "")[:19]

    def carry_out(reporter: Reporter) -> None:
        with engine(WORK_SECONDS) as api:
            reporter(Progress(Phase.APPLYING, f"restarting container {found.name}"))
            api.restart(found.id, timeout=_grace(raw))
            until_up(api, found.id, found.name, reporter)

    changes = (FieldChange(("started",), since if found.state in UP else found.state, "again"),)
    return _work("restart", (found, raw), changes, carry_out)


def remove(target: str) -> Work:
    """Plan to remove a container, stopped first where it runs; its volumes are kept. Errors as `start`."""
    found, raw = _look(target)
    runs = found.state in UP

    def carry_out(reporter: Reporter) -> None:
        with engine(WORK_SECONDS) as api:
            reporter(Progress(Phase.APPLYING, f"removing container {found.name}"))
            if runs:
                api.stop(found.id, timeout=_grace(raw))
            if not (runs and _goes_by_itself(raw)):
                api.remove_container(found.id)

    def take_back(_: Reporter) -> str:
        with engine(WORK_SECONDS) as api:
            if runs:
                api.start(found.id)
        return "it runs again" if runs else "it is there still"

    back = {"do": "create", "name": found.name, "start": runs, **recreatable(raw)}
    notes = ["What it wrote into its own file system is lost; what lies on volumes stays."]
    if MASK in str(redact(back)):
        notes.append("Its settings hold secrets, which the journal does not keep: this cannot be undone.")
    changes = (
        FieldChange(("container",), found.image, ABSENT),
        FieldChange(("state",), found.state, ABSENT),
        *(FieldChange(("port",), port, ABSENT) for port in found.ports),
    )
    title = f"Remove container {found.name} ({found.image}){', which runs' if runs else ''}"
    return _work(
        "remove", (found, raw), changes, carry_out, title=title, take_back=take_back, back=back, notes=tuple(notes)
    )


def as_shown(api: Api, found: Container) -> None:
    """Hold a container against what was shown.

    Raises:
        Conflict: It was changed since.
        NotFound: It is gone.
    """
    state = api.inspect_container(found.id)["State"]["Status"]
    if (state in UP) is not (found.state in UP):
        raise Conflict(f"Container {found.name} is {state} by now, and was {found.state} when this was shown.", AGAIN)


def _look(target: str) -> tuple[Container, dict[str, Any]]:
    with engine() as api:
        found = find(api, target)
        return found, api.inspect_container(found.id)


def _grace(raw: dict[str, Any]) -> int:
    """Seconds that it has to end before it is killed."""
    return int(raw["Config"].get("StopTimeout") or GRACE_SECONDS)


def _goes_by_itself(raw: dict[str, Any]) -> bool:
    """Whether the engine removes it when it ends (`docker run --rm`)."""
    return bool(raw["HostConfig"].get("AutoRemove"))


_OPPOSITE = {"start": "stop", "stop": "start"}


def _work(
    verb: str,
    looked: tuple[Container, dict[str, Any]],
    changes: tuple[FieldChange, ...],
    carry_out: Callable[[Reporter], None],
    *,
    title: str = "",
    take_back: Callable[[Reporter], str] | None = None,
    back: dict[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> Work:
    found, raw = looked

    def prepare(_: Reporter) -> None:
        with engine() as api:
            as_shown(api, found)

    if verb in _OPPOSITE and not _goes_by_itself(raw):
        back = {"do": _OPPOSITE[verb], "name": found.name, "id": found.id}
    return Work(
        f"docker_{verb}",
        title or f"{verb.capitalize()} container {found.name} ({found.image})",
        context_name(),
        reference(found.name),
        changes,
        exists=True,
        carry_out=heeding(carry_out),
        take_back=heeding(take_back) if take_back else None,
        prepare=heeding(prepare),
        arguments={"container": found.name, "id": found.id[:12]},
        notes=(*notes, *_notes(verb, found, raw)),
        back=back,
        labels=found.labels,
    )


def _notes(verb: str, found: Container, raw: dict[str, Any]) -> list[str]:
    notes = []
    policy = (raw["HostConfig"].get("RestartPolicy") or {}).get("Name")
    if verb == "stop" and _goes_by_itself(raw):
        notes.append("It was made with --rm: it is gone when it has stopped.")
    if verb == "stop" and policy == "always":
        notes.append("Its restart policy is always: it comes back when the Docker engine is restarted.")
    if found.project and verb in {"stop", "remove"}:
        notes.append(f"It is of the Compose project {found.project}: `docker compose up` brings it back.")
    if pod := found.labels.get(POD):
        notes.append(f"It is of pod {pod}: Kubernetes puts back what it wants to run.")
    return notes

"""From a change of the journal to the work that puts back what it did to the Docker engine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import ABSENT, FieldChange, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker import lifecycle
from mcp_tools.docker.containers import every, find
from mcp_tools.docker.dockerfile.writing import CONTEXT, restoring
from mcp_tools.docker.engine import context_name, engine
from mcp_tools.docker.images import find_image
from mcp_tools.docker.recreating import make_again
from mcp_tools.docker.registry import name_back
from mcp_tools.docker.running import MADE_BY
from mcp_tools.docker.scanning.filing import unwriting
from mcp_tools.docker.watching import until_up
from mcp_tools.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.changes.journal import Entry, Journal
    from mcp_tools.changes.model import Reporter

LOOK = "Look at what is there (`docker ps`) and ask for what you want."


def newest(journal: Journal) -> Entry | None:
    """The latest change of this engine, or of files beside it, that can be put back; None where there is none."""
    found = [journal.last_reversible(context) for context in (context_name(), CONTEXT)]
    able = [entry for entry in found if entry and entry.is_outside and entry.plan.reversible]
    return max(able, key=lambda entry: entry.id, default=None)


def put_back(entry: Entry) -> Work:
    """Plan what undoes a change.

    Raises:
        Conflict: What it did was changed since.
        NotFound: What it takes is gone.
        NoEngine, ApiError: As `engine`.
    """
    body: Mapping[str, Any] = entry.records[0].body or {}
    try:
        work = _work(body)
    except NotFound as error:
        raise Conflict(f"Change {entry.id} cannot be undone: {error.message}", LOOK) from error
    if not work.changes:
        raise Conflict(f"Change {entry.id} cannot be undone: it is as before already.", LOOK)
    title = f"Undo change {entry.id} ({entry.plan.title})"
    return dataclasses.replace(work, action="undo", title=title, undoes=entry.id, back=None)


def _work(body: Mapping[str, Any]) -> Work:
    match body.get("do"):
        case "start" | "stop" as verb:
            _require_same(body)
            return lifecycle.start(body["name"]) if verb == "start" else lifecycle.stop(body["name"])
        case "remove":
            _require_made(body)
            return lifecycle.remove(body["name"])
        case "create":
            return _create(body)
        case "files":
            return restoring(body["files"])
        case "unwrite":
            return unwriting(body["file"], body["sha256"])
        case _:
            _require_name(body)
            return name_back(body["name"], body["before"])


def _require_same(body: Mapping[str, Any]) -> None:
    with engine() as api:
        if find(api, body["name"]).id != body["id"]:
            raise Conflict(f"Container {body['name']} was made anew since.", LOOK)


def _require_made(body: Mapping[str, Any]) -> None:
    with engine() as api:
        if find(api, body["name"]).labels.get(MADE_BY) != body["mark"]:
            raise Conflict(f"Container {body['name']} is another one by now.", LOOK)


def _require_name(body: Mapping[str, Any]) -> None:
    if not body.get("after"):
        return
    with engine() as api:
        if find_image(api, body["name"])["Id"] != body["after"]:
            raise Conflict(f"{body['name']} is another image by now.", LOOK)


def _create(body: Mapping[str, Any]) -> Work:
    name, image = body["name"], body["config"]["Image"]
    with engine() as api:
        there = {one.name: one for one in every(api)}
        if name in there:
            raise Conflict(f"There is a container {name} again.", LOOK)

    def carry_out(reporter: Reporter) -> None:
        with engine(lifecycle.WORK_SECONDS) as api:
            reporter(Progress(Phase.APPLYING, f"making container {name} again"))
            made = make_again(api, name, body["image"], body["config"])
            if body["start"]:
                api.start(made)
                until_up(api, made, name, reporter)

    def take_back(_: Reporter) -> str:
        with engine(lifecycle.WORK_SECONDS) as api:
            made = [one for one in every(api) if one.name == name]
            for one in made:
                api.remove_container(one.id, force=True)
        return "it was taken away again" if made else "it was not made"

    changes: tuple[FieldChange, ...] = (FieldChange(("container",), ABSENT, image),)
    if body["start"]:
        changes += (FieldChange(("state",), ABSENT, "running"),)
    return Work(
        "undo",
        "",
        context_name(),
        lifecycle.reference(name),
        changes,
        exists=False,
        carry_out=heeding(carry_out),
        take_back=heeding(take_back),
        notes=("It is made of the same image and settings, on the same volumes; its own file system begins anew.",),
    )

"""Taking away what nobody uses: exactly what was shown, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker.disk import KINDS, USUAL, Unused, unused
from mcp_tools.docker.engine import Api, context_name, engine
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import count, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mcp_tools.changes.model import Reporter

MOST = 200
PRUNE_SECONDS = 300.0
MIB = 1024**2


def prune(protects: Callable[[str, Mapping[str, str]], bool], kinds: Sequence[str] = ()) -> Work:
    """Plan to take away what nobody uses; at most 200 things at a time.

    Args:
        protects: Whether the policy keeps a thing, by `kind/name` and its labels.
        kinds: Of `KINDS`; none given are the usual ones, which are all but volumes.

    Raises:
        UsageError: There is no such kind.
        NoEngine, ApiError: As `engine`.
    """
    if wrong := sorted(set(kinds) - set(KINDS)):
        raise UsageError(f"{listed(wrong)} cannot be pruned.", f"These can: {', '.join(KINDS)}.")
    chosen = tuple(kinds) or USUAL
    with engine(PRUNE_SECONDS) as api:
        found = [
            one for one in unused(api, chosen) if not protects(f"{one.kind.removesuffix('s')}/{one.name}", one.labels)
        ]
    goes, more = found[:MOST], len(found) - MOST
    size = sum(one.size for one in goes) / MIB
    notes = ["What is pruned cannot be brought back."]
    if any(one.kind == "volumes" for one in goes):
        notes.append("Volumes hold data: look at each of them.")
    if any(one.kind == "build_cache" for one in goes):
        notes.append("The next builds begin without their cache.")
    if more > 0:
        notes.append(f"{count(more, 'thing')} more are left for another time.")

    def carry_out(reporter: Reporter) -> None:
        kept = []
        with engine(PRUNE_SECONDS) as api:
            for one in goes:
                reporter(Progress(Phase.APPLYING, "taking away what nobody uses", detail=one.name))
                if not _take(api, one):
                    kept.append(one.name)
        if kept:
            reporter(Progress(Phase.WATCHING, f"kept, since it is used by now or gone: {listed(kept)}"))

    return Work(
        "docker_prune",
        f"Take away {count(len(goes), 'unused thing')} of Docker's ({size:,.1f} MiB)",
        context_name(),
        ObjectRef("docker", "Engine", "engines", "unused", None),
        tuple(FieldChange((one.kind, one.name), f"{one.size / MIB:,.1f} MiB, {one.why}", ABSENT) for one in goes),
        exists=True,
        carry_out=heeding(carry_out),
        arguments={"kinds": list(chosen), "number": len(goes)},
        notes=tuple(notes),
    )


def _take(api: Api, one: Unused) -> bool:
    """Take one away; False where it is used by now, or somebody else took it."""
    from docker.errors import APIError

    try:
        match one.kind:
            case "containers":
                api.remove_container(one.id)
            case "images":
                api.remove_image(one.id)
            case "networks":
                api.remove_network(one.id)
            case "volumes":
                api.remove_volume(one.id)
            case "build_cache":
                api.prune_builds(filters={"id": one.id}, all=True)
    except APIError as error:
        if error.response is None or error.response.status_code not in {403, 404, 409}:
            raise
        return False
    return True

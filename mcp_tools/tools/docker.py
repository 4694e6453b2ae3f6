"""Tools for the Docker engine of the user's machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mcp_tools.errors import NotAllowed
from mcp_tools.tools.base import Hands, Tool, ToolInput, require_fitting, require_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.changes.outside import Work
    from mcp_tools.reads.answer import Answer

Name = Annotated[str | None, Field(default=None, min_length=1, max_length=300)]
NO_TARGET = frozenset[str]()
TARGET = frozenset({"target"})
LOOKS_WITH = {
    "containers": frozenset({"project", "running"}),
    "inspect": TARGET,
    "diagnose": TARGET,
    "logs": TARGET | {"tail_lines", "since_seconds", "contains", "level"},
    "stats": TARGET,
    "images": frozenset({"dangling"}),
    "layers": TARGET,
    "projects": NO_TARGET,
    "disk": NO_TARGET,
    "lint": TARGET,
    "explain_build": TARGET | {"log"},
    "scan": TARGET | {"database"},
}
"""Which arguments go with which action; of what is asked about one thing the target is needed."""
ABOUT_ONE = ("inspect", "diagnose", "logs", "layers", "lint", "explain_build", "scan")
NEEDED_TO_LOOK = {**dict.fromkeys(ABOUT_ONE, ("target",)), "explain_build": ("target", "log")}
CHANGES_WITH = {
    "run": TARGET | {"name", "command", "ports", "env", "volumes", "network", "restart"},
    "start": TARGET,
    "stop": TARGET,
    "restart": TARGET,
    "remove": TARGET,
    "exec": TARGET | {"command"},
    "pull": TARGET,
    "tag": TARGET | {"name"},
    "prune": frozenset({"kinds"}),
    "optimise": TARGET,
    "try_build": TARGET,
    "fix_build": TARGET,
    "sbom": TARGET | {"name"},
}
NEEDED = {
    **{action: ("target",) for action in CHANGES_WITH if action != "prune"},
    "exec": ("target", "command"),
    "tag": ("target", "name"),
}


class LookInput(ToolInput):
    """What to know of the engine."""

    action: Literal[
        "containers",
        "inspect",
        "diagnose",
        "logs",
        "stats",
        "images",
        "layers",
        "projects",
        "disk",
        "lint",
        "explain_build",
        "scan",
    ]
    target: Annotated[Name, Field(description="Container, image, or Dockerfile")]
    project: Annotated[Name, Field(description="Only of this Compose project")]
    running: Annotated[bool, Field(default=False, description="Only those that run")]
    dangling: Annotated[bool, Field(default=False)]
    tail_lines: Annotated[int, Field(default=100, ge=1, le=500)]
    since_seconds: Annotated[int | None, Field(default=None, ge=1)]
    contains: Annotated[str | None, Field(default=None, max_length=253)]
    level: Literal["error", "warning"] | None = None
    log: Annotated[str | None, Field(default=None, max_length=200_000, description="Of a build")]
    database: Annotated[str | None, Field(default=None, max_length=500, description="scan: OSV file or folder")]


class ChangeInput(ToolInput):
    """What to do on the engine."""

    action: Literal[
        "run",
        "start",
        "stop",
        "restart",
        "remove",
        "exec",
        "pull",
        "tag",
        "prune",
        "optimise",
        "try_build",
        "fix_build",
        "sbom",
    ]
    target: Annotated[Name, Field(description="Container; run, pull, tag: image")]
    name: Annotated[Name, Field(description="run: of the container; tag: the new one; sbom: the file")]
    command: Annotated[list[str], Field(default_factory=list, max_length=100)]
    ports: Annotated[
        list[str], Field(default_factory=list, max_length=50, description="8080:80; 8080 alone: to the exposed one")
    ]
    env: Annotated[dict[str, str], Field(default_factory=dict)]
    volumes: Annotated[list[str], Field(default_factory=list, max_length=50, description="NAME:/path:ro")]
    network: Name
    restart: Literal["no", "always", "unless-stopped", "on-failure"] | None = None
    kinds: Annotated[
        list[Literal["containers", "images", "networks", "volumes", "build_cache"]],
        Field(default_factory=list, description="prune; default: all but volumes"),
    ]


def _look(hands: Hands, given: LookInput) -> Answer:
    _require_own_machine(hands)
    require_fitting(given, LOOKS_WITH, NEEDED_TO_LOOK)
    if given.action == "logs":
        from mcp_tools.docker.logs import get_logs

        return get_logs(
            given.target or "",
            tail_lines=given.tail_lines,
            since_seconds=given.since_seconds,
            contains=given.contains,
            level=given.level,
        )
    if given.action in {"lint", "explain_build", "scan"}:
        return _judged(given)
    return _question(given)()


def _judged(given: LookInput) -> Answer:
    """What is said of a Dockerfile, a build, an image."""
    target = given.target or ""
    if given.action == "scan":
        from mcp_tools.docker.engine import engine
        from mcp_tools.docker.scanning.filing import SAVE_SECONDS
        from mcp_tools.docker.scanning.scan import scan

        if given.database:
            if "://" in given.database:
                raise NotAllowed(
                    "A tool fetches no address.", "Say it yourself: `shipmate scan IMAGE --database ADDRESS`."
                )
            require_here(given.database)
        with engine(SAVE_SECONDS) as api:
            return scan(api, target, database=given.database)
    place = _dockerfile(target)
    if given.action == "lint":
        from mcp_tools.docker.dockerfile.advising import advise

        return advise(place)
    from mcp_tools.docker.building.explaining import explain

    return explain(given.log or "", place.parent, dockerfile=place)


def _dockerfile(name: str) -> Path:
    from mcp_tools.docker.dockerfile.locate import locate

    found = locate(name, Path.cwd())
    require_here(str(found))
    return found


def _teller(hands: Hands) -> Callable[[str, str], None]:
    """Tells what a build prints, a line at a time."""
    from mcp_tools.changes.model import Phase, Progress

    return lambda what, line: hands.reporter(Progress(Phase.PREPARING, what, detail=line))


def _question(given: LookInput) -> Callable[[], Answer]:
    from mcp_tools.docker import containers, diagnosing, disk, images, inspecting, stats

    target = given.target or ""
    questions: dict[str, Callable[[], Answer]] = {
        "containers": lambda: containers.list_containers(running_only=given.running, project=given.project),
        "inspect": lambda: inspecting.inspect(target),
        "diagnose": lambda: diagnosing.diagnose(target),
        "stats": lambda: stats.usage(given.target),
        "images": lambda: images.list_images(dangling=given.dangling),
        "layers": lambda: images.layers(target),
        "projects": containers.projects,
        "disk": disk.disk_usage,
    }
    return questions[given.action]


def _change(hands: Hands, given: ChangeInput) -> Answer:
    from mcp_tools.changes.outside import Work
    from mcp_tools.changes.report import report

    _require_own_machine(hands)
    require_fitting(given, CHANGES_WITH, NEEDED)
    planned = _planned(hands, given)
    if not isinstance(planned, Work):
        return planned
    return report(hands.outside.run(planned, hands.approver, hands.reporter))


def _planned(hands: Hands, given: ChangeInput) -> Work | Answer:
    from mcp_tools.docker import commands, lifecycle, pruning, registry

    target = given.target or ""
    if given.action in {"optimise", "try_build", "fix_build", "sbom"}:
        return _written(hands, given)
    if given.action == "run":
        return _run(given)
    if given.action == "exec":
        return commands.run_in(target, given.command)
    if given.action == "prune":
        return pruning.prune(hands.outside.protects, given.kinds)
    if given.action == "tag":
        return registry.tag(target, given.name or "")
    of_one = {
        "start": lifecycle.start,
        "stop": lifecycle.stop,
        "restart": lifecycle.restart,
        "remove": lifecycle.remove,
        "pull": registry.pull,
    }
    return of_one[given.action](target)


def _written(hands: Hands, given: ChangeInput) -> Work | Answer:
    """What ends in a file: only what was tried and found good is proposed."""
    target = given.target or ""
    if given.action == "sbom":
        from mcp_tools.docker.scanning.filing import bill_file

        return bill_file(target, given.name or "", Path.cwd())
    from mcp_tools.docker.building.optimising import optimise
    from mcp_tools.docker.building.trying import try_fix

    place = _dockerfile(target)
    if given.action == "optimise":
        better = optimise(place, _teller(hands), stop=hands.outside.stopping)
        return better.work() if better.better else better.answer()
    fix = try_fix("", place.parent, _teller(hands), dockerfile=place, stop=hands.outside.stopping)
    return fix.work() if fix.builds and given.action == "fix_build" else fix.answer()


def _run(given: ChangeInput) -> Work:
    from mcp_tools.docker.running import Run, run

    return run(
        Run(
            given.target or "",
            given.name or "",
            given.command,
            given.ports,
            given.env,
            given.volumes,
            given.network or "",
            given.restart or "",
        )
    )


def _require_own_machine(hands: Hands) -> None:
    if not hands.local_files:
        raise NotAllowed(
            "Over HTTP the Docker engine of this machine is not the caller's.",
            "Use `shipmate` on the machine whose engine is meant.",
        )


TOOLS = (
    Tool(
        "inspect_docker",
        "Docker",
        "The Docker engine of this machine (not the cluster): its containers, one in full, what is wrong with it, its "
        "log, CPU and memory, images by size, layers, Compose projects, disk and what a prune would free. "
        "Judges a Dockerfile (lint), tells why a build fails, scans an image.",
        LookInput,
        _look,
        read_only=True,
        idempotent=True,
    ),
    Tool(
        "change_docker",
        "Change Docker",
        "Run, start, stop, restart, remove a container of this machine's Docker engine, run a command in it, pull or "
        "tag an image, prune what nobody uses; better or mend a Dockerfile (built and measured first), write an SBOM.",
        ChangeInput,
        _change,
        destructive=True,
    ),
)

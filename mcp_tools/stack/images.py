"""The stack's images: which there are, building those that are missing, and bringing them to a cluster."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.errors import UsageError
from mcp_tools.stack.programs import is_there, output, run

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping, Sequence

    from mcp_tools.stack.objects import Object
    from mcp_tools.stack.settings import Environment, StackSettings

PROGRAMS = ("mcp-server", "backend", "frontend")
DATABASE_IMAGE = "postgres:17-alpine"
NOT_BUILT_FROM = frozenset(
    {".git", ".venv", ".next", "node_modules", "__pycache__", "tests", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
)
HEX = 8


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the stack.

    Attributes:
        name: As the pods name it.
        context: What it is built from; None where it is not ours, or the sources are not here.
        local: It is in this machine's engine.
        on_nodes: Every node has it.
    """

    name: str
    context: Path | None = None
    local: bool = False
    on_nodes: bool = False


def tag_of(context: Path, version: str) -> str:
    """A tag that follows from what is built: `1.0.0-3f2a9c01`, another one for other sources."""
    digest = hashlib.sha256()
    for path in _sources(context):
        digest.update(str(path.relative_to(context)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{version}-{digest.hexdigest()[:HEX]}"


def _sources(context: Path) -> Iterable[Path]:
    for directory, folders, files in os.walk(context):
        folders[:] = sorted(name for name in folders if name not in NOT_BUILT_FROM)
        yield from (Path(directory) / name for name in sorted(files) if not name.startswith(".env"))


def names(tags: Mapping[str, str], registry: str | None) -> dict[str, str]:
    """The image of each program: `ghcr.io/me/todo-backend:1.0.0`."""
    prefix = f"{registry.rstrip('/')}/" if registry else ""
    return {program: f"{prefix}todo-{program}:{tag}" for program, tag in tags.items()}


def look(wanted: Sequence[Image], nodes: Sequence[Object]) -> tuple[Image, ...]:
    """Where the images are. Nodes name up to 50 of theirs: one that is not named may be there all the same."""
    held = [_held(node) for node in nodes]
    return tuple(
        dataclasses.replace(
            image,
            local=output("docker", "image", "inspect", "--format={{.Id}}", image.name) is not None,
            on_nodes=bool(held) and all(_full(image.name) in names for names in held),
        )
        for image in wanted
    )


def _held(node: Object) -> set[str]:
    images = (node.get("status") or {}).get("images") or []
    return {_full(name) for image in images for name in image.get("names") or []}


def _full(name: str) -> str:
    """The name with what Docker leaves out: `docker.io/library/`."""
    first, _, rest = name.partition("/")
    if not rest:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"


def engine_answers() -> bool:
    """Whether a Docker engine can be used from here."""
    return output("docker", "version", "--format={{.Server.Version}}") is not None


Tell = Callable[[str, str], None]
"""Hears what is being done, and the line that a program printed on the way."""


def build(image: Image, tell: Tell, stop: threading.Event) -> None:
    """Build an image from its sources; errors as `programs.run`."""
    words = ["docker", "build", "--progress=plain", f"--tag={image.name}", str(image.context)]
    run(words, lambda line: tell(f"building {image.name}", line), stop, environment={"DOCKER_BUILDKIT": "1"})


@dataclass(frozen=True, slots=True)
class Way:
    """How images come to a cluster.

    Attributes:
        title: For people, such as `minikube image load`.
        command: Its words for one image or several (`{images}`); empty where the nodes see this machine's images.
    """

    title: str
    command: tuple[str, ...] = ()

    def bring(self, images: Sequence[str], tell: Tell, stop: threading.Event) -> None:
        """Bring images there; errors as `programs.run`."""
        if not self.command or not images:
            return
        alone = self.command[:2] == ("docker", "push")
        for batch in [[image] for image in images] if alone else [list(images)]:
            words = [part for word in self.command for part in (batch if word == "{images}" else [word])]
            what = f"{self.title}: {', '.join(batch)}"
            tell(what, "")
            run(words, functools.partial(tell, what), stop)


def way_to(context: str, nodes: Sequence[Object], settings: StackSettings, environment: Environment) -> Way | None:
    """How images come to the cluster of a context; None where nothing is known of it."""
    if environment in settings.registries:
        return Way("docker push", ("docker", "push", "{images}"))
    if settings.load_command:
        return Way(settings.load_command[0], tuple(settings.load_command))
    for node in nodes:
        labels = node["metadata"].get("labels") or {}
        provider = str((node.get("spec") or {}).get("providerID") or "")
        if profile := labels.get("minikube.k8s.io/name"):
            return Way("minikube image load", ("minikube", "--profile", profile, "image", "load", "{images}"))
        if provider.startswith("kind://"):
            cluster = context.removeprefix("kind-")
            return Way("kind load", ("kind", "load", "docker-image", "--name", cluster, "{images}"))
        if provider.startswith("k3s://") and context.startswith("k3d-"):
            return Way("k3d import", ("k3d", "image", "import", "--cluster", context.removeprefix("k3d-"), "{images}"))
        if labels.get("kubernetes.io/hostname") == "docker-desktop":
            return Way("Docker Desktop shares its images")
    return None


def supply(images: Sequence[Image], way: Way | None, tell: Tell, stop: threading.Event) -> None:
    """Build what is missing here, and bring to the nodes what they lack.

    Raises:
        Stopped: `stop` was set.
        UsageError: An image is nowhere and cannot be made, or there is no way to the nodes.
        ProgramFailed: A build or a transfer failed.
    """
    problems = obstacles(images, way)
    if problems:
        raise UsageError(f"The images cannot be supplied: {'; '.join(problems)}.", "")
    lacking = [image for image in images if not image.on_nodes]
    for image in lacking:
        if not image.local:
            build(image, tell, stop)
    if way and lacking:
        way.bring([image.name for image in lacking], tell, stop)


def obstacles(images: Sequence[Image], way: Way | None) -> list[str]:
    """Why the images cannot get to the nodes, in clauses; empty where they can, or are there."""
    lacking = [image for image in images if not image.on_nodes]
    if not lacking:
        return []
    names = ", ".join(image.name for image in lacking)
    if not engine_answers():
        return [f"the nodes lack {names} and no Docker engine answers here to build or bring it"]
    problems = []
    unbuilt = [image.name for image in lacking if not image.local and image.context is None]
    if unbuilt:
        problems.append(f"{', '.join(unbuilt)} is not in the Docker engine, and its sources are not here: pull it")
    if way is None:
        problems.append(
            f"the nodes lack {names} and nothing is known of how images get there: set registries or load_command "
            "under [stack] in config.toml"
        )
    elif way.command and not is_there(way.command[0]):
        problems.append(f"{way.command[0]} is not on this machine, which brings images to the nodes")
    return problems

"""Deploying the todo stack on a cluster: looked at first, then one plan with a stage for each part.

The images are built and brought there once the plan is approved; after the last rollout the stack is tried as a user
would, and what fails anywhere is taken back, so that what was there before serves on.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mcp_tools.changes.applying import want
from mcp_tools.changes.model import Phase, Progress
from mcp_tools.changes.operations import Request
from mcp_tools.errors import ShipmateError, UsageError
from mcp_tools.stack import by_helm
from mcp_tools.stack import images as supplying
from mcp_tools.stack.locate import checkout
from mcp_tools.stack.looking import look, node_port_of, url_of
from mcp_tools.stack.objects import STAGES, Shape, objects
from mcp_tools.stack.preflight import Check, free_node_port, require, room
from mcp_tools.stack.secrets import NAME, gather, live_values, read_files
from mcp_tools.stack.settings import NAMESPACE
from mcp_tools.stack.smoke import TRYING, through_pod

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcp_tools.changes.model import Reporter
    from mcp_tools.changes.operations import Wanted
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.stack.images import Image, Way
    from mcp_tools.stack.looking import Seen
    from mcp_tools.stack.objects import Object
    from mcp_tools.stack.secrets import Secrets
    from mcp_tools.stack.settings import Environment, StackSettings

How = Literal["manifests", "helm"]
ACTION = "deploy_stack"
VERSION = "1.0.0"
NO_PORT = (None, Check("ports", "none of the nodes' ports is used", ok=True))


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        environment: None goes on as it was, at first with development.
        version: The images' tag; None takes what runs, or the manifests' own.
        rebuild: Build what the sources make, under a tag that follows from them.
        url: The address in the browser's address bar.
        how: None goes on as it was done before, at first by the manifests.
        here: The files and programs of this machine are theirs who ask; else no `.env` is read and no image is built or
            brought.
    """

    namespace: str = NAMESPACE
    environment: Environment | None = None
    version: str | None = None
    rebuild: bool = False
    url: str | None = None
    how: How | None = None
    here: bool = True


@dataclass(frozen=True, slots=True)
class Deployment:
    """What will be done, and what was looked at for it."""

    request: Request
    url: str
    checks: tuple[Check, ...]


def deploy(connection: Connection, ask: Ask, settings: StackSettings) -> Deployment:
    """Plan to deploy or upgrade the stack.

    Raises:
        NotReady: Something has to be put right first; all of it is named.
        UsageError: The `.env` files contradict each other, or there are no sources to build from.
        ShipmateError: The cluster does not answer, or refuses.
    """
    root = checkout() if ask.here else None
    seen = look(connection, ask.namespace)
    live = live_values(connection, ask.namespace)
    environment = ask.environment or seen.environment
    secrets = gather(read_files(root), live, development=environment == "dev")
    how = ask.how or ("helm" if seen.by_helm else "manifests")
    # In other environments the chart's frontend has no port of the nodes.
    on_nodes = how == "manifests" or environment == "dev"
    node_port, port_check = free_node_port(seen.services, node_port_of(seen.frontend)) if on_nodes else NO_PORT
    known = ask.url or settings.url or seen.config.get("BETTER_AUTH_URL")
    url = known or url_of(seen, node_port, on_nodes=on_nodes)
    registry = settings.registries.get(environment)
    tags = _tags(ask, seen.running, root)
    named = supplying.names(_one_tag(tags) if how == "helm" else tags, registry)
    fresh = url != seen.config.get("BETTER_AUTH_URL") or secrets.values != live
    marked = seen.marked or fresh
    shape = Shape(ask.namespace, named, url, secrets.values, secrets.inside, node_port, environment, marked)
    documents = objects(shape)
    wanted = tuple(_image(name, program, root) for program, name in named.items())
    if secrets.inside:
        wanted += (supplying.Image(supplying.DATABASE_IMAGE),)
    way = supplying.way_to(connection.context, seen.nodes or [], settings, environment)
    supplied = ask.here and not seen.simulated
    if supplied:
        wanted = supplying.look(wanted, seen.nodes or [])
        if registry:
            wanted = tuple(image for image in wanted if image.name != supplying.DATABASE_IMAGE)
    running = by_helm.running(documents, environment) if how == "helm" else [document for _, document in documents]
    checks = (
        Check("cluster", f"{connection.context} answers", ok=True),
        room(seen.nodes, seen.pods, ask.namespace, running),
        _images_check(wanted, way, seen, ask),
        _secrets_check(secrets, ask),
        port_check,
        _how_check(how, seen),
    )
    require(checks)
    titles: tuple[str, ...]
    if how == "helm":
        parts, titles = by_helm.parts(connection, documents, shape, registry), by_helm.STAGES
    else:
        parts, titles = _parts(connection, documents, ask.namespace), STAGES

    def prepare(reporter: Reporter, stop: threading.Event) -> None:
        supplying.supply(wanted, way, lambda what, line: reporter(Progress(Phase.PREPARING, what, detail=line)), stop)

    def verify(reporter: Reporter, stop: threading.Event) -> None:
        reporter(Progress(Phase.WATCHING, TRYING))
        through_pod(connection, ask.namespace, url, stop, simulated=seen.simulated)

    versions = ", ".join(f"{program} {name.rpartition(':')[2]}" for program, name in named.items())
    verb = "Upgrade" if seen.running else "Deploy"
    request = Request(
        ACTION,
        f"{verb} the todo stack in namespace {ask.namespace}: {versions}",
        parts,
        {"titles": list(titles), "namespace": ask.namespace, "first": not seen.running},
        notes=(
            *_notes(wanted if supplied else (), secrets, url),
            *(by_helm.notes(environment) if how == "helm" else ()),
            f"Looked at: {'; '.join(check.detail for check in checks[1:3])}.",
        ),
        prepare=prepare if supplied and not all(image.on_nodes for image in wanted) else None,
        verify=verify,
        explain=lambda: cause_in(connection, ask.namespace),
    )
    return Deployment(request, url, checks)


def cause_in(connection: Connection, namespace: str) -> str:
    """The first cause that a diagnosis of the namespace names, as a clause; empty where there is none."""
    from mcp_tools.diagnosis.engine import diagnose

    try:
        causes = diagnose(connection, namespace).causes
    except ShipmateError as error:
        return f"the cause could not be looked for: {error.message}"
    return f"the cause: {causes[0].finding.cause}" if causes else ""


def _tags(ask: Ask, running: Mapping[str, str], root: Path | None) -> dict[str, str]:
    if ask.rebuild and not ask.version:
        if root is None:
            raise UsageError(
                "There are no sources here to build the stack's images from.",
                "Ask in a checkout of them, or name a version.",
            )
        return {program: supplying.tag_of(root / "apps" / program, VERSION) for program in supplying.PROGRAMS}
    return {
        program: ask.version or running.get(program, "").rpartition(":")[2] or VERSION for program in supplying.PROGRAMS
    }


def _one_tag(tags: Mapping[str, str]) -> dict[str, str]:
    """The chart has one tag for all its images: what differs is summed up in it."""
    if len(set(tags.values())) == 1:
        return dict(tags)
    summed = hashlib.sha256(" ".join(sorted(tags.values())).encode()).hexdigest()[: supplying.HEX]
    return dict.fromkeys(tags, f"{VERSION}-{summed}")


def _how_check(how: How, seen: Seen) -> Check:
    if not seen.running or (how == "helm") is seen.by_helm:
        return Check("way", f"by {how}", ok=True)
    was = "a Helm release" if seen.by_helm else "plain manifests"
    return Check("way", f"it stands there as {was}: go on so, destroy it first, or name another namespace", ok=False)


def _image(name: str, program: str, root: Path | None) -> Image:
    return supplying.Image(name, root / "apps" / program if root else None)


def _images_check(images: Sequence[Image], way: Way | None, seen: Seen, ask: Ask) -> Check:
    if seen.simulated:
        return Check("images", "the sandbox pulls none", ok=True)
    if not ask.here:
        return Check("images", "the nodes have or pull them: over HTTP none is built or brought", ok=None)
    problems = supplying.obstacles(images, way)
    lacking = [image.name for image in images if not image.on_nodes]
    found = f"to build or bring to the nodes: {', '.join(lacking)}" if lacking else "the nodes have them"
    return Check("images", "; ".join(problems) or found, ok=not problems)


def _secrets_check(secrets: Secrets, ask: Ask) -> Check:
    if not secrets.problems:
        return Check("secrets", _sources(secrets), ok=True)
    unread = "" if ask.here else f" (over HTTP no .env file is read: make the Secret {NAME} in the cluster)"
    return Check("secrets", f"{'; '.join(secrets.problems)}{unread}", ok=False)


def _sources(secrets: Secrets) -> str:
    return ", ".join(f"{key} ({source})" for key, source in secrets.sources.items())


def _notes(images: Sequence[Image], secrets: Secrets, url: str) -> tuple[str, ...]:
    notes = [f"The Secret {NAME} will hold {_sources(secrets)}."]
    build = [image.name for image in images if not image.on_nodes and not image.local and image.context]
    bring = [image.name for image in images if not image.on_nodes]
    notes += [f"Built first: {', '.join(build)}."] if build else []
    notes += [f"Brought to the nodes first: {', '.join(bring)}."] if bring else []
    notes.append(f"It will be reached at {url}, and at no other address: sign-in insists on it.")
    return tuple(notes)


def _parts(connection: Connection, documents: list[tuple[int, Object]], namespace: str) -> tuple[Wanted, ...]:
    return tuple(
        dataclasses.replace(want(connection, document, namespace), stage=stage) for stage, document in documents
    )

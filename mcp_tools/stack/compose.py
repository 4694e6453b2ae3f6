"""The todo stack with Docker Compose on this machine: looked at first, one plan, tried as a user would, taken back."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Outcome, Phase, Progress
from mcp_tools.changes.outside import Work
from mcp_tools.errors import NotFound, ShipmateError, Stopped, UsageError
from mcp_tools.reads.answer import Answer, listed
from mcp_tools.stack import project as composing
from mcp_tools.stack.deploying import VERSION
from mcp_tools.stack.images import PROGRAMS, engine_answers, tag_of
from mcp_tools.stack.locate import checkout
from mcp_tools.stack.preflight import Check, NotReady, require
from mcp_tools.stack.programs import ProgramFailed, is_there, output
from mcp_tools.stack.secrets import FILES, PASSWORD, SHORTEST, SIGNING
from mcp_tools.stack.smoke import TRYING, through
from mcp_tools.stack.standing import FAR_BACK, answers_at

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Reporter
    from mcp_tools.stack.project import Container, Project

CONTEXT = "docker-compose"
DEPLOY, BACK, DOWN = "compose_deploy", "compose_rollback", "compose_down"
FILE = "docker-compose.yml"
SERVICES = ("postgres", *PROGRAMS)
ASK_BACK = "roll back the todo stack with compose"
ASK_DEPLOY = "`deploy the todo stack with compose` makes it."
DEFAULT_PORT = 3000
ID = 19


class StackDown(ShipmateError):
    """The containers did not come up, or do not do what they are for."""

    code = "stack_down"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What will be done, and what was looked at for it."""

    work: Work
    url: str
    checks: tuple[Check, ...]


def deploy(*, version: str | None = None, rebuild: bool = False, url: str | None = None) -> Deployment:
    """Plan to deploy or upgrade the stack.

    Args:
        version: The images' tag; None takes what runs, or the files' own.
        rebuild: Build what the sources make, under a tag that follows from them.
        url: `http://localhost` with a port of this machine; None takes the files' own.

    Raises:
        NotReady: Something has to be put right first; all of it is named.
        UsageError: There are no sources here, or the address is not this machine's.
        ProgramFailed: Compose cannot make sense of its files.
    """
    root = _root()
    settings = {composing.PORT: str(_port(url))} if url else {}
    project = composing.read(root, settings)
    former = composing.containers(project.name)
    tag = version or (tag_of(root / "apps", VERSION) if rebuild else None) or _own_version(root) or _tag(former)
    if tag:
        project = composing.read(root, {**settings, composing.VERSION: tag})
    return _planned(project, former, DEPLOY, "Upgrade" if former else "Deploy")


def roll_back(journal: Journal) -> Deployment:
    """Plan to go back to the version that ran before; arguments and errors as `deploy`.

    Raises:
        NotFound: None is known, or its images are gone.
    """
    root = _root()
    project = composing.read(root, {})
    former = composing.containers(project.name)
    running = _tag(former)
    before = _version_before(journal, project.name, running) if running else None
    if before is None:
        raise NotFound("No version of the todo stack before this one is known here.", "`history` shows changes.")
    back = composing.read(root, {composing.VERSION: before})
    gone = [back.image(name) for name in PROGRAMS if composing.image_id(back.image(name)) is None]
    if gone:
        raise NotFound(f"The images of version {before} are gone: {listed(gone)}.", "`history` shows changes.")
    return _planned(back, former, BACK, "Take back")


def destroy() -> Work:
    """Plan to take the stack down; the data and the images are kept.

    Raises:
        NotFound: It is not there.
        ShipmateError: As `deploy`.
    """
    project = composing.read(_root(), {})
    former = composing.containers(project.name)
    if not former:
        raise NotFound(f"The todo stack does not run with Docker Compose (project {project.name}).", ASK_DEPLOY)
    volumes = [volume["name"] for volume in (project.config.get("volumes") or {}).values()]
    kept = f"The data is kept in {listed(volumes)}: `docker compose down --volumes` would delete it."

    def carry_out(reporter: Reporter, stop: threading.Event) -> None:
        project.run("down", tell=_teller(reporter, Phase.APPLYING, "taking the containers down"), stop=stop)

    return Work(
        DOWN,
        f"Take down the todo stack with Docker Compose (project {project.name})",
        CONTEXT,
        _target(project.name),
        tuple(FieldChange(("containers", one.name), one.state, ABSENT) for one in former),
        exists=True,
        carry_out=carry_out,
        arguments={"project": project.name, "back": "deploy the todo stack with compose"},
        notes=(kept,) if volumes else (),
    )


def status() -> Answer:
    """How the stack is.

    Returns:
        As `standing.status`, with the project's name as `namespace`.

    Raises:
        NotFound: It is not there.
        ShipmateError: As `deploy`.
    """
    project = composing.read(_root(), {})
    there = {one.service: one for one in composing.containers(project.name)}
    if not there:
        raise NotFound(f"The todo stack does not run with Docker Compose (project {project.name}).", ASK_DEPLOY)
    parts = [
        {
            "name": name,
            "image": there[name].image if name in there else project.image(name),
            "ready": int(name in there and there[name].up),
            "wanted": 1,
        }
        for name in sorted(project.services, key=_place)
    ]
    ready = all(part["ready"] for part in parts)
    url = _url(there["frontend"].port if "frontend" in there else project.port)
    answers = answers_at(url)
    cause = "" if ready else composing.explain(project.name)
    slow = [str(part["name"]) for part in parts if not part["ready"]]
    words = [f"The todo stack in the Compose project {project.name} "]
    words[0] += "is ready." if ready else f"is not ready ({listed(slow)})."
    words += [f"{cause[:1].upper()}{cause[1:]}."] if cause else []
    words.append(f"{url} answers." if answers else f"{url} does not answer.")
    data = {"namespace": project.name, "url": url, "answers": answers, "ready": ready, "cause": cause, "parts": parts}
    return Answer(" ".join(words), data)


def _planned(project: Project, former: Sequence[Container], action: str, verb: str) -> Deployment:
    images = {name: project.image(name) for name in sorted(project.services, key=_place)}
    ids = {name: composing.image_id(image) for name, image in images.items()}
    lacking = [name for name, found in ids.items() if found is None]
    build = [name for name in lacking if project.services[name].get("build")]
    pull = [images[name] for name in lacking if name not in build]
    checks = (
        Check("images", _supplied(build, pull, images), ok=True),
        _secrets(project, former),
        _port_check(project, former),
    )
    require(checks)
    changes = _changes(project, former, images, ids)
    tag, url = images["backend"].rpartition(":")[2], _url(project.port)
    before = _tag(former)

    def prepare(reporter: Reporter, stop: threading.Event) -> None:
        tell = _teller(reporter, Phase.PREPARING, f"building {', '.join(build)}")
        project.run("--progress=plain", "build", *build, tell=tell, stop=stop)

    def carry_out(reporter: Reporter, stop: threading.Event) -> None:
        _bring_up(project, url, reporter, stop)

    def take_back(reporter: Reporter, stop: threading.Event) -> str:
        return _take_back(project, former, reporter, stop)

    work = Work(
        action,
        f"{verb} the todo stack with Docker Compose (project {project.name}) at {url}: version {tag}",
        CONTEXT,
        _target(project.name),
        changes,
        exists=bool(former),
        carry_out=carry_out,
        take_back=take_back,
        prepare=prepare if build else None,
        arguments={"project": project.name, "version": tag, "before": before, "back": ASK_BACK},
        notes=_notes(project, checks, former, changes),
    )
    return Deployment(work, url, checks)


def _bring_up(project: Project, url: str, reporter: Reporter, stop: threading.Event) -> None:
    try:
        tell = _teller(reporter, Phase.WATCHING, "starting the containers and waiting until they are healthy")
        project.up(tell, stop)
        reporter(Progress(Phase.WATCHING, TRYING))
        through(url, url, stop)
    except Stopped:
        raise
    except ShipmateError as error:
        cause = composing.explain(project.name)
        if cause and isinstance(error, ProgramFailed):
            # All that Compose says then is that a container did not come up.
            raise StackDown(cause) from error
        raise StackDown(f"{error.message}; {cause}" if cause else error.message) from error


def _take_back(project: Project, former: Sequence[Container], reporter: Reporter, stop: threading.Event) -> str:
    tell = _teller(reporter, Phase.ROLLING_BACK, "putting back what ran before")
    if not any(one.state == "running" for one in former):
        project.run("down", tell=tell, stop=stop)
        return "nothing ran before: the containers were taken down again, and the data was kept"
    settings = {composing.VERSION: _tag(former) or VERSION}
    port = next((one.port for one in former if one.service == "frontend" and one.port), None)
    settings |= {composing.PORT: str(port)} if port else {}
    before = composing.read(project.root, settings)
    before.up(tell, stop, composing.as_it_was(before, former))
    url = _url(before.port)
    answers = "answers" if answers_at(url) else "does not answer"
    return f"what ran before ({settings[composing.VERSION]}) runs again, and {url} {answers}"


def _root() -> Path:
    root = checkout()
    if root is None or not (root / FILE).is_file():
        raise UsageError(f"There is no {FILE} of the todo stack here.", "Ask in a checkout of its sources.")
    if not is_there("docker"):
        raise NotReady("There is no docker on this machine.", "Install Docker with its Compose plugin, then ask again.")
    if not engine_answers():
        raise NotReady("No Docker engine answers here.", "Start it (`docker info` tells), then ask again.")
    if output(*composing.COMPOSE, "version", "--short") is None:
        raise NotReady("Docker has no Compose plugin here.", "Install docker-compose-plugin, then ask again.")
    return root


def _port(url: str) -> int:
    try:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname == "localhost":
            return parts.port or 80
    except ValueError:
        pass
    raise UsageError(
        f"With Docker Compose the stack is reached on this machine only, not at {url}.",
        f"Name http://localhost with a port, such as http://localhost:{DEFAULT_PORT}.",
    )


def _own_version(root: Path) -> str | None:
    """The version that the user set for Compose itself."""
    from dotenv import dotenv_values

    path = root / ".env"
    return os.environ.get(composing.VERSION) or (dotenv_values(path).get(composing.VERSION) if path.is_file() else None)


def _tag(former: Sequence[Container]) -> str | None:
    """The version that runs; None where that cannot be told."""
    image = next((one.image for one in former if one.service == "backend"), "")
    return None if not image or image.startswith("sha256:") else image.rpartition(":")[2]


def _version_before(journal: Journal, name: str, running: str) -> str | None:
    for entry in journal.latest(FAR_BACK, context=CONTEXT):
        said = entry.plan.arguments
        ours = entry.plan.action == DEPLOY and entry.status == Outcome.VERIFIED.value and said.get("project") == name
        if ours and said.get("version") == running and said.get("before") not in {None, running}:
            return str(said["before"])
    return None


def _changes(
    project: Project, former: Sequence[Container], images: Mapping[str, str], ids: Mapping[str, str | None]
) -> tuple[FieldChange, ...]:
    there, hashes = {one.service: one for one in former}, project.hashes()
    changes = []
    for name, image in images.items():
        one = there.get(name)
        if one is None:
            changes.append(FieldChange((name, "image"), ABSENT, image))
        elif one.image != image:
            changes.append(FieldChange((name, "image"), one.image, image))
        elif ids[name] and one.image_id != ids[name]:
            changes.append(FieldChange((name, "image id"), one.image_id[:ID], str(ids[name])[:ID]))
        elif hashes.get(name) and one.config_hash != hashes[name]:
            changes.append(FieldChange((name, "configuration"), one.config_hash[:ID], hashes[name][:ID]))
        elif not one.up:
            changes.append(FieldChange((name, "state"), one.health or one.state, "running"))
    return tuple(changes)


def _supplied(build: Sequence[str], pull: Sequence[str], images: Mapping[str, str]) -> str:
    said = [f"built first: {', '.join(images[name] for name in build)}"] if build else []
    said += [f"pulled first: {', '.join(pull)}"] if pull else []
    return "; ".join(said) or "all are here"


def _secrets(project: Project, former: Sequence[Container]) -> Check:
    """Whether the `.env` beside the file gives what can work; its values are not told."""
    problems = []
    wanted = {name: service.get("environment") or {} for name, service in project.services.items()}
    signing = str(wanted.get("frontend", {}).get(SIGNING) or "")
    if len(signing) < SHORTEST:
        problems.append(
            f"{SIGNING} in .env is shorter than {SHORTEST} characters (`openssl rand -base64 32` makes one)"
        )
    password = str(wanted.get("postgres", {}).get(PASSWORD) or "").replace("$$", "$")
    if not password.replace("-", "").replace("_", "").replace(".", "").replace("~", "").isalnum():
        problems.append(f"{PASSWORD} in .env holds characters that an address cannot: use letters and digits")
    database = next((one for one in former if one.service == "postgres"), None)
    if database and database.environment.get(PASSWORD) != password:
        problems.append(f"the database was made with another {PASSWORD} than .env gives, and keeps it: set the former")
    source = ".env" if (project.root / ".env").is_file() else f"the defaults of {FILE}"
    return Check("secrets", "; ".join(problems) or f"from {source}", ok=not problems)


def _port_check(project: Project, former: Sequence[Container]) -> Check:
    port = project.port
    if not port:
        return Check("ports", f"{FILE} publishes no port of the frontend", ok=False)
    if any(one.port == port and one.state == "running" for one in former):
        return Check("ports", f"the frontend keeps port {port}", ok=True)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            way = f"set {composing.PORT} in .env, or ask for it at http://localhost with another port"
            return Check("ports", f"port {port} of this machine cannot be used ({error.strerror}): {way}", ok=False)
    return Check("ports", f"port {port} is free", ok=True)


def _notes(
    project: Project, checks: Sequence[Check], former: Sequence[Container], changes: Sequence[FieldChange]
) -> tuple[str, ...]:
    notes = [f"Looked at: {'; '.join(f'{check.name}: {check.detail}' for check in checks)}."]
    unread = [name for name in FILES if (project.root / name).is_file()]
    if unread:
        notes.append(f"Compose reads .env beside {FILE}, and not {' or '.join(unread)}.")
    if former and changes:
        notes.append("Containers are replaced: for some seconds nothing answers.")
    return tuple(notes)


def _target(name: str) -> ObjectRef:
    return ObjectRef("compose", "Project", "projects", name, None)


def _place(service: str) -> tuple[int, str]:
    return (SERVICES.index(service) if service in SERVICES else len(SERVICES), service)


def _url(port: int | None) -> str:
    return f"http://localhost:{port or DEFAULT_PORT}"


def _teller(reporter: Reporter, phase: Phase, what: str) -> Callable[[str], None]:
    reporter(Progress(phase, what))
    return lambda line: reporter(Progress(phase, what, detail=line))

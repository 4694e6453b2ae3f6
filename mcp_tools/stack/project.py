"""The stack as a Docker Compose project of this machine: what is wanted, what runs, and the words that change it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.redaction import redact_text
from mcp_tools.stack.programs import ProgramFailed, looked, output, run

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

COMPOSE = ("docker", "compose")
VERSION, PORT = "TODO_VERSION", "TODO_PORT"
PATIENCE = "300"
"""Seconds that the containers have to become healthy."""
LINES = 6
LINE = 200
_PROJECT, _SERVICE, _HASH = (f"com.docker.compose.{name}" for name in ("project", "service", "config-hash"))


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the project.

    Attributes:
        image, image_id: As it was asked for, and what that was.
        state: Docker's word, such as `running`, `exited`, `restarting`.
        health: `healthy`, `unhealthy`, `starting`; empty where nothing checks it.
        check: What its last health check said.
        config_hash: Compose's, of the configuration that it was made from.
        port: Of this machine, that leads into it.
    """

    name: str
    service: str
    image: str
    image_id: str
    state: str
    health: str
    check: str
    exit_code: int
    out_of_memory: bool
    restarts: int
    config_hash: str
    port: int | None
    environment: Mapping[str, str] = field(repr=False)

    @property
    def up(self) -> bool:
        """It runs, and is healthy where that is checked."""
        return self.state == "running" and self.health in {"", "healthy"}


@dataclass(frozen=True, slots=True)
class Project:
    """What Compose makes of the files with certain settings.

    Attributes:
        settings: The environment that the files are read with, over this process's own and the `.env` file.
        config: The resolved configuration, which holds secrets.
    """

    root: Path
    settings: Mapping[str, str]
    config: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.config["name"])

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        """The resolved services, by name."""
        return dict(self.config.get("services") or {})

    @property
    def port(self) -> int:
        """The port of this machine on which the frontend is published; 0 where it is on none."""
        ports = (self.services.get("frontend") or {}).get("ports") or []
        return next((int(port["published"]) for port in ports if str(port.get("published", "")).isdigit()), 0)

    def image(self, service: str) -> str:
        """The image of a service."""
        return str(self.services[service].get("image") or f"{self.name}-{service}")

    def hashes(self) -> dict[str, str]:
        """Of each service the hash by which Compose knows whether its container is as configured."""
        done = looked(*COMPOSE, "config", "--hash=*", directory=self.root, environment=self.settings)
        pairs = (line.split() for line in (done.stdout if done and not done.returncode else "").splitlines())
        return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}  # noqa: PLR2004  a name and its hash

    def run(self, *words: str, tell: Callable[[str], None], stop: threading.Event) -> None:
        """Run a command of Compose on the project; `stop` and errors as `programs.run`."""
        run((*COMPOSE, *words), tell, stop, directory=self.root, environment=self.settings)

    def up(self, tell: Callable[[str], None], stop: threading.Event, given: Mapping[str, Any] | None = None) -> None:
        """Have the containers as configured, and wait until they are healthy; `stop` and errors as `programs.run`.

        Args:
            given: A configuration in place of the files'.
        """
        words = ["up", "--detach", "--no-build", "--wait", f"--wait-timeout={PATIENCE}"]
        if given is None:
            self.run(*words, tell=tell, stop=stop)
            return
        words = [*COMPOSE, f"--project-directory={self.root}", f"--project-name={self.name}", "--file=-", *words]
        run(words, tell, stop, directory=self.root, given=json.dumps(given))


def read(root: Path, settings: Mapping[str, str]) -> Project:
    """Resolve the project's files.

    Raises:
        ProgramFailed: Compose cannot make sense of them.
    """
    done = looked(*COMPOSE, "config", "--format=json", directory=root, environment=settings)
    if done is None or done.returncode:
        said = redact_text((done.stderr if done else "").strip()[-500:]) or "it said nothing"
        raise ProgramFailed(f"Docker Compose cannot read docker-compose.yml: {said}", "Put that right and ask again.")
    return Project(root, settings, json.loads(done.stdout))


def containers(name: str) -> list[Container]:
    """The containers of a project, in no order; none where it is not there, or no engine answers."""
    ids = (output("docker", "ps", "--all", "--quiet", f"--filter=label={_PROJECT}={name}") or "").split()
    found = json.loads(output("docker", "inspect", *ids) or "[]") if ids else []
    return [_container(one) for one in found if (one["Config"].get("Labels") or {}).get(_SERVICE)]


def _container(found: Mapping[str, Any]) -> Container:
    config, state = found["Config"], found["State"]
    health = state.get("Health") or {}
    bound = (found["HostConfig"].get("PortBindings") or {}).values()
    ports = [int(one["HostPort"]) for several in bound for one in several or [] if one.get("HostPort")]
    return Container(
        name=found["Name"].lstrip("/"),
        service=config["Labels"][_SERVICE],
        image=config["Image"],
        image_id=found["Image"],
        state=state["Status"],
        health=health.get("Status", ""),
        check=next((str(one.get("Output") or "") for one in reversed(health.get("Log") or [])), ""),
        exit_code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=int(found.get("RestartCount") or 0),
        config_hash=config["Labels"].get(_HASH, ""),
        port=next(iter(ports), None),
        environment=dict(pair.partition("=")[::2] for pair in config.get("Env") or []),
    )


def image_id(name: str) -> str | None:
    """The id of an image in this machine's engine; None where it has none of that name."""
    found = output("docker", "image", "inspect", "--format={{.Id}}", name)
    return found.strip() if found else None


def as_it_was(project: Project, former: Sequence[Container]) -> dict[str, Any]:
    """The configuration that brings containers back as they were: their images and their environment."""
    config: dict[str, Any] = json.loads(json.dumps(project.config))
    for container in former:
        service = config["services"].get(container.service)
        if service is None:
            continue
        same = image_id(container.image) == container.image_id
        service["image"] = container.image if same else container.image_id
        service["pull_policy"] = "never"
        # A dollar sign would be taken for a variable's.
        service["environment"] = {
            key: value.replace("$", "$$")
            for key, value in container.environment.items()
            if key in (service.get("environment") or {})
        }
    return config


def explain(name: str) -> str:
    """Which container of a project is not up, why, and what it said last, in a clause; empty where all are."""
    down = [container for container in containers(name) if not container.up]
    if not down:
        return ""
    worst = min(down, key=_rank)
    end = f"; its last lines: {said}" if (said := last_lines(worst.name)) else ""
    return f"container {worst.name} {_how(worst)}{end}"


def _rank(container: Container) -> int:
    """The one that failed first: those that wait for it were never started."""
    if container.out_of_memory or container.state in {"restarting", "dead"} or container.exit_code:
        return 0
    if container.health == "unhealthy" or container.restarts:
        return 1
    return 2 if container.state == "exited" else 3


def _how(container: Container) -> str:
    if container.out_of_memory:
        return "was killed for using more memory than it may"
    again = f" and was started {container.restarts + 1} times" if container.restarts else ""
    if container.state in {"exited", "dead", "restarting"}:
        return f"ended with exit code {container.exit_code}{again}"
    if container.state == "running" and again:
        return f"ended{again}"
    if container.state == "running":
        check = f": its health check says {said}" if (said := _line(container.check)) else ""
        return f"runs and is {container.health}{check}"
    return f"is {container.state}"


def _line(text: str) -> str:
    return redact_text(" ".join(text.split()))[:LINE]


def last_lines(container: str) -> str:
    """The last lines that a container wrote, bounded and redacted, the one that says what is wrong first."""
    from mcp_tools.diagnosis.logs.digest import digest

    done = looked("docker", "logs", "--tail=50", container)
    raw = f"{done.stdout}\n{done.stderr}" if done else ""
    lines = [line for line in redact_text(raw).splitlines() if line.strip()]
    first = digest(lines).first_error
    told = [line.strip()[:LINE] for line in lines[-LINES:]]
    if first and not any(first.text[:LINE] in line for line in told):
        told.insert(0, first.text[:LINE])
    return " | ".join(told)

"""Running an image as a new container, taken away again where it does not come up."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.model import ABSENT, FieldChange, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker.containers import Container, every
from mcp_tools.docker.engine import Api, context_name, engine
from mcp_tools.docker.images import find_image
from mcp_tools.docker.lifecycle import WORK_SECONDS, reference
from mcp_tools.docker.registry import fetch, full_name
from mcp_tools.docker.watching import until_up
from mcp_tools.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mcp_tools.changes.model import Reporter

MADE_BY = "shipmate/run"
"""A label that tells the container that a change made from another one of its name."""
ITS_OWN = "the image's own"
RESTARTS = ("no", "always", "unless-stopped", "on-failure")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_PORT = re.compile(
    r"(?:(?:(?P<address>[\d.]+|\[[0-9a-f:]+\]):)?(?P<host>\d{1,5}):)?(?P<inside>\d{1,5})(?:/(?P<kind>tcp|udp))?"
)
_MOST = 65_535


@dataclass(frozen=True, slots=True)
class Run:
    """What to run.

    Attributes:
        ports: As `docker run --publish` takes them; one number is that port here, on the port that the image exposes.
        volumes: `NAME:/path` or `/directory/here:/path`, with `:ro` after it where it may only be read.
    """

    image: str
    name: str = ""
    command: Sequence[str] = ()
    ports: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: Sequence[str] = ()
    network: str = ""
    restart: str = ""


@dataclass(frozen=True, slots=True)
class _Port:
    host: str
    inside: str
    address: str = ""
    kind: str = "tcp"

    def __str__(self) -> str:
        return f"{f'{self.address}:' if self.address else ''}{self.host}:{self.inside or ITS_OWN}"


def run(asked: Run) -> Work:
    """Plan to run an image; it is pulled first where it is not here.

    Raises:
        UsageError: The name or a port is taken, or something is no name, port or path.
        NoEngine, ApiError: As `engine`.
    """
    image = full_name(asked.image)
    ports = [_port(text) for text in asked.ports]
    volumes = [_volume(text) for text in asked.volumes]
    with engine() as api:
        there = every(api)
        here = _here(api, image)
    ports = [_filled(port, image, here) for port in ports] if here else ports
    name = _name(asked, {one.name for one in there})
    _require_free(ports, there)
    mark = secrets.token_hex(4)
    body = _body(asked, image, volumes, mark)

    def prepare(reporter: Reporter) -> None:
        if not here:
            fetch(image, reporter)

    def carry_out(reporter: Reporter) -> None:
        with engine(WORK_SECONDS) as api:
            found = find_image(api, image)
            reporter(Progress(Phase.APPLYING, f"starting container {name}"))
            made = api.create_container_from_config(_with_ports(body, ports, found), name)["Id"]
            api.start(made)
            until_up(api, made, name, reporter)

    def take_back(_: Reporter) -> str:
        with engine(WORK_SECONDS) as api:
            made = [one for one in every(api) if one.labels.get(MADE_BY) == mark]
            for one in made:
                api.remove_container(one.id, force=True, v=True)
        return "the container was taken away again" if made else "no container was made"

    return Work(
        "docker_run",
        f"Run {image} as container {name}{f' on port {_listed(ports)}' if ports else ''}",
        context_name(),
        reference(name),
        tuple(_changes(asked, image, ports)),
        exists=False,
        carry_out=heeding(carry_out),
        take_back=heeding(take_back),
        prepare=heeding(prepare),
        arguments={"container": name, "image": image},
        notes=tuple(_notes(volumes, here=here is not None)),
        back={"do": "remove", "name": name, "mark": mark},
    )


def _name(asked: Run, taken: set[str]) -> str:
    if asked.name:
        if not _NAME.fullmatch(asked.name):
            raise UsageError(f"{asked.name!r} is no name of a container.", "Use letters, digits, _ . and -.")
        if asked.name in taken:
            raise UsageError(
                f"There is a container {asked.name} already.", "Remove it first, or give the new one another name."
            )
        return asked.name
    base = asked.image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return base if base not in taken else f"{base}-{secrets.token_hex(2)}"


def _port(text: str) -> _Port:
    found = _PORT.fullmatch(text.strip())
    numbers = [int(found[part]) for part in ("host", "inside") if found[part]] if found else []
    if found is None or not all(1 <= number <= _MOST for number in numbers):
        raise UsageError(f"{text!r} is no port to publish.", "Give it as 8080:80: here, then inside.")
    if not found["host"]:
        return _Port(found["inside"], "", "", found["kind"] or "tcp")
    return _Port(found["host"], found["inside"], found["address"] or "", found["kind"] or "tcp")


def _volume(text: str) -> str:
    source, _, rest = text.partition(":")
    inside, _, mode = rest.partition(":")
    if not source or not inside.startswith("/") or mode not in {"", "ro", "rw"}:
        raise UsageError(f"{text!r} is no volume.", "Give it as NAME:/path or /directory:/path, with :ro at the end.")
    if source.startswith((".", "~")):
        return f"{Path(source).expanduser().resolve()}:{rest}"
    return text


def _require_free(ports: Sequence[_Port], there: Sequence[Container]) -> None:
    for port in ports:
        for one in there:
            taken = {text.partition("/")[0].split(":")[-2] for text in one.ports}
            if one.state == "running" and port.host in taken:
                raise UsageError(
                    f"Port {port.host} is taken by container {one.name}.",
                    f"Publish another one, such as {int(port.host) + 1}, or stop {one.name}.",
                )


def _here(api: Api, image: str) -> dict[str, Any] | None:
    try:
        return find_image(api, image)
    except NotFound:
        return None


def _filled(port: _Port, name: str, image: Mapping[str, Any]) -> _Port:
    """The port with the one that the image exposes, where none was named.

    Raises:
        UsageError: It exposes none, or several.
    """
    if port.inside:
        return port
    exposed = list((image.get("Config") or {}).get("ExposedPorts") or {})
    if len(exposed) != 1:
        has = ", ".join(exposed) or "none"
        raise UsageError(f"Which port of {name} is meant? It exposes {has}.", f"Give it as {port.host}:80.")
    inside, _, kind = exposed[0].partition("/")
    return replace(port, inside=inside, kind=kind or "tcp")


def _body(asked: Run, image: str, volumes: Sequence[str], mark: str) -> dict[str, Any]:
    if asked.restart and asked.restart not in RESTARTS:
        raise UsageError(f"{asked.restart!r} is no restart policy.", f"There are: {', '.join(RESTARTS)}.")
    host: dict[str, Any] = {"Binds": list(volumes), "RestartPolicy": {"Name": asked.restart or "no"}}
    if asked.network:
        host["NetworkMode"] = asked.network
    return {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in asked.env.items()],
        "Labels": {MADE_BY: mark},
        "HostConfig": host,
        **({"Cmd": list(asked.command)} if asked.command else {}),
    }


def _with_ports(body: Mapping[str, Any], ports: Sequence[_Port], image: Mapping[str, Any]) -> dict[str, Any]:
    """The request with its ports; errors as `_filled`."""
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in (_filled(port, body["Image"], image) for port in ports):
        bindings.setdefault(f"{port.inside}/{port.kind}", []).append({"HostIp": port.address, "HostPort": port.host})
    opened: dict[str, Any] = {inside: {} for inside in bindings}
    return {**body, "ExposedPorts": opened, "HostConfig": {**body["HostConfig"], "PortBindings": bindings}}


def _changes(asked: Run, image: str, ports: Sequence[_Port]) -> list[FieldChange]:
    changes = [FieldChange(("image",), ABSENT, image)]
    if asked.command:
        changes.append(FieldChange(("command",), ABSENT, list(asked.command)))
    changes += [FieldChange(("port",), ABSENT, str(port)) for port in ports]
    changes += [FieldChange(("env", name), ABSENT, value) for name, value in asked.env.items()]
    changes += [FieldChange(("volume",), ABSENT, text) for text in asked.volumes]
    changes += [
        FieldChange((name,), ABSENT, value)
        for name, value in (("network", asked.network), ("restart policy", asked.restart))
        if value
    ]
    return changes


def _notes(volumes: Sequence[str], *, here: bool) -> list[str]:
    notes = [] if here else ["The image is not here: it is pulled first."]
    for text in volumes:
        source = text.partition(":")[0]
        if source.startswith("/"):
            may = "read" if text.endswith(":ro") else "read and change"
            notes.append(f"It may {may} {source} of this machine.")
        if source.endswith("docker.sock"):
            notes.append("With the engine's socket it can do on this machine whatever root can.")
    return notes


def _listed(ports: Sequence[_Port]) -> str:
    return ", ".join(map(str, ports))

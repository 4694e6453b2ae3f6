"""The containers of the engine: listed in one call, and found by the words that people use for them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.engine import engine
from mcp_tools.errors import Ambiguous, NotFound
from mcp_tools.reads.answer import Answer, clip, count, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp_tools.docker.engine import Api

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
ROWS = 100
WIDTH = 60
RESTARTING = 10
"""How many containers that are being restarted are asked how often: the list does not say."""
SHORT_ID = 12
_EXITED = re.compile(r"\((\d+)\)")
_ENDED = {0, 143}
"""Exit codes of a program that was done, or was asked to end (SIGTERM)."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container, as the list has it.

    Attributes:
        state: created, running, paused, restarting, removing, exited or dead.
        status: The same in the engine's words, with since when, exit code and health.
        ports: As `docker run --publish` takes them: `8080:80`, `127.0.0.1:53:53/udp`.
    """

    id: str
    name: str
    image: str
    image_id: str
    state: str
    status: str
    ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"container {self.name}"

    @property
    def target(self) -> str:
        """As answers and the journal name it."""
        return f"container/{self.name}"

    @property
    def project(self) -> str:
        """The Compose project; empty where it is of none."""
        return self.labels.get(PROJECT, "")

    @property
    def service(self) -> str:
        """The service in it."""
        return self.labels.get(SERVICE, "")

    @property
    def exit_code(self) -> int | None:
        """Of one that has ended."""
        found = _EXITED.search(self.status) if self.state in {"exited", "dead", "restarting"} else None
        return int(found[1]) if found else None

    @property
    def trouble(self) -> bool:
        """Whether it is not as a container should be."""
        failed = self.state == "exited" and self.exit_code not in _ENDED
        return failed or self.state in {"restarting", "dead"} or "(unhealthy)" in self.status


def every(api: Api) -> list[Container]:
    """All containers, those that do not run included."""
    return [_container(row) for row in api.containers(all=True)]


def find(api: Api, word: str) -> Container:
    """The container of a name, an id or a Compose service.

    Raises:
        NotFound: There is none; carries names that come close.
        Ambiguous: Several fit.
    """
    there = every(api)
    word = word.strip().removeprefix("/").removeprefix("container/")
    exact = [one for one in there if word in {one.name, one.id}]
    ids = [one for one in there if re.fullmatch(r"[0-9a-f]{4,64}", word) and one.id.startswith(word)]
    services = [one for one in there if one.service == word]
    for found in (exact, ids, services):
        if len(found) == 1:
            return found[0]
        if found:
            names = tuple(sorted(one.name for one in found))
            raise Ambiguous(f"{word!r} is {count(len(names), 'container')}: {listed(list(names))}.", "Name one.", names)
    there_are = [one.name for one in there]
    near = tuple(
        difflib.get_close_matches(word, there_are, 5, 0.6)
        or sorted(name for name in there_are if word and word in name)[:5]
    )
    hint = f"Close to it: {listed(list(near))}." if near else "`docker ps` lists those that are there."
    raise NotFound(f"There is no container {word!r} on this machine's Docker engine.", hint, near)


def list_containers(*, running_only: bool = False, project: str | None = None) -> Answer:
    """List the containers, those in trouble first.

    Returns:
        `total`, `counts` by state, `columns` and `rows` (at most 100; columns that would be empty are left out).

    Raises:
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        there = [one for one in every(api) if project is None or one.project == project]
        if running_only:
            there = [one for one in there if one.state == "running"]
        again = [one for one in there if one.state == "restarting"][:RESTARTING]
        restarts = {one.id: api.inspect_container(one.id).get("RestartCount", 0) for one in again}
    there.sort(key=lambda one: (not one.trouble, one.state != "running", one.name))
    table = {
        "name": [one.name for one in there],
        "image": [clip(one.image, WIDTH) for one in there],
        "status": [one.status or one.state for one in there],
        "restarts": [restarts.get(one.id, "") for one in there],
        "ports": [", ".join(one.ports) for one in there],
        "project": [one.project for one in there],
    }
    columns = [name for name, cells in table.items() if name == "name" or any(cell != "" for cell in cells)]
    rows = [list(row) for row in zip(*(table[name] for name in columns), strict=True)]
    counts = dict(Counter(one.state for one in there).most_common())
    data = {"total": len(there), "counts": counts, "columns": columns, "rows": rows[:ROWS]}
    return Answer(_sentence(there, counts, project), data)


def projects() -> Answer:
    """The Compose projects that have containers.

    Returns:
        `projects`: `name`, `running`, `total`, `services`, `directory`, `files`, `trouble` (names of containers).

    Raises:
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        there = [one for one in every(api) if one.project]
    found: dict[str, list[Container]] = {}
    for one in there:
        found.setdefault(one.project, []).append(one)
    told = [_project(name, found[name]) for name in sorted(found)]
    summary = f"{count(len(told), 'Compose project')}: {listed([one['name'] for one in told])}." if told else ""
    return Answer(summary or "No Compose project has containers here.", {"projects": told[:ROWS]})


def published(ports: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Ports of the engine's list that lead into a container, each once: the same again for IPv6 is left out."""
    seen: dict[str, None] = {}
    for port in sorted(ports, key=lambda one: (one.get("PublicPort") or 0, one.get("PrivatePort") or 0)):
        if not port.get("PublicPort"):
            continue
        address = port.get("IP", "")
        where = f"{address}:" if address not in {"", "0.0.0.0", "::"} else ""  # noqa: S104
        kind = f"/{port['Type']}" if port.get("Type", "tcp") != "tcp" else ""
        seen[f"{where}{port['PublicPort']}:{port['PrivatePort']}{kind}"] = None
    return tuple(seen)


def _container(row: Mapping[str, Any]) -> Container:
    names = sorted(row.get("Names") or [row["Id"][:SHORT_ID]], key=lambda name: name.count("/"))
    return Container(
        row["Id"],
        names[0].removeprefix("/"),
        row.get("Image", ""),
        row.get("ImageID", ""),
        row.get("State", ""),
        row.get("Status", ""),
        published(row.get("Ports") or ()),
        row.get("Labels") or {},
    )


def _project(name: str, of_it: list[Container]) -> dict[str, Any]:
    labels = of_it[0].labels
    return {
        "name": name,
        "running": sum(one.state == "running" for one in of_it),
        "total": len(of_it),
        "services": sorted({one.service for one in of_it if one.service}),
        "directory": labels.get(f"{PROJECT}.working_dir", ""),
        "files": labels.get(f"{PROJECT}.config_files", "").split(","),
        "trouble": sorted(one.name for one in of_it if one.trouble),
    }


def _sentence(there: list[Container], counts: Mapping[str, int], project: str | None) -> str:
    where = f" of the Compose project {project}" if project else ""
    if not there:
        return f"No containers{where} on this machine's Docker engine."
    parts = ", ".join(f"{number} {state}" for state, number in counts.items())
    bad = [one.name for one in there if one.trouble]
    wrong = f" In trouble: {listed(bad)}." if bad else ""
    return f"{count(len(there), 'container')}{where}: {parts}.{wrong}"

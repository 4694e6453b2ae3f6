"""Which agents there are: the user's own, and those that come with Shipmate."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.agents.definition import AgentProblem, read
from mcp_tools.errors import NotFound

if TYPE_CHECKING:
    from assistant.agents.definition import AgentDefinition, AgentFile


@dataclass(frozen=True, slots=True)
class Agents:
    """What was found.

    Attributes:
        files: By name, in order; the user's own stand before a shipped one of the same name.
        problems: Files that are no agent, each with its error.
    """

    files: dict[str, AgentFile]
    problems: tuple[AgentProblem, ...]

    def get(self, name: str) -> AgentDefinition:
        """An agent by its name.

        Raises:
            NotFound: There is none.
            AgentProblem: Its file cannot be used.
        """
        wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
        if wanted in self.files:
            return self.files[wanted].definition
        for problem in self.problems:
            if f"{wanted}.y" in problem.message:
                raise problem
        near = tuple(difflib.get_close_matches(wanted, self.files, 3))
        raise NotFound(
            f"There is no agent {name!r}.", f"There are: {', '.join(self.files) or 'none'}.", candidates=near
        )

    def specialists(self) -> list[AgentDefinition]:
        """Those that the chat may hand over to."""
        return [file.definition for file in self.files.values() if file.definition.specialist]

    def scheduled(self) -> list[AgentDefinition]:
        """Those that run by the clock."""
        return [file.definition for file in self.files.values() if file.definition.schedule]


def agents() -> Agents:
    """Read all of them; a file that cannot be used is told and hides nothing else."""
    found: dict[str, AgentFile] = {}
    problems: list[AgentProblem] = []
    for folder in (users_dir(), shipped_dir()):
        for path in sorted(folder.glob("*.y*ml")) if folder else ():
            try:
                file = read(path)
            except AgentProblem as problem:
                problems.append(problem)
            else:
                found.setdefault(file.definition.name, file)
    return Agents(dict(sorted(found.items())), tuple(problems))


def users_dir() -> Path:
    """Where the user's own are (`$XDG_CONFIG_HOME/shipmate/agents`); it need not exist."""
    from mcp_tools.paths import config_file

    return config_file().parent / "agents"


def shipped_dir() -> Path | None:
    """Those that come with Shipmate, inside an installed package or in a checkout; None where they are missing."""
    here = Path(__file__).resolve()
    candidates = (here.parent / "shipped", here.parents[2] / "agents")
    return next((place for place in candidates if place.is_dir()), None)

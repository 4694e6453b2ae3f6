"""Which runbooks there are: the user's own, and those that come with Shipmate."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.errors import NotFound
from mcp_tools.runbooks.model import RunbookProblem
from mcp_tools.runbooks.parsing import read

if TYPE_CHECKING:
    from mcp_tools.runbooks.model import Runbook


@dataclass(frozen=True, slots=True)
class Library:
    """What was found.

    Attributes:
        runbooks: By name, in order; the user's own stand before a shipped one of the same name.
        problems: Files that are no runbook, each with its error.
    """

    runbooks: dict[str, Runbook]
    problems: tuple[RunbookProblem, ...]

    def get(self, name: str) -> Runbook:
        """A runbook by its name.

        Raises:
            NotFound: There is none.
            RunbookProblem: Its file cannot be used.
        """
        wanted = name.strip().lower().replace(" ", "-").replace("_", "-")
        if wanted in self.runbooks:
            return self.runbooks[wanted]
        for problem in self.problems:
            if f"{wanted}.md" in problem.message:
                raise problem
        near = tuple(difflib.get_close_matches(wanted, self.runbooks, 3))
        raise NotFound(
            f"There is no runbook {name!r}.", f"There are: {', '.join(self.runbooks) or 'none'}.", candidates=near
        )


def library() -> Library:
    """Read all of them; a file that cannot be used is told and hides nothing else."""
    found: dict[str, Runbook] = {}
    problems: list[RunbookProblem] = []
    for folder in (users_dir(), shipped_dir()):
        for path in sorted(folder.glob("*.md")) if folder else ():
            if path.name == "README.md":
                continue
            try:
                runbook = read(path)
            except RunbookProblem as problem:
                problems.append(problem)
            else:
                found.setdefault(runbook.name, runbook)
    return Library(dict(sorted(found.items())), tuple(problems))


def users_dir() -> Path:
    """Where the user's own are (`$XDG_CONFIG_HOME/shipmate/runbooks`); it need not exist."""
    from mcp_tools.paths import config_file

    return config_file().parent / "runbooks"


def shipped_dir() -> Path | None:
    """Those that come with Shipmate, inside an installed package or in a checkout; None where they are missing."""
    here = Path(__file__).resolve()
    candidates = (here.parent / "shipped", here.parents[2] / "runbooks")
    return next((place for place in candidates if place.is_dir()), None)

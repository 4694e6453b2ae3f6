"""The kinds of failure: what a log shows of each, its cause in a sentence, and the patch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from mcp_tools.docker.dockerfile.bases import Family, base_of
from mcp_tools.docker.dockerfile.model import Look, insert, line_before

if TYPE_CHECKING:
    from mcp_tools.docker.building.log import BuildLog
    from mcp_tools.docker.dockerfile.edits import Edit
    from mcp_tools.docker.dockerfile.stages import Stage
    from mcp_tools.docker.dockerfile.syntax import Instruction

DEPTHS = ("machine", "specific", "wrapping", "general", "last")
"""How deep a kind lies: what the machine lacks explains what a tool says of it; a tool's own sum of it comes later."""


@dataclass(frozen=True)
class Case:
    """A failure in its surroundings.

    Attributes:
        look: The Dockerfile and its context; None where only the log is known.
        instruction: What failed.
        stage: Where it stands.
        match: What the kind's pattern found, in `text`, the line of the log.
    """

    log: BuildLog
    look: Look | None
    instruction: Instruction | None
    stage: Stage | None
    match: re.Match[str]
    text: str

    @property
    def family(self) -> Family:
        """The distribution of the stage's base."""
        return base_of(self.stage.root).family if self.stage else "unknown"

    @cached_property
    def command(self) -> str:
        """What was run, on one line."""
        if self.instruction:
            return self.instruction.value.text
        return self.log.failed.title if self.log.failed else ""

    def group(self, name: str) -> str:
        """A part of what was found; empty where there is none."""
        return (self.match.groupdict().get(name) or "").strip("'\"`,:; ").rstrip(".")

    def also(self, pattern: str) -> re.Match[str] | None:
        """The first line of the failure that fits another pattern."""
        found = re.compile(pattern)
        return next((match for line in self.log.lines if (match := found.search(line))), None)

    @property
    def as_root(self) -> bool:
        """Whether the instruction runs as root."""
        if self.stage is None or self.instruction is None:
            return True
        line = self.instruction.line
        users = [
            one for one in self.stage.whole if one.keyword == "USER" and (one not in self.stage.body or one.line < line)
        ]
        return not users or self.stage.said(users[-1]).partition(":")[0].strip() in {"root", "0"}


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a failure.

    Attributes:
        cause: A clause, without a full stop.
        advice: What to do, a sentence.
        line: Of the Dockerfile, where it is another than the failed instruction's.
    """

    cause: str
    advice: str
    edits: tuple[Edit, ...] = ()
    line: int | None = None


Explain = Callable[[Case], Told | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of failure; `explain` gives None where a line only looks like it."""

    id: str
    title: str
    depth: str
    patterns: tuple[re.Pattern[str], ...]
    explain: Explain = field(repr=False)


EXPLAINED: dict[str, Explain] = {}


def explains(id_: str) -> Callable[[Explain], Explain]:
    """Register what is made of a kind's line, where sentences with parts of it do not do."""

    def register(explain: Explain) -> Explain:
        EXPLAINED[id_] = explain
        return explain

    return register


def sentences(cause: str, advice: str) -> Explain:
    """Sentences that take parts of the line: `{name}` is the pattern's group of that name, empty where it has none."""

    def explain(case: Case) -> Told:
        groups = _Groups({name: case.group(name) for name in case.match.groupdict()})
        return Told(" ".join(cause.format_map(groups).split()), advice.format_map(groups))

    return explain


class _Groups(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def installing(case: Case, debian: str, alpine: str) -> tuple[Edit, ...]:
    """The patch that installs packages before the failed instruction; none where it cannot be known how."""
    packages = {"debian": debian, "alpine": alpine}.get(case.family, "")
    found = case.instruction
    if not packages or case.look is None or case.stage is None or found is None or not case.as_root:
        return ()
    verbs = {"debian": ("apt-get", "install"), "alpine": ("apk", "add")}[case.family]
    for run, command in case.look.runs(case.stage):
        there = command.name == verbs[0] and verbs[1] in command.arguments
        if there and run.line <= found.line and run.json is None and not run.heredocs:
            return (insert(command.end, f" {packages}"),)
    if found not in case.stage.body:
        return ()
    if case.family == "alpine":
        return (line_before(found, f"RUN apk add --no-cache {packages}"),)
    clean = "&& rm -rf /var/lib/apt/lists/*"
    return (line_before(found, f"RUN apt-get update && apt-get install -y --no-install-recommends {packages} {clean}"),)


def swapped(case: Case, old: str, new: str, where: Iterable[Instruction] = ()) -> tuple[Edit, ...]:
    """A word of the failed instruction, or of the first of some others that has it, replaced at its own place."""
    from mcp_tools.docker.dockerfile.model import replace

    for found in (*where, *([case.instruction] if case.instruction else [])):
        at = re.search(rf"(?<![\w./-]){re.escape(old)}(?![\w-])", found.text)
        if at:
            return (replace(found.start + at.start(), found.start + at.end(), new),)
    return ()

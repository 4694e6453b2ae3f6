"""What a rule finds, and what it may look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from mcp_tools.docker.dockerfile.edits import DOCKERFILE, Edit
from mcp_tools.docker.dockerfile.shell import Command, commands_of
from mcp_tools.docker.dockerfile.stages import Layout, Stage, stages_of

if TYPE_CHECKING:
    from mcp_tools.docker.dockerfile.context import Context
    from mcp_tools.docker.dockerfile.syntax import Dockerfile, Instruction

Level = Literal["high", "medium", "low"]
ORDER: Mapping[str, int] = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """What could be better at one place.

    Attributes:
        code: Of the rule.
        line: In the Dockerfile, from 1; 0 where it is of the whole.
        reason: A sentence that says what comes of it.
        bytes: What the image or the context would be smaller by, where that was measured or is known.
        repeats: What every build after a change does again, in words.
        edits: The patch; none where there is no safe one.
        risk: How likely the patch breaks a build or the program, 0 to 3; the riskiest is given up first.
        source: `shipmate` or `hadolint`.
    """

    code: str
    level: Level
    line: int
    title: str
    reason: str
    bytes: int | None = None
    repeats: str = ""
    edits: tuple[Edit, ...] = ()
    risk: int = 0
    source: str = "shipmate"


@dataclass(frozen=True)
class Look:
    """A Dockerfile with what it is built from.

    Attributes:
        sizes: The images of this machine's engine with their bytes, by name; empty where it was not asked.
        ignore_text: What `.dockerignore` says; None where there is none.
    """

    file: Dockerfile
    context: Context
    build_args: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    ignore_text: str | None = None

    @cached_property
    def layout(self) -> Layout:
        """Its stages."""
        return stages_of(self.file, self.build_args)

    @property
    def final(self) -> Stage | None:
        """The stage that becomes the image."""
        return self.layout.final

    @cached_property
    def commands(self) -> Mapping[int, tuple[Command, ...]]:
        """What each instruction runs, by its line."""
        runs = {"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"}
        return {one.line: commands_of(one) for one in self.file.instructions if one.keyword in runs}

    def runs(self, stage: Stage) -> Iterator[tuple[Instruction, Command]]:
        """The commands of a stage's own RUNs, in order."""
        for found in stage.body:
            if found.keyword == "RUN":
                for command in self.commands[found.line]:
                    yield found, command

    @cached_property
    def shipped(self) -> tuple[Stage, ...]:
        """The stages whose layers are in the image: the last one and those that it is built from."""
        stages, one = [], self.final
        while one:
            stages.append(one)
            one = one.parent
        return tuple(reversed(stages))


Rule = Callable[[Look], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Named:
    """A rule of the registry.

    Attributes:
        same_as: The rules of hadolint that find the same.
    """

    code: str
    title: str
    level: Level
    same_as: tuple[str, ...]
    find: Rule


RULES: list[Named] = []


def rule(code: str, title: str, level: Level, *same_as: str) -> Callable[[Rule], Rule]:
    """Register a rule; its docstring says where it comes from."""

    def register(find: Rule) -> Rule:
        RULES.append(Named(code, title, level, same_as, find))
        return find

    return register


def finding(
    line: int,
    reason: str,
    *edits: Edit,
    bytes: int | None = None,  # noqa: A002  the unit is the name
    repeats: str = "",
    risk: int = 0,
) -> Finding:
    """A finding of the rule that yields it, which gives it code, title and level."""
    return Finding("", "low", line, "", reason, bytes, repeats, tuple(edits), risk)


def replace(start: int, end: int, new: str) -> Edit:
    """An edit of the Dockerfile."""
    return Edit(DOCKERFILE, start, end, new)


def insert(at: int, new: str) -> Edit:
    """An edit of the Dockerfile that only adds."""
    return Edit(DOCKERFILE, at, at, new)


def line_before(found: Instruction, new: str) -> Edit:
    """A line in front of an instruction."""
    return insert(found.start, f"{found.indent}{new}\n")


def line_after(found: Instruction, new: str) -> Edit:
    """A line behind an instruction, also where the file ends without a line end."""
    return insert(found.end, f"{new}\n" if found.text.endswith("\n") else f"\n{new}")


def remove(found: Instruction) -> Edit:
    """An instruction taken away."""
    return replace(found.start, found.end, "")

"""What a runbook is: parameters, and steps that call a tool, hold its answer against conditions and know what next."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mcp_tools.errors import UsageError

RANDOM = "random"
"""The default of a secret that is made up where none is given."""
Scalar = str | int | float | bool | None


class RunbookProblem(UsageError):
    """A runbook cannot be used as it is written."""

    code = "runbook"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Parameter(_Strict):
    """What differs from run to run. Without a default it has to be given; a default of null leaves arguments out."""

    type: Literal["string", "integer", "boolean", "secret"] = Field(
        default="string", description="a secret is never shown, kept, or typed on a command line"
    )
    description: str = Field(min_length=1, description="what it is, for whoever has to give it")
    default: str | int | bool | None = Field(default=None, description="`random` for a secret makes one up")
    choices: list[str] = Field(default=[], description="the only values of a string")
    minimum: int | None = Field(default=None, description="of an integer")
    maximum: int | None = Field(default=None, description="of an integer")

    @property
    def required(self) -> bool:
        """Whether a run cannot do without it."""
        return "default" not in self.model_fields_set


class FrontMatter(_Strict):
    """The head of a runbook's file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$", description="as it is run; the file's name without `.md`")
    description: str = Field(min_length=1, max_length=200, description="one line for the list")
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")], Parameter] = Field(
        default={}, description="by name; the first is what `for NAME` in a sentence gives"
    )


class Operator(enum.Enum):
    """How a value is held against another."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    CONTAINS = "contains"
    LACKS = "lacks"
    EMPTY = "empty"
    NOT_EMPTY = "not_empty"

    @property
    def alone(self) -> bool:
        """Whether it takes no value."""
        return self in {Operator.EMPTY, Operator.NOT_EMPTY}


class Condition(_Strict):
    """One thing that must hold of a tool's answer."""

    path: str = Field(min_length=1, max_length=200, description="where in the answer's data, a JMESPath expression")
    operator: Operator = Field(description="how it is held against the value")
    value: Scalar = Field(default=None, description="what it is held against; none for `empty` and `not_empty`")

    @model_validator(mode="after")
    def _whole(self) -> Condition:
        if self.operator.alone is ("value" in self.model_fields_set):
            raise ValueError(f"operator {self.operator.value} takes {'no' if self.operator.alone else 'a'} value")
        return self


class Call(_Strict):
    """A call of a tool."""

    tool: str = Field(description="its name, as in docs/TOOLS.md")
    arguments: dict[str, Any] = Field(default={}, description="`{{ name }}` stands for a parameter")


class OnFailure(enum.Enum):
    """What is done when a step or its check fails."""

    STOP = "stop"
    """What was done stands, and it is said how to take it back."""
    CONTINUE = "continue"
    UNDO = "undo"
    """What the run changed is put back, the newest change first."""


class Block(Call):
    """The fenced block of a step."""

    check: Call | None = Field(default=None, description="a second look, whose answer `expect` is about")
    expect: list[Condition] = Field(default=[], description="what must hold afterwards: all of it")
    within: Annotated[float, Field(ge=0, le=600)] = Field(
        default=0, description="seconds that a check may take to hold; it is asked again until then"
    )
    on_failure: OnFailure = Field(default=OnFailure.STOP, description="`stop`, `continue` or `undo`")


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """One numbered step.

    Attributes:
        title: Its first sentence.
        line: Where it begins in the file, from 1 on.
    """

    number: int
    title: str
    line: int
    block: Block


@dataclass(frozen=True, slots=True)
class Runbook:
    """A procedure.

    Attributes:
        text: The Markdown below the front matter.
        source: Its file.
    """

    name: str
    description: str
    parameters: dict[str, Parameter]
    steps: tuple[RunbookStep, ...]
    text: str
    source: Path

    @property
    def title(self) -> str:
        """Its heading, else its name."""
        first = self.text.strip().partition("\n")[0]
        return first.removeprefix("# ").strip() if first.startswith("# ") else self.name

"""What an agent is: its file, checked."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mcp_tools.changes.policy import Policy
from mcp_tools.errors import UsageError
from mcp_tools.mandate import Approval, Mandate

if TYPE_CHECKING:
    from pathlib import Path

LOOKING = "looking"
"""Stands for all tools that only look."""
MOST_BYTES = 100_000
Sentence = Annotated[str, Field(min_length=1, max_length=500)]


class AgentProblem(UsageError):
    """An agent's file cannot be used as it is written."""

    code = "agent"


class Limits(BaseModel):
    """Where a run with a model ends at the latest."""

    model_config = ConfigDict(extra="forbid")

    turns: int = Field(default=16, ge=1, le=100, description="requests to the model in one run")
    tokens: int = Field(default=150_000, ge=1000, le=10_000_000, description="read and written in one run, together")


class AgentDefinition(BaseModel):
    """A file in `agents`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,40}$", description="as it is run; the file's name without `.yaml`")
    description: str = Field(min_length=1, max_length=200, description="one line, by which the chat hands over")
    instructions: str = Field(
        min_length=1, max_length=20_000, description="what a model is told beside the house rules"
    )
    task: Sentence = Field(description="what a model is asked when nobody says a sentence")
    offline: list[Sentence] = Field(
        min_length=1, max_length=20, description="typed requests that do the same without a model"
    )
    tools: list[str] = Field(min_length=1, description="the tools it may use; `looking` for all that only look")
    approval: Approval = Field(
        default=Approval.REFUSE,
        description="`refuse` changes, `plan` them for the user to apply, or `ask` whoever is there",
    )
    policy: Policy = Field(
        default=Policy(),
        description="[as the user's](CONFIGURATION.md#policy), which it only narrows",
    )
    model: str | None = Field(default=None, description="`provider:name` or `offline`; left out, what the user has")
    namespace: str | None = Field(default=None, description="where it works; left out, the current one")
    schedule: str | None = Field(default=None, description="when, as cron writes it: minute hour day month weekday")
    specialist: bool = Field(default=False, description="the chat may hand over to it")
    limits: Limits = Field(default=Limits(), description="of turns and tokens in one run with a model")

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, value: str | None) -> str | None:
        if value is not None:
            from cronsim import CronSim, CronSimError

            try:
                # It searches fifty years ahead and no longer.
                next(CronSim(value, dt.datetime(2026, 1, 1)))  # noqa: DTZ001  cron means the clock on the wall
            except (CronSimError, StopIteration) as error:
                raise ValueError(f"{value!r} is no schedule that ever comes: {error}") from error
        return value

    @field_validator("tools")
    @classmethod
    def _are_tools(cls, value: list[str]) -> list[str]:
        from mcp_tools.tools.registry import BY_NAME

        if strange := [name for name in value if name != LOOKING and name not in BY_NAME]:
            raise ValueError(f"there is no tool {strange[0]!r}; there are {LOOKING}, {', '.join(BY_NAME)}")
        return value


@dataclass(frozen=True, slots=True)
class AgentFile:
    """An agent, and its file."""

    definition: AgentDefinition
    source: Path


def read(path: Path) -> AgentFile:
    """Read a file.

    Raises:
        AgentProblem: It cannot be read, or is no agent; says what.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > MOST_BYTES:
            raise AgentProblem(f"{path} is too large for an agent.", "docs/agents.md shows one.")
        given = yaml.safe_load(text)
        definition = AgentDefinition.model_validate(given if isinstance(given, dict) else {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AgentProblem(
            f"{path} cannot be read: {error}.", "Make it a YAML file; docs/agents.md shows one."
        ) from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors())
        raise AgentProblem(f"{path} is wrong: {problems}.", "docs/agents.md lists what it may hold.") from error
    if path.stem != definition.name:
        raise AgentProblem(f"{path} calls itself {definition.name!r}.", f"Name the file {definition.name}.yaml.")
    return AgentFile(definition, path)


def mandate_of(definition: AgentDefinition, *, attended: bool) -> Mandate:
    """What the agent may do.

    Args:
        attended: Somebody is there to be asked.
    """
    from mcp_tools.tools.registry import TOOLS

    looking = {tool.name for tool in TOOLS if tool.read_only} if LOOKING in definition.tools else set()
    tools = looking | (set(definition.tools) - {LOOKING})
    return Mandate(
        f"agent {definition.name}", frozenset(tools), definition.policy, definition.approval, attended=attended
    )

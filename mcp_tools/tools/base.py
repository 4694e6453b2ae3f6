"""What a tool is: a name, a description, a typed input, and one function that calls one operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_tools.errors import NotAllowed, UsageError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.changes.engine import Engine
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Approver, Reporter
    from mcp_tools.changes.operations import Request, Wanted
    from mcp_tools.changes.outside import Outside
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.forwarding import Forwards
    from mcp_tools.health.settings import HealthSettings
    from mcp_tools.monitoring.settings import AlertSettings
    from mcp_tools.monitoring.store import AlertStore
    from mcp_tools.reads.answer import Answer
    from mcp_tools.sizing.settings import Measuring
    from mcp_tools.stack.settings import StackSettings
    from mcp_tools.usage.store import UsageStore

SILENT = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems", "pattern"})
"""What is checked without being told: no model writes a name of 300 characters."""
LEAST, MOST = 1, 1000
"""Smallest and greatest values that go without saying: nobody asks for the port -1 or 70,000."""


class ToolInput(BaseModel):
    """The root of all inputs: unknown arguments are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def require_fitting(
    given: ToolInput, fitting: Mapping[str, AbstractSet[str]], needed: Mapping[str, Sequence[str]]
) -> None:
    """Hold the arguments of a tool with an `action` against those that go with it.

    Args:
        fitting: Which arguments each action takes.
        needed: Which of them it cannot do without.

    Raises:
        UsageError: One was given that would have to be left out, or one is missing.
    """
    action = str(given.action)  # type: ignore[attr-defined]
    said = {name for name in given.model_fields_set - {"action"} if getattr(given, name) not in (None, [], {}, False)}
    if strange := sorted(said - fitting[action]):
        takes = ", ".join(sorted(fitting[action])) or "nothing else"
        raise UsageError(f"Action {action} goes with no {' or '.join(strange)}.", f"It takes: {takes}.")
    if missing := [name for name in needed.get(action, ()) if name not in said]:
        raise UsageError(f"Action {action} needs {' and '.join(missing)}.", f"Give {' and '.join(missing)}.")


def require_here(path: str) -> None:
    """What a file holds is shown in a plan: a model must not have any file of the user's shown so.

    Raises:
        NotAllowed: It is hidden, or not below the working directory.
    """
    here, place = Path.cwd().resolve(), Path(path).expanduser().resolve()
    if not place.is_relative_to(here) or any(part.startswith(".") for part in place.relative_to(here).parts):
        raise NotAllowed(
            f"{path} is hidden, or not below the working directory {here}.",
            "Files are read from there only: start Shipmate in a directory above them.",
        )


class Hands(Protocol):
    """What a tool may use: one cluster, the way to change it, and the people to ask and tell.

    Each is made when a tool asks for it: looking at the journal needs no cluster.
    """

    @property
    def connection(self) -> Connection:
        """The cluster."""

    @property
    def engine(self) -> Engine:
        """The one way to change it."""

    @property
    def outside(self) -> Outside:
        """The one way to change what is outside of any cluster, on this machine."""

    def holder(self, plan_id: str) -> Engine | Outside:
        """Who carries out a plan that was kept."""

    def at(self, context: str, stack: StackSettings) -> Hands:
        """The same hands on another context of the kubeconfig, with its own settings for the todo stack."""

    @property
    def journal(self) -> Journal:
        """What was changed."""

    @property
    def forwards(self) -> Forwards:
        """The ports of this machine that lead to pods."""

    @property
    def local_files(self) -> bool:
        """Whether the files of this machine are the user's."""

    @property
    def stack(self) -> StackSettings:
        """What the user configured about the todo stack."""

    @property
    def alerting(self) -> AlertSettings:
        """What the user configured about alerts."""

    @property
    def alert_store(self) -> AlertStore:
        """The alerts that a monitor keeps, and the silences."""

    @property
    def health(self) -> HealthSettings:
        """What the user configured about health."""

    @property
    def usage(self) -> UsageStore:
        """What was measured over time."""

    @property
    def measuring(self) -> Measuring:
        """What the user configured about measuring and right-sizing."""

    @property
    def approver(self) -> Approver:
        """Whom to ask."""

    @property
    def reporter(self) -> Reporter:
        """Whom to tell."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One MCP tool.

    Attributes:
        handler: Takes the hands and an instance of `input_model`, gives an unredacted answer.
        read_only: It changes nothing.
        destructive: It may take something away that a person would miss.
        idempotent: Asking twice is asking once.
        looking: The values of its argument `action` with which it changes nothing.
        plan: Of a change that can be a step of a plan of several: from the cluster and the input to what is wanted.
    """

    name: str
    title: str
    description: str
    input_model: type[ToolInput]
    handler: Callable[[Hands, Any], Answer]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    looking: frozenset[str] = frozenset()
    plan: Callable[[Connection, Any], Wanted | Request] | None = None

    def looks(self, arguments: dict[str, Any]) -> bool:
        """Whether a call with these arguments changes nothing, as far as they tell."""
        return self.read_only or arguments.get("action") in self.looking

    def checked(self, arguments: dict[str, Any]) -> Any:
        """The arguments as an instance of `input_model`.

        Raises:
            UsageError: One is wrong, missing or unknown; values are redacted.
        """
        try:
            return self.input_model.model_validate(arguments)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'input'}: {e['msg']}" for e in error.errors())
            raise UsageError(f"The arguments of {self.name} are wrong: {redact_text(problems)}.", "") from error

    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the input, without what costs tokens and tells a model nothing."""
        schema = self.input_model.model_json_schema()
        parts = schema.get("$defs", {})
        properties = {name: _lean(prop, parts) for name, prop in schema.get("properties", {}).items()}
        lean: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if schema.get("required"):
            lean["required"] = schema["required"]
        return lean


def _lean(prop: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in prop.get("items", {}):
        part = parts[prop["items"]["$ref"].rpartition("/")[2]]
        inner = {name: _lean(given, parts) for name, given in part["properties"].items()}
        prop = {**prop, "items": {"type": "object", "properties": inner, "required": part["required"]}}
    choices = [choice for choice in prop.get("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        prop = {**{key: value for key, value in prop.items() if key != "anyOf"}, **choices[0]}
    # That a flag is off and a list is empty unless it is given goes without saying.
    silent = SILENT if prop.get("default") else SILENT | {"default"}
    return {key: value for key, value in prop.items() if key not in silent and not _goes_without_saying(key, value)}


def _goes_without_saying(key: str, value: Any) -> bool:
    return (key == "minimum" and value <= LEAST) or (key == "maximum" and value >= MOST)

"""What a tool is: a name, a description, a typed input, and one function that calls one operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from mcp_tools.changes.engine import Engine
    from mcp_tools.changes.journal import Journal
    from mcp_tools.changes.model import Approver, Reporter
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.reads.answer import Answer

SILENT = frozenset({"title", "minLength", "maxLength", "minItems", "maxItems"})
"""What is checked without being told: no model writes a name of 300 characters."""


class ToolInput(BaseModel):
    """The root of all inputs: unknown arguments are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


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
    def journal(self) -> Journal:
        """What was changed."""

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
    """

    name: str
    title: str
    description: str
    input_model: type[ToolInput]
    handler: Callable[[Hands, Any], Answer]
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False

    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the input, without what costs tokens and tells a model nothing."""
        schema = self.input_model.model_json_schema()
        properties = {name: _lean(prop) for name, prop in schema.get("properties", {}).items()}
        lean: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if schema.get("required"):
            lean["required"] = schema["required"]
        return lean


def _lean(prop: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in prop.get("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        prop = {**{key: value for key, value in prop.items() if key != "anyOf"}, **choices[0]}
    return {key: value for key, value in prop.items() if key not in SILENT and not (key == "default" and value is None)}

"""What the user configured about the todo stack: `[stack]` in config.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Environment = Literal["dev", "staging", "prod"]
NAMESPACE = "todo-app"
Registry = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.:/_-]*$")]


class StackSettings(BaseModel):
    """How images get to a cluster that is not this machine's own, and where the stack is reached."""

    model_config = ConfigDict(extra="forbid")

    registries: dict[Environment, Registry] = Field(
        default={},
        description="by environment (`dev`, `staging`, `prod`): where images are pushed and nodes pull them, such as "
        "`ghcr.io/me`",
    )
    load_command: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None,
        description="the words of a command that brings images onto the nodes where there is no registry; "
        "`{images}` stands for their names",
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+$",
        description="the address in the browser's address bar, which sign-in insists on; left out: found out",
    )

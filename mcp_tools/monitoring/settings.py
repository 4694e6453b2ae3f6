"""What the user configured about alerts: `[alerts]` in config.toml."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mcp_tools.paths import config_file


class AlertSettings(BaseModel):
    """Which rules there are beside the packaged ones."""

    model_config = ConfigDict(extra="forbid")

    rules: str | None = Field(
        default=None,
        min_length=1,
        description="a YAML file of rules that adds to the packaged ones and changes them, field by field; a relative "
        "path begins where `config.toml` is",
    )

    @property
    def rules_file(self) -> Path | None:
        """The file; None where none is named."""
        return config_file().parent / Path(self.rules).expanduser() if self.rules else None

"""What the user configures about agents."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MILLION = 1_000_000


class Price(BaseModel):
    """What a model costs, per million tokens, in the currency of `[agents]`."""

    model_config = ConfigDict(extra="forbid")

    input: float = Field(ge=0, description="a million tokens that it reads")
    output: float = Field(ge=0, description="a million tokens that it writes")

    def of(self, read: int, written: int) -> float:
        """The cost of so many tokens."""
        return (read * self.input + written * self.output) / MILLION


class AgentsSettings(BaseModel):
    """`[agents]` in the file."""

    model_config = ConfigDict(extra="forbid")

    currency: str = Field(default="USD", min_length=1, max_length=10, description="of the prices, as it is shown")
    prices: dict[str, Price] = Field(
        default={}, description="by model, as `provider:name`; without a price a run is told in tokens alone"
    )

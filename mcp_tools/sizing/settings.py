"""How resources are chosen, and what they cost: `[sizing]` and `[prices]` in config.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mcp_tools.quantity import BadQuantity, parse
from mcp_tools.usage.settings import UsageSettings

HOURS_OF_A_MONTH = 730


def _quantity(text: str) -> str:
    try:
        parse(text)
    except BadQuantity as error:
        raise ValueError(f"{text!r} is no quantity such as 25m or 64Mi") from error
    return text


Quantity = Annotated[str, AfterValidator(_quantity)]


class SizingSettings(BaseModel):
    """How requests and limits follow from what was measured."""

    model_config = ConfigDict(extra="forbid")

    cpu_percentile: float = Field(
        default=90.0, ge=50, le=100, description="of the samples of CPU that the request covers"
    )
    margin: float = Field(default=0.15, ge=0, le=2, description="on top of what was measured: 0.15 is 15 %")
    min_cpu: Quantity = Field(default="25m", description="no request is less")
    min_memory: Quantity = Field(default="32Mi", description="no request is less")
    tolerance: float = Field(
        default=0.1, ge=0, le=1, description="a request that is as near as this to what is recommended stays as it is"
    )
    enough_hours: float = Field(
        default=24.0, gt=0, description="what was measured for a shorter time is said to be preliminary"
    )
    watch_seconds: float = Field(
        default=120.0,
        ge=0,
        le=3600,
        description="for so long after a change restarts, ends for want of memory and latency must not get worse, or "
        "it is rolled back",
    )


class Prices(BaseModel):
    """The user's price list."""

    model_config = ConfigDict(extra="forbid")

    cpu_core_hour: float | None = Field(default=None, ge=0, description="what a core costs for an hour")
    memory_gib_hour: float | None = Field(default=None, ge=0, description="what a GiB costs for an hour")
    currency: str = Field(default="", max_length=8, description="as it is shown behind an amount, such as `EUR`")

    def a_month(self, cores: float, gib: float) -> float | None:
        """What so much costs in a month of 730 hours; None without prices."""
        if self.cpu_core_hour is None and self.memory_gib_hour is None:
            return None
        return ((self.cpu_core_hour or 0) * cores + (self.memory_gib_hour or 0) * gib) * HOURS_OF_A_MONTH


@dataclass(frozen=True, slots=True)
class Measuring:
    """All that is configured about measuring and right-sizing."""

    usage: UsageSettings = field(default_factory=UsageSettings)
    sizing: SizingSettings = field(default_factory=SizingSettings)
    prices: Prices = field(default_factory=Prices)

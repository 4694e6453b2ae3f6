"""What the user configured about health: `[health]` in config.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

P95 = "histogram_quantile(0.95, sum by (namespace, pod, le) (rate(http_request_duration_seconds_bucket[5m])))"


class HealthSettings(BaseModel):
    """Where latency is measured, and what is taken for slow."""

    model_config = ConfigDict(extra="forbid")

    prometheus: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="the address of a Prometheus, beginning with `http://` or `https://`; left out: latency is not "
        "measured",
    )
    latency_query: str = Field(
        default=P95,
        description="gives seconds, with the labels `namespace` and `pod`; left out: the 95th percentile over five "
        "minutes of `http_request_duration_seconds`",
    )
    latency_seconds: float = Field(
        default=0.5, gt=0, le=3600, description="up to here the part is 100; at four times as much it is 0"
    )

"""Where use over time comes from: `[usage]` in config.toml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class UsageSettings(BaseModel):
    """What use is read from beside metrics-server."""

    model_config = ConfigDict(extra="forbid")

    prometheus: str | None = Field(
        default=None,
        pattern=r"^https?://\S+$",
        description="the address of a Prometheus that scrapes the kubelets: its history is used instead of what was "
        "recorded here",
    )
    prometheus_days: int = Field(default=7, ge=1, le=30, description="how much of that history is read")
    latency_query: str | None = Field(
        default=None,
        description="PromQL that gives the latency of a workload in seconds, with `{namespace}` and `{workload}` "
        "in it: after a change of resources it must not get worse",
    )

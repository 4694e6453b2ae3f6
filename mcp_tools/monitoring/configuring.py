"""What the user configured about the monitor: `[monitor]` in config.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mcp_tools.errors import UsageError

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Address = Annotated[str, Field(pattern=r"^https?://\S+$")]


class Receiver(BaseModel):
    """Somebody who takes alerts over HTTP."""

    model_config = ConfigDict(extra="forbid")

    url: Address | None = Field(default=None, description="where it is sent; not with a password or a token in it")
    url_env: Variable | None = Field(
        default=None, description="instead of `url`: the environment variable that holds the address"
    )
    token_env: Variable | None = Field(
        default=None, description="the environment variable of a bearer token, where the receiver wants one"
    )

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("give one of url and url_env")
        if self.url and (urlsplit(self.url).password or urlsplit(self.url).username):
            raise ValueError("the address holds credentials: put it in a variable and name that as url_env")
        return self

    def address(self, environ: Mapping[str, str] = os.environ) -> str:
        """The address; a UsageError says which variable is not set."""
        return self.url or _variable(self.url_env or "", environ)

    def token(self, environ: Mapping[str, str] = os.environ) -> str:
        """The token, empty for none; errors as `address`."""
        return _variable(self.token_env, environ) if self.token_env else ""


class WebhookSettings(Receiver):
    """`[monitor.sinks.webhook]`: JSON in the form of Alertmanager's webhook, version 4."""


class SlackSettings(Receiver):
    """`[monitor.sinks.slack]`: an incoming webhook, whose address is a secret: give `url_env`."""


class AlertmanagerSettings(Receiver):
    """`[monitor.sinks.alertmanager]`: the address without `/api/v2/alerts`."""


class SinkSettings(BaseModel):
    """Where alerts are told."""

    model_config = ConfigDict(extra="forbid")

    terminal: bool = Field(default=True, description="a line an alert on standard output")
    desktop: bool = Field(default=False, description="notifications by `notify-send` or `osascript`")
    kubernetes_events: bool = Field(default=False, description="Events about the objects, in the cluster itself")
    webhook: WebhookSettings | None = Field(
        default=None, description="a table with `url` or `url_env`, and `token_env`: Alertmanager's webhook JSON"
    )
    slack: SlackSettings | None = Field(default=None, description="a table as `webhook`: an incoming webhook")
    alertmanager: AlertmanagerSettings | None = Field(
        default=None, description="a table as `webhook`: Alertmanager's address, without a path"
    )


class MonitorSettings(BaseModel):
    """How `shipmate monitor` looks at a cluster, and whom it tells."""

    model_config = ConfigDict(extra="forbid")

    interval_seconds: float = Field(default=15.0, ge=1, le=3600, description="between two evaluations of the rules")
    listen: str | None = Field(
        default=None,
        pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):\d{1,5}$",
        description="such as `127.0.0.1:9464`: serve `/metrics`, `/healthz` and `/readyz` there",
    )
    log_errors: bool = Field(default=False, description="count lines of level error in the pods' logs, too")
    sinks: SinkSettings = Field(default=SinkSettings(), description="whom it tells: [below](#the-monitor)")


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if value := environ.get(name, "").strip():
        return value
    raise UsageError(f"{name} is not set.", "[monitor.sinks] names it: set it, or leave that sink out.")

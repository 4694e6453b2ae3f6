"""From what is configured to sinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.cache import Cache
    from mcp_tools.monitoring.configuring import Receiver, SinkSettings
    from mcp_tools.monitoring.sinks.base import Sink
    from mcp_tools.monitoring.sinks.posting import Poster


def make_sinks(
    settings: SinkSettings, write: Callable[[Alert, str], None], connection: Connection, cache: Cache
) -> list[Sink]:
    """The sinks that are turned on.

    Args:
        write: Writes an alert's line to the terminal.

    Raises:
        UsageError: A variable is not set, an address is none, or a program is missing.
    """
    sinks: list[Sink] = []
    if settings.terminal:
        from mcp_tools.monitoring.sinks.terminal import Terminal

        sinks.append(Terminal(write))
    if settings.desktop:
        from mcp_tools.monitoring.sinks.desktop import Desktop

        sinks.append(Desktop())
    if settings.kubernetes_events:
        from mcp_tools.monitoring.sinks.kubernetes import KubernetesEvents

        sinks.append(KubernetesEvents(connection, cache.find))
    if settings.webhook:
        from mcp_tools.monitoring.sinks.webhook import Webhook

        sinks.append(Webhook(_poster(settings.webhook)))
    if settings.slack:
        from mcp_tools.monitoring.sinks.slack import Slack

        sinks.append(Slack(_poster(settings.slack)))
    if settings.alertmanager:
        from mcp_tools.monitoring.sinks.alertmanager import ALERTS, Alertmanager

        sinks.append(Alertmanager(_poster(settings.alertmanager, ALERTS)))
    return sinks


def _poster(receiver: Receiver, path: str = "") -> Poster:
    from mcp_tools.monitoring.sinks.posting import Poster

    address = receiver.address()
    return Poster(f"{address.rstrip('/')}{path}" if path else address, receiver.token())

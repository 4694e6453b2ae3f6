"""A line an alert, on the terminal or in the log of a pod."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mcp_tools.monitoring.sinks.base import Sink, SinkFailed
from mcp_tools.monitoring.sinks.wording import begun, headline, plain

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert


class Terminal(Sink):
    """Writes lines.

    Args:
        write: Writes one alert's line; whoever makes the sink knows about colours.
    """

    name = "terminal"

    def __init__(self, write: Callable[[Alert, str], None]) -> None:
        self._write = write

    def send(self, alerts: Sequence[Alert]) -> None:
        """Write them."""
        for alert in alerts:
            time = (alert.resolved_at or begun(alert)).strftime("%Y-%m-%dT%H:%M:%SZ")
            try:
                self._write(alert, f"{time} {headline(alert)}: {plain(alert.summary)}")
            except OSError as error:
                raise SinkFailed(f"The terminal takes no more: {error}.", final=True) from error

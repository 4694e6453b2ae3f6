"""What a sink is: a place to which alerts are told, in batches, and which may fail."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert


class SinkFailed(ShipmateError):
    """A sink did not take what it was told.

    Args:
        message: What happened, without secrets: not the whole address.
        final: Trying again would be no use.
        wait: Seconds after which the receiver wants to be asked again.
    """

    code = "sink"

    def __init__(self, message: str, hint: str = "", *, final: bool = False, wait: float | None = None) -> None:
        super().__init__(message, hint)
        self.final = final
        self.wait = wait


class Sink(ABC):
    """A place to tell alerts to.

    Attributes:
        name: As it is called in the configuration and in metrics.
        batch: How many alerts one call takes at most.
        repeat_seconds: What stands is told again so often; None where once is enough.
    """

    name: str
    batch: int = 50
    repeat_seconds: float | None = None

    @abstractmethod
    def send(self, alerts: Sequence[Alert]) -> None:
        """Tell of alerts, `firing` or `resolved`; no fingerprint comes twice in one call. They are redacted already.

        Raises:
            SinkFailed: They were not taken.
        """

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """Nothing more will be told."""

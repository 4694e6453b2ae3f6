"""A notification on the desktop, by the program that the system has for it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tools.errors import UsageError
from mcp_tools.monitoring.alert import Severity
from mcp_tools.monitoring.sinks.base import Sink, SinkFailed
from mcp_tools.monitoring.sinks.wording import headline, is_over, plain

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert

SECONDS = 10.0
SHOWN = 240
MOST = 5
"""More notifications than these at a time are one that counts the rest."""
_SCRIPT = ("-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end")


class Desktop(Sink):
    """Shows notifications by `notify-send` (Linux) or `osascript` (macOS).

    Raises:
        UsageError: There is neither.
    """

    name = "desktop"

    def __init__(self) -> None:
        self._notify = shutil.which("notify-send")
        self._script = shutil.which("osascript")
        if not (self._notify or self._script):
            raise UsageError(
                "There is no program here that shows notifications.",
                "Install notify-send (libnotify), or leave the desktop sink out.",
            )

    def send(self, alerts: Sequence[Alert]) -> None:
        """Show them."""
        shown, rest = alerts[:MOST], alerts[MOST:]
        for alert in shown:
            urgent = alert.severity is Severity.CRITICAL and not is_over(alert)
            self._show(headline(alert), plain(alert.summary, SHOWN), urgent=urgent)
        if rest:
            self._show(f"{len(rest)} more alerts", ", ".join(headline(alert) for alert in rest)[:SHOWN], urgent=False)

    def _show(self, title: str, text: str, *, urgent: bool) -> None:
        if self._notify:
            level = "critical" if urgent else "normal"
            command = [self._notify, "--app-name=shipmate", f"--urgency={level}", "--", title, text]
        else:
            command = [str(self._script), *_SCRIPT, title, text]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603  as words
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SinkFailed(f"{command[0]} cannot be run: {type(error).__name__}.") from error
        if done.returncode:
            words = plain(done.stderr.decode("utf-8", "replace").strip(), SHOWN)
            raise SinkFailed(f"{command[0]} ended with {done.returncode}: {words}")

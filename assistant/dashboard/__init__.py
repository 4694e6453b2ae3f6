"""`shipmate health --watch`: a live view of scores, pods, events and what to do first.

`looking` asks the cluster again and again beside the screen, `trends` remembers what pods used, `panes` turn one moment
into text, and `app` is the screen with its keys. Only `app` and `panes` know Textual, which is imported when it is
started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox


def run(toolbox: Toolbox, *, everywhere: bool, every: float) -> int:
    """Show the dashboard until its user leaves it; gives the exit code.

    Args:
        everywhere: The whole cluster instead of the toolbox's namespace.
        every: Seconds between two looks.

    Raises:
        UsageError: There is no terminal to show it on, or no cluster was named.
    """
    import contextlib
    import os
    import sys

    from mcp_tools.errors import Unreachable, UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("A dashboard needs a terminal.", "Leave out --watch for one answer; --json is for programs.")
    with contextlib.suppress(Unreachable):
        # A cluster that does not answer is told on the screen, which goes on when it does.
        _ = toolbox.connection
    from assistant.dashboard.app import Dashboard
    from assistant.dashboard.looking import Looking

    for name in ("COLUMNS", "LINES"):
        # Where they are exported they are believed for good, whatever size the terminal has later.
        os.environ.pop(name, None)
    looking = Looking(toolbox, everywhere=everywhere, every=every)
    try:
        Dashboard(looking).run()
    finally:
        looking.stop()
    return 0

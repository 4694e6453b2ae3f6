"""Following logs in a turn: lines become events until the user stops them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from assistant.events import LogLine, Notice

if TYPE_CHECKING:
    from assistant.events import Emit
    from mcp_tools.toolbox import Toolbox

FOLLOW = "follow_logs"
"""What a step is called that follows. It is no tool: a model and an MCP client get bounded answers."""


class Follower:
    """Follows one log at a time."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._stop = threading.Event()

    def run(self, arguments: dict[str, Any], emit: Emit) -> None:
        """Emit lines until `cancel` is called or there can be no more; errors as `Toolbox.follow`."""
        self._stop.clear()
        lines = self._toolbox.follow(arguments, self._stop)
        begun = False
        for line in lines:
            if not begun:
                emit(Notice("Following; Ctrl-C ends it."))
                begun = True
            emit(LogLine(line.source, line.text, remark=line.remark))

    def cancel(self) -> None:
        """End the lines; from another thread."""
        self._stop.set()

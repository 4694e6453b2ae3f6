"""A command that is one call, such as `shipmate undo`, as a brain: faces treat it like any other turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.brain import Cancelled
from assistant.events import Emit, ToolCalled, ToolFailed, ToolReturned
from assistant.following import Follower
from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from mcp_tools.toolbox import Toolbox

CALL_ID = "call-1"


class FollowingBrain:
    """Follows one log, whatever the sentence."""

    name = "offline"

    def __init__(self, toolbox: Toolbox, arguments: dict[str, Any]) -> None:
        self._follower = Follower(toolbox)
        self._arguments = arguments
        self._cancelled = False

    def respond(self, text: str, emit: Emit) -> None:  # noqa: ARG002  the command says it all
        """Emit lines until stopped; errors as `Follower.run`."""
        self._follower.run(self._arguments, emit)
        if self._cancelled:
            raise Cancelled

    def cancel(self) -> None:
        """End the lines."""
        self._cancelled = True
        self._follower.cancel()

    def close(self) -> None:
        """Nothing to close."""


class DirectBrain:
    """Calls one tool, whatever the sentence."""

    name = "offline"

    def __init__(self, toolbox: Toolbox, tool: str, arguments: dict[str, Any]) -> None:
        self._toolbox = toolbox
        self._tool = tool
        self._arguments = arguments
        self._cancelled = False

    def respond(self, text: str, emit: Emit) -> None:  # noqa: ARG002  the command says it all
        """Call the tool; errors as `Toolbox.call`."""
        if self._cancelled:
            raise Cancelled
        emit(ToolCalled(CALL_ID, self._tool, self._arguments))
        try:
            result = self._toolbox.call(self._tool, self._arguments)
        except ShipmateError as error:
            emit(ToolFailed(CALL_ID, self._tool, error))
            raise
        emit(ToolReturned(CALL_ID, self._tool, result))

    def cancel(self) -> None:
        """Stop waiting for a rollout."""
        self._cancelled = True
        self._toolbox.interrupt()

    def close(self) -> None:
        """Nothing to close."""

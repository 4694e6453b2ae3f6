"""All tools, in the order in which they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.tools import changing, diagnosing, docker, helm, pods, reading, stack

if TYPE_CHECKING:
    from mcp_tools.tools.base import Tool

TOOLS: tuple[Tool, ...] = (
    *reading.TOOLS,
    *diagnosing.TOOLS,
    *pods.TOOLS,
    *changing.TOOLS,
    *helm.TOOLS,
    *docker.TOOLS,
    *stack.TOOLS,
)
BY_NAME: dict[str, Tool] = {tool.name: tool for tool in TOOLS}

"""The conversation with a model: the Agents SDK's loop over the same MCP tools."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.agent.brain import AgentBrain

_lock = threading.Lock()


def preload() -> None:
    """Import what a first answer needs, which takes seconds; behind a prompt nobody waits for it."""
    with _lock:
        importlib.import_module("assistant.agent.brain")


def agent_brain() -> type[AgentBrain]:
    """The class, once it is imported; waits for a `preload` in another thread."""
    preload()
    from assistant.agent.brain import AgentBrain

    return AgentBrain

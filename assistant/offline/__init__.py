"""The planner without a model: typed requests become calls of the same tools, or an honest "I do not understand"."""

from __future__ import annotations

from assistant.offline.brain import OfflineBrain

__all__ = ["OfflineBrain"]

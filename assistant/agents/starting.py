"""A run from the command line or the clock: the toolbox under the agent's mandate, and a face for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from assistant.agents.definition import mandate_of
from assistant.agents.running import AgentRun
from assistant.oneshot import run_with

if TYPE_CHECKING:
    from assistant.agents.definition import AgentDefinition
    from assistant.settings import Settings


def start(
    definition: AgentDefinition,
    settings: Settings,
    *,
    sentence: str = "",
    as_json: bool = False,
    started_by: str = "hand",
) -> int:
    """Run an agent once; returns the exit code.

    Args:
        sentence: What it is asked; empty for what it is for.
        started_by: `hand`, where somebody may be there to be asked, or `schedule`, where nobody is.
    """
    attended = started_by == "hand" and sys.stdin.isatty() and sys.stderr.isatty()
    mandate = mandate_of(definition, attended=attended)
    return run_with(
        settings,
        lambda toolbox: AgentRun(settings, definition, toolbox, mandate, started_by=started_by),
        sentence,
        as_json=as_json,
        mandate=mandate,
    )

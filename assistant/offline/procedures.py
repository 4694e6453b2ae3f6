"""What a typed sentence about runbooks and agents does, and since when it asks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.brain import Brain
    from assistant.offline.model import Day, Procedure
    from assistant.settings import Settings
    from mcp_tools.runbooks.model import Runbook
    from mcp_tools.toolbox import Toolbox


def told(step: Procedure) -> str:
    """A list, or one in full, as Markdown; errors as those of the libraries."""
    if step.kind == "runbook":
        from assistant.runbooks import telling
        from mcp_tools.runbooks.library import library

        return telling.shown(library().get(step.name)) if step.name else telling.told(library())
    from assistant.agents import telling as of_agents
    from assistant.agents.library import agents

    return of_agents.shown(agents(), step.name) if step.name else of_agents.told(agents())


def carry_out(step: Procedure, toolbox: Toolbox, settings: Settings | None) -> Brain:
    """What runs it.

    Raises:
        NotFound: There is no such runbook or agent.
        UsageError: A parameter is wrong or missing.
    """
    if step.kind == "runbook":
        from assistant.runbooks.running import Ask, RunbookRun
        from mcp_tools.runbooks.library import library

        runbook = library().get(step.name)
        return RunbookRun(toolbox, Ask(runbook, _bound(runbook, step.given)))
    from assistant.agents.definition import mandate_of
    from assistant.agents.library import agents
    from assistant.agents.running import AgentRun
    from assistant.settings import Settings

    definition = agents().get(step.name)
    mandate = mandate_of(definition, attended=True)
    return AgentRun(
        settings or Settings(toolbox.target), definition, toolbox.under(mandate, definition.namespace), mandate
    )


def moment(since: Day | int | str) -> dt.datetime:
    """When a day began where the user is, or so many seconds ago."""
    now = dt.datetime.now().astimezone()
    if isinstance(since, int):
        return now - dt.timedelta(seconds=since)
    begun = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return begun - dt.timedelta(days=since == "yesterday")


def _bound(runbook: Runbook, given: dict[str, str]) -> dict[str, str]:
    """The parameters with what `for` gave under the name of the first."""
    first = next(iter(runbook.parameters), "")
    return {(name or first): value for name, value in given.items()}

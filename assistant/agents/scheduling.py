"""Agents by the clock: a small scheduler in the foreground, and what is due for a timer of the system."""

from __future__ import annotations

import datetime as dt
import signal
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assistant.agents.runs import Runs
from assistant.agents.starting import start
from mcp_tools.errors import ShipmateError, UsageError

if TYPE_CHECKING:
    from assistant.agents.definition import AgentDefinition
    from assistant.settings import Settings

LOOK_SECONDS = 20.0
"""A machine that slept wakes up late: the clock is looked at again and again, not waited out."""


def wanted(names: Sequence[str]) -> list[AgentDefinition]:
    """The agents that run by the clock; those of a name, or all.

    Raises:
        NotFound: There is none of that name.
        UsageError: One has no schedule, or none has.
    """
    from assistant.agents.library import agents

    library = agents()
    found = [library.get(name) for name in names] if names else library.scheduled()
    without = [agent.name for agent in found if not agent.schedule]
    if without or not found:
        which = f"The agent {without[0]} has" if without else "No agent has"
        raise UsageError(f"{which} no schedule.", 'Give it one in its file: schedule: "0 7 * * *".')
    return found


def next_time(agent: AgentDefinition, after: dt.datetime) -> dt.datetime:
    """When it runs next, by the clock on the wall (no time zone)."""
    from cronsim import CronSim

    moment: dt.datetime = next(CronSim(str(agent.schedule), after))
    return moment


def last_time(agent: AgentDefinition, before: dt.datetime) -> dt.datetime:
    """When it was to run last, that moment included."""
    from cronsim import CronSim

    # Searching backwards leaves out the minute where it begins.
    begin = before.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    moment: dt.datetime = next(CronSim(str(agent.schedule), begin, reverse=True))
    return moment


class Scheduler:
    """Runs agents when they are due, one after the other.

    Args:
        settings: Gives those of an agent.
        now: The clock on the wall.
    """

    def __init__(
        self,
        agents: Sequence[AgentDefinition],
        settings: Callable[[AgentDefinition], Settings],
        now: Callable[[], dt.datetime] = dt.datetime.now,
    ) -> None:
        self._agents = agents
        self._settings = settings
        self._now = now
        self._stop = threading.Event()

    def once(self) -> int:
        """Run those that were due since they ran last; returns 0, or 1 where one of them failed."""
        now = self._now()
        codes = [self._run(agent, last_time(agent, now)) for agent in self._agents]
        return int(any(codes))

    def forever(self) -> int:
        """Run each when it is due, until Ctrl-C or a termination ends it; returns 0."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        times = {agent.name: next_time(agent, self._now()) for agent in self._agents}
        try:
            for agent in self._agents:
                _tell(f"{agent.name}: next at {times[agent.name]:%Y-%m-%d %H:%M}.")
            while not self._stop.wait(min(LOOK_SECONDS, self._until(min(times.values())))):
                for agent in self._agents:
                    if times[agent.name] <= self._now():
                        # What was missed while the machine slept, or another ran, is run once.
                        self._run(agent, last_time(agent, self._now()))
                        times[agent.name] = next_time(agent, self._now())
                        _tell(f"{agent.name}: next at {times[agent.name]:%Y-%m-%d %H:%M}.")
        except KeyboardInterrupt:
            self._stop.set()
        return 0

    def _until(self, moment: dt.datetime) -> float:
        return max(0.0, (moment - self._now()).total_seconds())

    def _run(self, agent: AgentDefinition, tick: dt.datetime) -> int:
        runs = Runs()
        try:
            if not runs.claim(agent.name, tick):
                return 0
        finally:
            runs.close()
        _tell(f"{agent.name}, due at {tick:%Y-%m-%d %H:%M}:")
        try:
            return start(agent, self._settings(agent), started_by="schedule")
        except ShipmateError as error:
            # One that cannot run does not keep the others from running.
            _tell(str(error))
            return error.exit_code


def _tell(text: str) -> None:
    import click

    click.echo(text, err=True)

"""A world whose clock the test drives, watched by an evaluator that may be ended and started again at any moment."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnosis_worlds import InMemory, injector

from mcp_tools.diagnosis.taking import take
from mcp_tools.monitoring.evaluating import Evaluator
from mcp_tools.monitoring.observing import Observation, measured
from mcp_tools.monitoring.rules import load_rules
from mcp_tools.monitoring.store import AlertStore
from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.faults import all_faults
from mcp_tools.sandbox.world import boot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.monitoring.rules import Rule

NOW = dt.datetime(2026, 11, 29, 9, 0, 0, 500_000, tzinfo=dt.UTC).timestamp()
Told = tuple[int, str, str, str]
"""After how many seconds, `firing` or `resolved`, the rule, the object."""


class Watched:
    """The todo stack under watch, one look every half minute.

    Attributes:
        told: Every transition that any of the evaluators gave.
    """

    def __init__(self, store: Path, rules: Sequence[Rule] | None = None) -> None:
        self.world = boot(seed=7, now=NOW)
        self.connection = InMemory(self.world)
        self.rules = load_rules() if rules is None else rules
        self.start = self.world.clock.now()
        self.told: list[Told] = []
        self.scope = "world"
        self._path = store
        self._open()

    def _open(self) -> None:
        self.store = AlertStore(self._path)
        self.evaluator = Evaluator(self.rules, store=self.store, silences=self.store.silences, scope=self.scope)

    def restart(self) -> None:
        """The process that watches ends, and another one begins."""
        self.store.close()
        self._open()

    def observation(self) -> Observation:
        now = self.world.clock.now()
        snapshot = take(self.connection, None, rfc3339(now))
        return Observation(snapshot, dt.datetime.fromtimestamp(now, dt.UTC), *measured(self.connection, None))

    def look(self, observation: Observation | None = None) -> list[Told]:
        seen = observation or self.observation()
        after = round(seen.at.timestamp() - self.start)
        found = [
            (after, item.alert.state.value, item.alert.rule, str(item.alert.object))
            for item in self.evaluator.step(seen)
        ]
        self.told += found
        return found

    def watch(self, minutes: float, every: float = 30, *, restarted: bool = False) -> list[Told]:
        found = []
        for _ in range(round(minutes * 60 / every)):
            self.world.clock.advance(every)
            found += self.look()
            if restarted:
                self.restart()
        return found

    def close(self) -> None:
        self.store.close()

    def inject(self, fault: str) -> None:
        all_faults()[fault].inject(injector(self.world))

    def patch(self, path: str, body: Any) -> None:
        self.connection.write("PATCH", path, body, content_type="application/strategic-merge-patch+json")

    def standing(self) -> dict[tuple[str, str], str]:
        return {(alert.rule, str(alert.object)): alert.state.value for alert in self.evaluator.alerts}

"""Runs the control loops: collects keys of work from the store's changes and works them off shortly after."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.clock import Clock, Timer
    from mcp_tools.sandbox.controllers.base import Controller, Key
    from mcp_tools.sandbox.objects.store import Change, Store

REACTION_SECONDS = 0.01
RETRY_SECONDS = 0.5
_RETRY_MAX = 30.0

log = logging.getLogger(__name__)


class Manager:
    """A work queue for all controllers.

    Args:
        store: Whose changes to follow.
        clock: When to act.
        controllers: In the order in which they act.
    """

    def __init__(self, store: Store, clock: Clock, controllers: Iterable[Controller]) -> None:
        self._clock = clock
        self._controllers = tuple(controllers)
        self._by_kind: dict[str, list[Controller]] = {}
        self._pending: dict[tuple[Controller, Key], None] = {}
        self._later: dict[tuple[Controller, Key], Timer] = {}
        self._failures: dict[tuple[Controller, Key], int] = {}
        self._armed = False
        for controller in self._controllers:
            for kind in controller.watches:
                self._by_kind.setdefault(kind, []).append(controller)
        store.subscribe(self._notice)

    def _notice(self, change: Change) -> None:
        interested = [*self._by_kind.get(change.kind.name, ()), *self._by_kind.get("*", ())]
        for controller in interested:
            for key in controller.keys(change):
                self._add(controller, key)

    def _add(self, controller: Controller, key: Key) -> None:
        self._pending[controller, key] = None
        if not self._armed:
            self._armed = True
            self._clock.call_later(REACTION_SECONDS, self._work)

    def _work(self) -> None:
        self._armed = False
        batch = list(self._pending)
        self._pending.clear()
        for controller, key in batch:
            self._run(controller, key)

    def _run(self, controller: Controller, key: Key) -> None:
        item = (controller, key)
        if timer := self._later.pop(item, None):
            timer.cancel()
        try:
            again = controller.reconcile(key)
        except Refused as error:
            log.debug("%s %s: %s", type(controller).__name__, key, error)
            again = self._retry(item)
        except Exception:
            # One broken object must not stop the loop of all the others.
            level = logging.DEBUG if item in self._failures else logging.ERROR
            log.log(level, "%s failed on %s", type(controller).__name__, key, exc_info=True)
            again = self._retry(item)
        else:
            self._failures.pop(item, None)
        if again is not None:
            self._later[item] = self._clock.call_later(again, lambda: self._add(controller, key))

    def _retry(self, item: tuple[Controller, Key]) -> float:
        count = self._failures[item] = self._failures.get(item, 0) + 1
        return float(min(RETRY_SECONDS * 2 ** min(count, 10), _RETRY_MAX))

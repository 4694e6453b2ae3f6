"""The monitor: watches feed a cache, the cache is held against the rules again and again, sinks are told.

It never ends by itself. While the API server is away nothing is evaluated, so that nothing resolves or is raised for
want of news; that it is away becomes an alert of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mcp_tools.diagnosis.model import Ref
from mcp_tools.errors import ApiError, ConnectionProblem, NotFound, ShipmateError
from mcp_tools.monitoring.alert import Alert, Severity, State, Transition
from mcp_tools.monitoring.observing import Observation, measured, measured_volumes
from mcp_tools.monitoring.rules import WHERE_IT_FAILS
from mcp_tools.monitoring.watching import Condition
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.monitoring.cache import Cache
    from mcp_tools.monitoring.logs import LogErrors
    from mcp_tools.monitoring.metrics import Metrics
    from mcp_tools.monitoring.sinks.outbox import Outbox

AWAY_RULE = "api-unreachable"
AWAY_SECONDS = 30.0
"""After so long without an API server the alert about that is raised: one that is restarted is back before."""
CATCH_UP_SECONDS = 5.0
SETTLE_SECONDS = 2.0
"""What happened during an outage comes in the first moment after it."""
CLOSING_SECONDS = 5.0
SLOW = 60.0


class Evaluating(Protocol):
    """What the monitor needs of an evaluator (`evaluating.Evaluator`)."""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that stand."""

    @property
    def failing(self) -> Mapping[str, str]:
        """Rules that could not be evaluated, by id, each with why."""

    @property
    def untold(self) -> list[Transition]:
        """Transitions that an earlier process did not get told."""

    def acknowledge(self, transitions: Iterable[Transition]) -> None:
        """Those are told."""

    def step(self, observation: Observation) -> list[Transition]:
        """Hold the rules against an observation."""


class Monitor:
    """Evaluates until it is stopped; everything in it is bounded.

    Args:
        cache: Entered already.
        outboxes: Closed when `run` ends.
        say: Told in words what a person at the terminal or in the pod's log wants to know.
        record: Given every observation, to keep what is used; what it raises ends nothing.

    Attributes:
        away: Why the API server cannot be used; empty while it can.
        passed_at: When the loop last came round, by `time.monotonic`.
        metrics: What it counts.
        evaluated_at: When rules were last evaluated; 0 before that.
    """

    def __init__(
        self,
        connection: Connection,
        cache: Cache,
        evaluator: Evaluating,
        outboxes: Sequence[Outbox],
        metrics: Metrics,
        *,
        interval: float,
        say: Callable[[str], None],
        logs: LogErrors | None = None,
        record: Callable[[Observation], object] = lambda _: None,
    ) -> None:
        self.cache = cache
        self.outboxes = tuple(outboxes)
        self.away = ""
        self.passed_at = time.monotonic()
        self.evaluated_at = 0.0
        self._connection = connection
        self._evaluator = evaluator
        self.metrics = metrics
        self._interval = interval
        self._say = say
        self._logs = logs
        self._record = record
        self._away_since: dt.datetime | None = None
        self._own: Alert | None = None
        self._unseen: dict[str, str] = {}
        self._failing: frozenset[str] = frozenset()
        self._troubles: dict[str, str] = {}
        self._lock = threading.Lock()
        self._arrived: list[Transition] = []

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that stand, the monitor's own included."""
        return (*self._evaluator.alerts, *([self._own] if self._own else []))

    @property
    def healthy(self) -> bool:
        """Whether the loop goes round."""
        return time.monotonic() - self.passed_at < 3 * self._interval + SLOW

    @property
    def ready(self) -> bool:
        """Whether the rules are held against what is so at present."""
        return not self.away and time.monotonic() - self.evaluated_at < 3 * self._interval + SLOW

    def run(self, stop: threading.Event) -> None:
        """Go round until stopped; what is left in the queues is told for a few seconds more."""
        try:
            self._tell(self._evaluator.untold)
            while not stop.is_set():
                began = time.monotonic()
                self._pass(stop)
                self.passed_at = time.monotonic()
                stop.wait(max(0.05, self._interval - (self.passed_at - began)))
        finally:
            until = time.monotonic() + CLOSING_SECONDS
            for outbox in self.outboxes:
                outbox.close(max(0.0, until - time.monotonic()))
            self._acknowledge()

    def _pass(self, stop: threading.Event) -> None:
        """Look once, if the API server lets us."""
        self._acknowledge()
        self.cache.close_overdue()
        try:
            self._ask()
        except ConnectionProblem as error:
            self._is_away(error.message)
            return
        self.cache.nudge()
        if not self.cache.wait(CATCH_UP_SECONDS, stop.is_set):
            self._behind()
            return
        if self.away:
            self._is_back(stop)
        self._say_unseen()
        observation = self._observation()
        self._evaluate(observation)
        try:
            self._record(observation)
        except ShipmateError as error:
            self._once("record", f"What is used is not kept: {error}")
        else:
            self._once("record", "")

    def _ask(self) -> None:
        """Find out whether the API server answers; an answer that refuses is one."""
        with contextlib.suppress(ApiError, NotFound):
            self._connection.get("/version")

    def _observation(self) -> Observation:
        """What is known at this moment; what cannot be measured in time is not."""
        usage: tuple[Any, Any] = (None, None)
        volumes, errors, trouble = None, {}, ""
        try:
            usage = measured(self._connection, self.cache.namespace)
        except ConnectionProblem as error:
            # The API server answered a moment ago: what stands behind it is slow.
            trouble = f"Usage is not known: {error.message}"
        snapshot, at = self.cache.snapshot(), dt.datetime.now(dt.UTC)
        try:
            volumes = measured_volumes(self._connection, snapshot)
            errors = dict(self._logs.look(snapshot)) if self._logs else {}
        except ConnectionProblem as error:
            trouble = f"Volumes and logs are not known: {error.message}"
        self._once("usage", trouble)
        return Observation(snapshot, at, *usage, log_errors=errors, volumes=volumes)

    def _evaluate(self, observation: Observation) -> None:
        began = time.monotonic()
        try:
            transitions = self._evaluator.step(observation)
        except Exception as error:  # noqa: BLE001  one failure must not end what is to run for weeks
            self.metrics.evaluations.labels("failed").inc()
            words = str(error) if isinstance(error, ShipmateError) else f"{type(error).__name__}: {error}"
            self._once("rules", f"The rules could not be evaluated: {redact_text(words)} It is tried again.")
            return
        self._once("rules", "")
        self.metrics.evaluation.observe(time.monotonic() - began)
        self.metrics.evaluations.labels("done").inc()
        self.evaluated_at = time.monotonic()
        self._tell(transitions)
        self._say_failing()

    def _tell(self, transitions: Iterable[Transition]) -> None:
        standing = [alert for alert in self.alerts if alert.told and alert.state is State.FIRING]
        for outbox in self.outboxes:
            # First what stands: a sink that tells it again must not bring back what is over.
            outbox.stand(standing)
        for transition in transitions:
            done = self._counting(transition)
            for outbox in self.outboxes:
                outbox.put(transition.alert, done)
            if not self.outboxes:
                self._arrived.append(transition)

    def _counting(self, transition: Transition) -> Callable[[], None]:
        """To be called by each sink; after the last one the transition has arrived."""
        left = len(self.outboxes)

        def done() -> None:
            nonlocal left
            with self._lock:
                left -= 1
                if not left:
                    self._arrived.append(transition)

        return done

    def _acknowledge(self) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, []
        if not arrived:
            return
        try:
            self._evaluator.acknowledge(arrived)
        except ShipmateError as error:
            self._once("store", str(error))
            with self._lock:
                self._arrived[:0] = arrived

    def _behind(self) -> None:
        stuck = [item for item in self.cache.behind if item.condition is Condition.AWAY]
        if stuck:
            names = ", ".join(item.kind.plural for item in stuck[:3])
            more = f" and {len(stuck) - 3} more kinds" if len(stuck) > 3 else ""  # noqa: PLR2004  three are named
            self._is_away(f"{names}{more} cannot be watched: {stuck[0].message}")

    def _is_away(self, why: str) -> None:
        now = dt.datetime.now(dt.UTC)
        self.metrics.evaluations.labels("skipped").inc()
        if not self.away:
            self._away_since = now
            self._say(f"{redact_text(why)} Alerts stay as they are until it is back.")
            self.cache.reconnect()
        self.away = redact_text(why)
        since = self._away_since or now
        if self._own is None and (now - since).total_seconds() >= AWAY_SECONDS:
            self._own = Alert(
                AWAY_RULE,
                Severity.CRITICAL,
                Ref("Cluster", "", self._connection.context),
                f"The API server cannot be used for {(now - since).total_seconds():.0f} s; no rule is evaluated",
                since,
                State.FIRING,
                evidence=(self.away,),
                fired_at=now,
            )
            self._tell([Transition(self._own)])

    def _is_back(self, stop: threading.Event) -> None:
        stop.wait(SETTLE_SECONDS)
        now = dt.datetime.now(dt.UTC)
        lasted = (now - (self._away_since or now)).total_seconds()
        self.away, self._away_since = "", None
        self._say(f"The API server is back after {lasted:.0f} s.")
        if self._own:
            over = dataclasses.replace(self._own, state=State.RESOLVED, resolved_at=now)
            self._own = None
            self._tell([Transition(over)])

    def _say_unseen(self) -> None:
        unseen = self.cache.unseen
        fresh = {kind: why for kind, why in unseen.items() if kind not in self._unseen}
        if fresh:
            kinds = ", ".join(sorted(fresh))
            self._say(f"Not shown to this account, so that rules about them are silent: {kinds}.")
        self._unseen = unseen

    def _say_failing(self) -> None:
        """Say which rules fail when that begins and when it ends, whatever their errors say meanwhile."""
        failing = self._evaluator.failing
        for rule in sorted(failing.keys() - self._failing):
            self._say(
                f"The rule {rule} fails, its alerts stay as they are: {failing[rule]}. All others are evaluated, and it"
                f" is tried again; where that does not help, {WHERE_IT_FAILS}."
            )
        for rule in sorted(self._failing - failing.keys()):
            self._say(f"The rule {rule} works again.")
        for rule in failing:
            self.metrics.failures.labels(rule).inc()
        self._failing = frozenset(failing)

    def _once(self, about: str, trouble: str) -> None:
        """Say what is wrong when it begins, and not at every pass; empty where nothing is."""
        if trouble and trouble != self._troubles.get(about):
            self._say(trouble)
        self._troubles[about] = trouble

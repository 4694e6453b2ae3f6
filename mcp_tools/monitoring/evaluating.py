"""Rules against one observation after another: what is pending, what fires, what is over, and what is to be told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_tools.monitoring.alert import Alert, State, Transition
from mcp_tools.monitoring.conditions.base import Held, Sight
from mcp_tools.monitoring.conditions.restarts import count_restarts
from mcp_tools.monitoring.counters import KEPT, Counters
from mcp_tools.monitoring.inhibiting import inhibitions
from mcp_tools.monitoring.silences import Silence
from mcp_tools.monitoring.store import Standing, Step
from mcp_tools.reads.answer import clip
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Snapshot
    from mcp_tools.monitoring.observing import Observation
    from mcp_tools.monitoring.rules import Rule
    from mcp_tools.monitoring.store import AlertStore

OUTAGE = dt.timedelta(hours=1)
"""Nothing was looked at for longer than this: what was pending begins anew (Prometheus, for-outage-tolerance), and
what rests on something that cannot be read for so long is given up."""
MAX_EVIDENCE = 6
MAX_TEXT = 300

Silencing = Callable[[dt.datetime], Iterable[Silence]]


def no_silences(at: dt.datetime) -> tuple[Silence, ...]:  # noqa: ARG001  the signature of what is asked
    """Everything is told."""
    return ()


@dataclass(slots=True)
class _Seen:
    """What one observation says: where conditions hold, and which rules it can say nothing about.

    Attributes:
        blind: What they rest on cannot be read.
        failing: Their conditions raised, each with what.
    """

    held: dict[str, tuple[Rule, Held]]
    blind: set[str]
    failing: dict[str, str]


class Evaluator:
    """Alerts of one scope over time.

    Args:
        rules: As `load_rules` gives them.
        store: Where alerts, counters and untold transitions outlive the process; None keeps them in memory.
        silences: Those in force at a moment, such as `store.silences`; asked at every step.
        scope: What is observed, as the store tells it from others.

    Raises:
        ShipmateError: The store cannot be read.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        store: AlertStore | None = None,
        silences: Silencing = no_silences,
        scope: str = "",
    ) -> None:
        self._rules: Mapping[str, Rule] = {rule.id: rule for rule in rules}
        self._store = store
        self._silences = silences
        self._scope = scope
        self._failing: dict[str, str] = {}
        self._numbers: dict[str, list[int]] = {}
        kept = store.load(scope) if store else None
        self._standing = {item.alert.fingerprint: item for item in kept.standing} if kept else {}
        self._counters = Counters(kept.growths, kept.counted_at) if kept else Counters()
        self._looked_at = kept.looked_at if kept else None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that stand, pending ones included: the most severe first, and then the oldest."""
        return tuple(sorted((item.alert for item in self._standing.values()), key=_urgency))

    @property
    def failing(self) -> Mapping[str, str]:
        """The rules that could not be held against the last observation, by id, each with what went wrong.

        All others were. The alerts of such a rule stay as they are until it works again, or their object is gone.
        """
        return self._failing

    @property
    def untold(self) -> list[Transition]:
        """Transitions that were not acknowledged, also those of an earlier process, the oldest first.

        After a restart they are told before anything else; without a store there are none.
        """
        if self._store is None:
            return []
        waiting = self._store.untold(self._scope)
        self._numbers = {}
        for number, transition in waiting:
            self._numbers.setdefault(_key(transition), []).append(number)
        return [transition for _, transition in waiting]

    def acknowledge(self, transitions: Iterable[Transition]) -> None:
        """Take down that transitions reached whoever is to know of them: they are not among `untold` any more."""
        numbers = [number for item in transitions for number in self._numbers.pop(_key(item), ())]
        if self._store is not None and numbers:
            self._store.mark_told(numbers)

    def step(self, observation: Observation) -> list[Transition]:
        """Hold the rules against the next observation.

        What changes is stored before it is given out, all of it or nothing: a step that fails changes nothing, and
        the next one makes up for it.

        Returns:
            What is to be told, causes first; each transition is given by one step only.

        Raises:
            ShipmateError: The store cannot be written.
        """
        # A clock that was set back must not let time run backwards.
        at = max(observation.at, self._looked_at) if self._looked_at else observation.at
        observation = replace(observation, at=at)
        count_restarts(self._counters, observation)
        seen = self._look(observation)
        transitions, standing = _told(self._next(observation, seen))
        changed = [item for key, item in standing.items() if item != self._standing.get(key)]
        step = Step(
            at,
            self._counters.seen_until,
            changed,
            [key for key in self._standing if key not in standing],
            self._counters.fresh,
            self._counters.gone,
            at - KEPT,
            transitions,
            seen.failing,
        )
        if self._store is not None:
            numbers = self._store.save(self._scope, step)
            for number, transition in zip(numbers, transitions, strict=True):
                self._numbers.setdefault(_key(transition), []).append(number)
        self._counters.stored()
        self._standing, self._looked_at, self._failing = standing, at, seen.failing
        return transitions

    def _next(self, observation: Observation, seen: _Seen) -> dict[str, Standing]:
        """How every alert stands after this observation, those that are over included."""
        at, snapshot = observation.at, observation.snapshot
        standing = {
            key: _holding(self._known(key, rule, held, at), rule, held, at) for key, (rule, held) in seen.held.items()
        }
        for key, item in self._standing.items():
            if key not in standing and (left := self._ceasing(item, seen, snapshot, at)) is not None:
                standing[key] = left
        explained = inhibitions(standing.values(), self._rules, snapshot)
        quiet = list(self._silences(at))
        return {
            key: replace(item, alert=_covered(item.alert, explained.get(key, ""), quiet))
            for key, item in standing.items()
        }

    def _look(self, observation: Observation) -> _Seen:
        sight = Sight(observation, self._counters)
        seen = _Seen({}, set(), {})
        for rule in self._rules.values():
            if not rule.condition.sees(observation):
                seen.blind.add(rule.id)
                continue
            try:
                holding = [
                    (_alert(rule, held, observation.at).fingerprint, (rule, held))
                    for held in rule.condition.test(sight, rule.parameters)
                    if rule.covers(held.object.namespace)
                ]
            except Exception as error:  # noqa: BLE001  one rule must not take the others with it
                seen.failing[rule.id] = redact_text(clip(f"{type(error).__name__}: {error}", MAX_TEXT))
                continue
            for fingerprint, found in holding:
                seen.held.setdefault(fingerprint, found)
        return seen

    def _known(self, key: str, rule: Rule, held: Held, at: dt.datetime) -> Standing | None:
        """The alert that a condition which holds goes on with; None where it begins anew."""
        known = self._standing.get(key)
        if known is None or known.alert.state is State.FIRING:
            return known
        unwatched = self._looked_at is not None and at - self._looked_at > OUTAGE
        others = rule.condition.per_pod and bool(known.pods) and known.pods.isdisjoint(held.pods)
        return None if unwatched or others else known

    def _ceasing(self, item: Standing, seen: _Seen, snapshot: Snapshot, at: dt.datetime) -> Standing | None:
        """An alert whose condition was not found to hold: still standing, over, or None for one that never fired."""
        rule = self._rules.get(item.alert.rule)
        ref = item.alert.object
        gone = rule is None or snapshot.missing(ref.kind, ref.namespace, ref.name)
        if not gone and rule and (rule.id in seen.blind or rule.id in seen.failing):
            since = item.unseen_since or at
            # That we fail says nothing of the cluster: what was raised is not over because of it.
            raised = rule.id in seen.failing and item.alert.state is State.FIRING
            if raised or at - since <= OUTAGE:
                return replace(item, unseen_since=since)
            gone = True
        if item.alert.state is State.PENDING:
            return None
        ceased = item.ceased_at or at
        if not gone and rule and at - ceased < rule.config.keep_firing_for:
            return replace(item, ceased_at=ceased, unseen_since=None)
        return replace(item, alert=replace(item.alert, state=State.RESOLVED, resolved_at=at), ceased_at=ceased)


def _holding(known: Standing | None, rule: Rule, held: Held, at: dt.datetime) -> Standing:
    """An alert whose condition holds at this moment."""
    alert = _alert(rule, held, at)
    fired_at = known.alert.fired_at if known else None
    # The pods of a per-pod condition say themselves since when each of them shows it.
    exact = rule.condition.per_pod and held.since and not fired_at
    since = min(known.alert.since, alert.since) if known and not exact else alert.since
    if fired_at is None and at - since >= rule.config.for_:
        fired_at = at
    state = State.FIRING if fired_at else State.PENDING
    explained = known.alert.inhibited_by if known else ""
    alert = replace(alert, since=since, fired_at=fired_at, state=state, inhibited_by=explained)
    return Standing(alert, told=bool(known and known.told), pods=frozenset(held.pods))


def _alert(rule: Rule, held: Held, at: dt.datetime) -> Alert:
    return Alert(
        rule.id,
        rule.config.severity,
        held.object,
        redact_text(clip(held.summary, MAX_TEXT)),
        min(held.since or at, at),
        evidence=tuple(redact_text(clip(fact, MAX_TEXT)) for fact in held.evidence[:MAX_EVIDENCE]),
        labels=dict(held.labels),
    )


def _covered(alert: Alert, explained_by: str, silences: Iterable[Silence]) -> Alert:
    silence = next((item.id for item in silences if item.covers(alert)), "")
    return replace(alert, inhibited_by=explained_by, silenced_by=silence)


def _told(standing: Mapping[str, Standing]) -> tuple[list[Transition], dict[str, Standing]]:
    """What is to be told, and how things stand once it is."""
    transitions: list[Transition] = []
    left: dict[str, Standing] = {}
    for key, item in standing.items():
        alert = item.alert
        if alert.state is State.RESOLVED:
            # Who heard that it fires is to hear that it is over, silenced or not.
            if item.told:
                transitions.append(Transition(alert))
            continue
        # What is ceasing is no news any more, also when whatever explained it has ceased before.
        doubtful = item.ceased_at or item.unseen_since
        news = alert.state is State.FIRING and alert.told and not item.told and not doubtful
        if news:
            transitions.append(Transition(alert))
        left[key] = replace(item, told=item.told or news)
    transitions.sort(key=lambda item: _urgency(item.alert))
    return transitions, left


def _urgency(alert: Alert) -> tuple[object, ...]:
    rank = list(type(alert.severity)).index(alert.severity)
    return (alert.state is State.PENDING, rank, alert.since, alert.rule, alert.object)


def _key(transition: Transition) -> str:
    alert = transition.alert
    return f"{alert.fingerprint}/{alert.state}/{alert.fired_at}/{alert.resolved_at}"

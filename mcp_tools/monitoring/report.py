"""Which alerts there are, as an answer: from a monitor that watches, or evaluated on the spot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.monitoring.alert import Alert, State
from mcp_tools.monitoring.durations import roughly, spoken
from mcp_tools.monitoring.evaluating import Evaluator
from mcp_tools.monitoring.rules import WHERE_IT_FAILS, Rule, load_rules
from mcp_tools.monitoring.store import scope_of
from mcp_tools.reads.answer import Answer, count, listed

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.monitoring.observing import Observation
    from mcp_tools.monitoring.settings import AlertSettings
    from mcp_tools.monitoring.silences import Silence
    from mcp_tools.monitoring.store import AlertStore

FRESH = dt.timedelta(minutes=5)
"""A monitor that has not looked for longer than this does not run any more."""
MAX_ALERTS = 20
MAX_PENDING = 10
MAX_RECENT = 5
MAX_FACTS = 2
RECENT = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the alerts of a place.

    Attributes:
        at: The moment it is true of.
        watched: A monitor saw it; else it was evaluated once, and what needs time is pending.
        recent: What a monitor saw resolve of late, the newest first.
        blind: Rules that could not be held against anything, each with why.
    """

    at: dt.datetime
    alerts: tuple[Alert, ...]
    watched: bool
    silences: tuple[Silence, ...] = ()
    recent: tuple[Alert, ...] = ()
    blind: tuple[str, ...] = ()


def alerts_report(
    connection: Connection,
    namespace: str | None,
    store: AlertStore,
    settings: AlertSettings,
    now: dt.datetime | None = None,
) -> Answer:
    """The alerts of one namespace, or of all (None), those that fire first.

    Args:
        store: Where a monitor of this user would keep what it saw.
        now: The present, for tests.

    Returns:
        `context`, `namespace`, `at`, `watched`, `firing` with what follows from each, `pending`, `silenced`,
        `resolved`, `silences`, `not_looked_at`, and how many `more` there are.

    Raises:
        UsageError: The user's rules are wrong.
        ConnectionProblem: The cluster does not answer.
    """
    rules = load_rules(settings.rules_file)
    known = look(connection, namespace, store, rules, now or dt.datetime.now(dt.UTC))
    return Answer(_summary(known, namespace), _data(connection, namespace, known, rules))


def look(
    connection: Connection, namespace: str | None, store: AlertStore, rules: Sequence[Rule], now: dt.datetime
) -> Known:
    """What a monitor knows, if one runs that covers the place; else one look; errors as `alerts_report`."""
    for scope in dict.fromkeys((scope_of(connection, None), scope_of(connection, namespace))):
        looked_at = store.looked_at(scope)
        if looked_at and now - looked_at <= FRESH:
            alerts = tuple(item.alert for item in store.load(scope).standing)
            recent = [
                alert
                for at, alert in store.history(scope, MAX_ALERTS)
                if alert.state is State.RESOLVED and now - at <= RECENT
            ]
            return Known(
                looked_at,
                _inside(alerts, namespace),
                watched=True,
                silences=tuple(store.silences(now)),
                recent=_inside(recent, namespace),
                blind=tuple(_failing(store.failing(scope))),
            )
    from mcp_tools.monitoring.observing import observe

    observation = observe(connection, namespace)
    evaluator = Evaluator(rules, silences=store.silences)
    evaluator.step(observation)
    alerts = _inside(evaluator.alerts, namespace)
    silences = tuple(store.silences(now))
    blind = (*_blind(observation, rules), *_failing(evaluator.failing))
    return Known(observation.at, alerts, watched=False, silences=silences, blind=blind)


def _inside(alerts: Sequence[Alert], namespace: str | None) -> tuple[Alert, ...]:
    """Those of a namespace, and of the whole cluster, on which every namespace depends."""
    return tuple(alert for alert in alerts if not namespace or alert.object.namespace in {namespace, ""})


def _blind(observation: Observation, rules: Sequence[Rule]) -> tuple[str, ...]:
    needs: dict[str, list[str]] = {}
    for rule in rules:
        for need in rule.condition.unseen(observation):
            needs.setdefault(need, []).append(rule.id)
    found = [f"{need} cannot be read: {', '.join(ids)}" for need, ids in needs.items()]
    logs = [rule.id for rule in rules if rule.condition.name == "log-errors"]
    if logs and not observation.log_errors:
        found.append(f"logs are looked at by a monitor only: {', '.join(logs)}")
    return tuple(found)


def _failing(rules: Mapping[str, str]) -> list[str]:
    return [f"{rule}, which fails with {why}; {WHERE_IT_FAILS}" for rule, why in rules.items()]


def _data(connection: Connection, namespace: str | None, known: Known, rules: Sequence[Rule]) -> dict[str, Any]:
    by_id = {rule.id: rule for rule in rules}
    firing = [alert for alert in known.alerts if alert.state is State.FIRING]
    told = [alert for alert in firing if alert.told]
    pending = [alert for alert in known.alerts if alert.state is State.PENDING and alert.told]
    # One that follows from another is shown under it, unless that one is not shown itself.
    silenced = [alert for alert in firing if alert.silenced_by]
    return {
        "context": connection.context,
        "namespace": namespace,
        "at": known.at.isoformat(timespec="seconds"),
        "watched": known.watched,
        "firing": [_firing(alert, firing, by_id, known.at) for alert in told[:MAX_ALERTS]],
        "pending": [_pending(alert, by_id, known.at) for alert in pending[:MAX_PENDING]],
        "silenced": [_short(alert) | {"silence": alert.silenced_by} for alert in silenced[:MAX_PENDING]],
        "resolved": [
            _short(alert) | {"at": alert.resolved_at.isoformat(timespec="seconds") if alert.resolved_at else ""}
            for alert in known.recent[:MAX_RECENT]
        ],
        "silences": [silence_data(silence, known.at) for silence in known.silences[:MAX_PENDING]],
        "not_looked_at": list(known.blind),
        "more": {
            "firing": max(0, len(told) - MAX_ALERTS),
            "pending": max(0, len(pending) - MAX_PENDING),
            "silenced": max(0, len(silenced) - MAX_PENDING),
        },
    }


def silence_data(silence: Silence, at: dt.datetime) -> dict[str, Any]:
    """A silence as data."""
    return {
        "id": silence.id,
        "of": str(silence),
        "left": roughly(silence.until - at),
        "until": silence.until.isoformat(timespec="seconds"),
        "why": silence.why,
        "by": silence.by,
    }


def _short(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "severity": alert.severity.value,
        "object": str(alert.object),
        "namespace": alert.object.namespace,
        "summary": alert.summary,
    }


def _firing(alert: Alert, firing: Sequence[Alert], rules: dict[str, Rule], at: dt.datetime) -> dict[str, Any]:
    rule = rules.get(alert.rule)
    explains = [f"{item.rule} of {item.object}" for item in firing if item.inhibited_by == alert.fingerprint]
    return _short(alert) | {
        "since": alert.since.isoformat(timespec="seconds"),
        "for": roughly(at - alert.since),
        "evidence": list(alert.evidence[:MAX_FACTS]),
        "explains": explains[:MAX_PENDING],
        "runbook": rule.config.runbook if rule else "",
    }


def _pending(alert: Alert, rules: dict[str, Rule], at: dt.datetime) -> dict[str, Any]:
    rule = rules.get(alert.rule)
    left = alert.since + rule.config.for_ - at if rule else dt.timedelta()
    return _short(alert) | {"fires_in": roughly(left), "must_hold_for": spoken(rule.config.for_) if rule else ""}


def _summary(known: Known, namespace: str | None) -> str:
    place = f"in namespace {namespace}" if namespace else "in all namespaces"
    firing = [alert for alert in known.alerts if alert.state is State.FIRING]
    told = [alert for alert in firing if alert.told]
    pending = [alert for alert in known.alerts if alert.state is State.PENDING and alert.told]
    parts = []
    if told:
        verb = "fires" if len(told) == 1 else "fire"
        first = " ".join(alert.summary for alert in told[:3])
        rest = f" And {len(told) - 3} more." if len(told) > 3 else ""  # noqa: PLR2004  three are read
        parts.append(f"{count(len(told), 'alert')} {verb} {place}. {first}{rest}")
    else:
        parts.append(f"No alert fires {place}.")
    if explained := sum(1 for alert in firing if alert.inhibited_by and not alert.silenced_by):
        parts.append(f"{count(explained, 'alert')} more {'follows' if explained == 1 else 'follow'} from that.")
    if silenced := sum(1 for alert in firing if alert.silenced_by):
        parts.append(f"{silenced} {'is' if silenced == 1 else 'are'} silenced.")
    if pending:
        names = listed([f"{alert.rule} of {alert.object}" for alert in pending], 3)
        parts.append(f"Pending: {names}.")
    if not known.watched:
        parts.append("Looked at once: what must hold for a while is pending. `shipmate monitor` watches.")
    return " ".join(parts)

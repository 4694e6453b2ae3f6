"""What the monitor says of itself, in Prometheus' text format."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mcp_tools.monitoring.watching import lag

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource
    from mcp_tools.monitoring.monitor import Monitor

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LAGS = (0.25, 0.5, 1, 2, 5, 10, 30, 60)
SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters that the monitor writes while it works; everything else is read when somebody asks.

    Args:
        rules: The ids of those that are evaluated.
    """

    def __init__(self, rules: Iterable[str] = ()) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._lag = Histogram(
            "shipmate_monitor_watch_lag_seconds",
            "How long after its creation an object was heard of, less the second that Kubernetes rounds by.",
            registry=self.registry,
            buckets=LAGS,
        )
        self.evaluation = Histogram(
            "shipmate_monitor_evaluation_seconds",
            "How long one evaluation of all rules took.",
            registry=self.registry,
            buckets=SECONDS,
        )
        self.evaluations = Counter(
            "shipmate_monitor_evaluations",
            "Evaluations by result: done; skipped, as the API server was away; failed.",
            ["result"],
            registry=self.registry,
        )
        for result in ("done", "skipped", "failed"):
            self.evaluations.labels(result)

        self.failures = Counter(
            "shipmate_monitor_rule_failures",
            "Evaluations in which a rule failed and the others went on, by rule.",
            ["rule"],
            registry=self.registry,
        )
        for rule in rules:
            self.failures.labels(rule)

    def heard(self, change: str, item: Resource) -> None:
        """Take note of a change that a watch told."""
        if (seconds := lag(change, item, dt.datetime.now(dt.UTC))) is not None:
            self._lag.observe(seconds)

    def about(self, monitor: Monitor) -> None:
        """Say from now on how a monitor stands, too."""
        self.registry.register(_Standing(monitor))

    def text(self) -> bytes:
        """All of it."""
        return bytes(generate_latest(self.registry))


class _Standing(Collector):
    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        """Read the monitor, its cache and its sinks."""
        yield from self._alerts()
        yield from self._watches()
        yield from self._sinks()

    def _alerts(self) -> Iterator[Metric]:
        alerts = _gauge("shipmate_alerts", "Alerts that stand, by rule, severity and state.", "rule severity state")
        tally = Tally((alert.rule, str(alert.severity), str(alert.state)) for alert in self._monitor.alerts)
        for labels, number in tally.items():
            alerts.add_metric(labels, number)
        yield alerts
        yield GaugeMetricFamily(
            "shipmate_monitor_api_reachable", "1 while the API server answers.", value=float(not self._monitor.away)
        )

    def _watches(self) -> Iterator[Metric]:
        watching = self._monitor.cache.watching
        now = time.monotonic()
        objects = _gauge("shipmate_monitor_objects", "Objects that are kept, by kind.", "kind")
        silence = _gauge(
            "shipmate_monitor_watch_silence_seconds", "How long ago the API server said anything of a kind.", "kind"
        )
        reconnects = _counter(
            "shipmate_monitor_watch_reconnects", "How often a watch broke or could not be begun.", "kind"
        )
        relists = _counter("shipmate_monitor_watch_relists", "How often all of a kind was listed anew.", "kind")
        shown = _gauge("shipmate_monitor_kind_seen", "1 where a kind is shown to this account.", "kind")
        for item in watching:
            kind = [item.kind.name]
            shown.add_metric(kind, float(item.seen))
            objects.add_metric(kind, len(item.shelf))
            if item.heard_at:
                silence.add_metric(kind, now - item.heard_at)
            reconnects.add_metric(kind, item.reconnects)
            relists.add_metric(kind, item.relists)
        yield from (objects, silence, reconnects, relists, shown)

    def _sinks(self) -> Iterator[Metric]:
        told = _counter(
            "shipmate_monitor_sink_alerts", "Alerts by what became of them: sent or dropped.", "sink result"
        )
        failures = _counter("shipmate_monitor_sink_failures", "Tries that failed.", "sink")
        waiting = _gauge("shipmate_monitor_sink_queue", "Alerts that wait to be told.", "sink")
        for outbox in self._monitor.outboxes:
            name = outbox.sink.name
            told.add_metric([name, "sent"], outbox.counts.sent)
            told.add_metric([name, "dropped"], outbox.counts.dropped)
            failures.add_metric([name], outbox.counts.failures)
            waiting.add_metric([name], len(outbox))
        yield from (told, failures, waiting)


def _gauge(name: str, words: str, labels: str) -> Any:
    return GaugeMetricFamily(name, words, labels=labels.split())


def _counter(name: str, words: str, labels: str) -> Any:
    return CounterMetricFamily(name, words, labels=labels.split())

"""A monitor put together: connection, watches, rules, sinks, endpoints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.configuring import MonitorSettings
    from mcp_tools.monitoring.endpoints import Answer
    from mcp_tools.monitoring.monitor import Monitor
    from mcp_tools.monitoring.rules import Rule


@contextmanager
def made_monitor(
    connection: Connection,
    namespace: str | None,
    rules: Sequence[Rule],
    settings: MonitorSettings,
    store: Path,
    *,
    write: Callable[[Alert, str], None],
    say: Callable[[str], None],
) -> Iterator[Monitor]:
    """A monitor that only has to be run; its watches run already, and end with the block.

    Args:
        namespace: None for all of them.
        store: The file in which alerts outlive the process; what is used is kept beside it, for right-sizing.
        write: Writes an alert's line to the terminal.
        say: Told in words what goes wrong, and what works again.

    Raises:
        UsageError: A sink or an address cannot be used as it is configured.
        ShipmateError: The store cannot be used.
    """
    from mcp_tools.monitoring.cache import Cache
    from mcp_tools.monitoring.endpoints import serving
    from mcp_tools.monitoring.evaluating import Evaluator
    from mcp_tools.monitoring.logs import LogErrors
    from mcp_tools.monitoring.metrics import Metrics
    from mcp_tools.monitoring.monitor import Monitor
    from mcp_tools.monitoring.sinks.making import make_sinks
    from mcp_tools.monitoring.sinks.outbox import Outbox
    from mcp_tools.monitoring.store import AlertStore, scope_of
    from mcp_tools.usage.recording import Recorder, cluster_id
    from mcp_tools.usage.store import FILE, UsageStore

    metrics = Metrics(rule.id for rule in rules)
    cache = Cache(connection, namespace, metrics.heard)
    sinks = make_sinks(settings.sinks, write, connection, cache)
    with ExitStack() as stack:
        kept = AlertStore(store)
        stack.callback(kept.close)
        usage = UsageStore(store.with_name(FILE))
        stack.callback(usage.close)
        evaluator = Evaluator(rules, store=kept, silences=kept.silences, scope=scope_of(connection, namespace))
        monitor = Monitor(
            connection,
            stack.enter_context(cache),
            evaluator,
            [Outbox(sink, say) for sink in sinks],
            metrics,
            interval=settings.interval_seconds,
            say=say,
            logs=LogErrors(connection) if settings.log_errors else None,
            record=Recorder(usage, cluster_id(connection)).record,
        )
        metrics.about(monitor)
        if settings.listen:
            where = stack.enter_context(serving(settings.listen, pages(monitor, metrics.text)))
            say(f"Metrics: http://{where}/metrics; health: /healthz, /readyz.")
        yield monitor


def pages(monitor: Monitor, metrics: Callable[[], bytes]) -> Mapping[str, Callable[[], Answer]]:
    """What is served over HTTP, by path."""
    from mcp_tools.monitoring.metrics import CONTENT_TYPE

    def state(good: bool, words: str) -> Answer:  # noqa: FBT001  two words
        return (200, "text/plain", b"ok\n") if good else (503, "text/plain", f"{words}\n".encode())

    return {
        "/metrics": lambda: (200, CONTENT_TYPE, metrics()),
        "/healthz": lambda: state(monitor.healthy, "The loop does not go round."),
        "/readyz": lambda: state(monitor.ready, monitor.away or "Nothing is evaluated yet."),
    }


def stopping() -> threading.Event:
    """An event that SIGINT and SIGTERM set, the second of them ending the process as usual."""
    import signal

    stop = threading.Event()

    def handle(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    return stop

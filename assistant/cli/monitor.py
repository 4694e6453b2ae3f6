"""`shipmate monitor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from mcp_tools.monitoring.alert import Alert
    from mcp_tools.monitoring.configuring import MonitorSettings

COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}


@click.command()
@click.option("-A", "--all-namespaces", is_flag=True, help="Not one namespace only.")
@click.option("--interval", type=float, metavar="SECONDS", help="Between two evaluations. Default: 15.")
@click.option("--listen", metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz, such as 127.0.0.1:9464.")
@click.option("--webhook", metavar="URL", help="Tell a webhook, in Alertmanager's JSON.")
@click.option("--alertmanager", metavar="URL", help="Tell an Alertmanager.")
@click.option("--slack-env", metavar="NAME", help="Tell the incoming webhook whose address this variable holds.")
@click.option("--desktop", is_flag=True, help="Show notifications.")
@click.option("--events", is_flag=True, help="Write Events into the cluster.")
@click.option("--log-errors", is_flag=True, help="Count errors in the pods' logs, too.")
@cluster_options
def monitor(  # noqa: PLR0917  one parameter an option, as click has it
    chosen: Chosen,
    interval: float | None,
    listen: str | None,
    webhook: str | None,
    alertmanager: str | None,
    slack_env: str | None,
    *,
    all_namespaces: bool,
    desktop: bool,
    events: bool,
    log_errors: bool,
) -> None:
    """Watch a namespace or the cluster, and tell of alerts when they are raised and when they resolve.

    \b
      shipmate monitor -A
      shipmate monitor -n todo-app --webhook http://127.0.0.1:8080/alerts --listen 127.0.0.1:9464

    It runs until Ctrl-C or SIGTERM. Outages of the API server and restarts lose no alert and repeat none. Where
    alerts go can be said in config.toml, too: [monitor.sinks].
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    from mcp_tools.cluster.connection import connect
    from mcp_tools.monitoring.rules import load_rules
    from mcp_tools.monitoring.running import made_monitor, stopping
    from mcp_tools.monitoring.store import FILE
    from mcp_tools.paths import state_dir

    settings = chosen.settings()
    sinks = {
        "webhook": {"url": webhook} if webhook else None,
        "alertmanager": {"url": alertmanager} if alertmanager else None,
        "slack": {"url_env": slack_env} if slack_env else None,
        "desktop": desktop,
        "kubernetes_events": events,
    }
    how = _over(settings.monitor, {"interval_seconds": interval, "listen": listen, "log_errors": log_errors}, sinks)
    rules = load_rules(settings.alerts.rules_file)
    stop = stopping()
    connection = connect(settings.target)
    try:
        namespace = None if all_namespaces else connection.namespace
        store = state_dir() / FILE
        with made_monitor(connection, namespace, rules, how, store, write=_write, say=_say) as made:
            told = ", ".join(outbox.sink.name for outbox in made.outboxes) or "nobody"
            place = f"namespace {namespace}" if namespace else "all namespaces"
            _say(
                f"Watching {place} of {connection.context}: {len(rules)} rules every {how.interval_seconds:g} s, "
                f"telling {told}. Ctrl-C ends it."
            )
            made.run(stop)
    finally:
        connection.close()


def _over(configured: MonitorSettings, given: dict[str, Any], sinks: dict[str, Any]) -> MonitorSettings:
    """What the command line says, over the file."""
    from pydantic import ValidationError

    from mcp_tools.errors import UsageError
    from mcp_tools.monitoring.configuring import MonitorSettings

    raw = configured.model_dump()
    raw |= {key: value for key, value in given.items() if value}
    raw["sinks"] |= {key: value for key, value in sinks.items() if value}
    try:
        return MonitorSettings.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise UsageError(f"The monitor cannot run like this: {problems}.", "See: shipmate monitor --help") from error


def _write(alert: Alert, line: str) -> None:
    click.secho(line, fg="green" if alert.resolved_at else COLOURS[alert.severity])


def _say(words: str) -> None:
    import datetime as dt

    from mcp_tools.monitoring.sinks.wording import plain

    click.echo(f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} {plain(words)}", err=True)

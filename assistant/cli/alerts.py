"""`shipmate alerts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.monitoring.rules import Rule
    from mcp_tools.monitoring.store import AlertStore

FIRING = 1
_LIST_OPTIONS = (
    click.option("-A", "--all-namespaces", is_flag=True, help="Not in one namespace only."),
    click.option("--json", "as_json", is_flag=True, help="As one JSON object."),
)


def _list_options(command: Any) -> Any:
    for option in reversed(_LIST_OPTIONS):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_list_options
@cluster_options
@click.pass_context
def alerts(ctx: click.Context, chosen: Chosen, *, all_namespaces: bool, as_json: bool) -> None:
    """List what is alerted of: what a running monitor saw, or else what one look shows.

    \b
      shipmate alerts -n todo-app
      shipmate alerts silence backend --for 2h --why "load test"
      shipmate alerts export --format prometheusrule | kubectl apply -f -

    Exit: 0 nothing fires, 1 something does.
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    ctx.obj = chosen
    if ctx.invoked_subcommand is None:
        _list(ctx, chosen, all_namespaces=all_namespaces, as_json=as_json)


@alerts.command("list")
@_list_options
@cluster_options
@click.pass_context
def list_(ctx: click.Context, chosen: Chosen, *, all_namespaces: bool, as_json: bool) -> None:
    """The same as without a word."""
    _list(ctx, chosen, all_namespaces=all_namespaces, as_json=as_json)


def _list(ctx: click.Context, chosen: Chosen, *, all_namespaces: bool, as_json: bool) -> None:
    from mcp_tools.toolbox import Toolbox

    settings = chosen.settings()
    toolbox = Toolbox(settings.target, policy=settings.policy, alerting=settings.alerts)
    try:
        arguments = {"show": "alerts", **({"all_namespaces": True} if all_namespaces else {})}
        result = toolbox.call("cluster_overview", arguments)
    finally:
        toolbox.close()
    if as_json:
        import json

        click.echo(json.dumps(result.data, ensure_ascii=False))
    else:
        from assistant.render.alerts import render_alerts

        _emit(render_alerts(result))
    ctx.exit(FIRING if result.data["firing"] else 0)


@alerts.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.argument("rule", required=False)
def rules(rule: str | None, *, as_json: bool) -> None:
    """List the rules, or show RULE in full. Needs no cluster."""
    from mcp_tools.errors import NotFound

    known = {item.id: item for item in _rules()}
    if rule is not None and rule not in known:
        raise NotFound(f"There is no alert rule {rule!r}.", "`shipmate alerts rules` lists them.")
    shown = [known[rule]] if rule else list(known.values())
    if as_json:
        import json

        click.echo(json.dumps({"rules": [item.as_data() for item in shown]}, ensure_ascii=False))
        return
    from assistant.render.alerts import render_rule, render_rules

    _emit(render_rule(shown[0]) if rule else render_rules(shown))


@alerts.command()
@click.argument("what", required=False)
@click.option("--for", "time", required=True, metavar="TIME", help="Such as 30m, 2h or 3d.")
@click.option("--rule", metavar="RULE", help="Only alerts of this rule; * and ? stand for any letters.")
@click.option("--why", default="", metavar="TEXT", help="For whoever wonders later.")
@cluster_options
def silence(chosen: Chosen, what: str | None, time: str, rule: str | None, why: str) -> None:
    """Tell nobody of alerts about WHAT (a name or kind/name; * and ? stand for any letters) for a while.

    They still fire and are listed. Without -n it holds for every namespace.

    \b
      shipmate alerts silence backend --for 2h --why "load test"
      shipmate alerts silence --rule quota-filling --for 7d
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    from mcp_tools.monitoring.silencing import silenced

    with _store() as store:
        made = silenced(
            store, _rules(), time, object=what or "", rule=rule or "", namespace=chosen.namespace or "", why=why
        )
    click.echo(made)


@alerts.command()
@click.argument("silence_id", metavar="ID|NAME")
def unsilence(silence_id: str) -> None:
    """End a silence before its time, by its id or by the object it is about."""
    from mcp_tools.monitoring.silencing import unsilenced

    with _store() as store:
        click.echo(unsilenced(store, silence_id))


@alerts.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def silences(*, as_json: bool) -> None:
    """List the silences in force. Needs no cluster."""
    import datetime as dt

    from mcp_tools.monitoring.report import silence_data

    now = dt.datetime.now(dt.UTC)
    with _store() as store:
        found = [silence_data(item, now) for item in store.silences(now)]
    if as_json:
        import json

        click.echo(json.dumps({"silences": found}, ensure_ascii=False))
        return
    from assistant.render.alerts import render_silences

    _emit(render_silences(found))


@alerts.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["prometheusrule", "prometheus"]),
    default="prometheusrule",
    show_default=True,
    help="For the Prometheus operator, or as a rule file.",
)
def export(form: str) -> None:
    """Print the rules for Prometheus, in PromQL. Needs no cluster."""
    from mcp_tools.monitoring.exporting import FORMS
    from mcp_tools.monitoring.exporting import export as exported

    wanted = next(one for one in FORMS if one == form)
    click.echo(exported(_rules(), wanted), nl=False)


def _rules() -> tuple[Rule, ...]:
    from assistant.settings import load_config
    from mcp_tools.monitoring.rules import load_rules

    return load_rules(load_config().alerts.rules_file)


def _store() -> Any:
    from contextlib import closing

    from mcp_tools.monitoring.store import FILE, AlertStore
    from mcp_tools.paths import state_dir

    store: AlertStore = AlertStore(state_dir() / FILE)
    return closing(store)


def _emit(renderable: RenderableType) -> None:
    from assistant.render.consoles import make_console
    from assistant.render.tables import emit

    emit(make_console(), renderable)

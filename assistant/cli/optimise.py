"""`shipmate optimise`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assistant.cli.consent import consent_options
from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from assistant.settings import Settings
    from mcp_tools.toolbox import Toolbox

FORMATS = ("patch", "values", "json")


@click.command()
@click.argument("target", required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="Not in one namespace only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="patch: of manifests (strategic merge); values: of the Helm release; json: everything.",
)
@click.option("--apply", is_flag=True, help="Make the change: shown, asked for, watched, taken back if it gets worse.")
@cluster_options
@consent_options
@click.pass_context
def optimise(
    ctx: click.Context,
    chosen: Chosen,
    target: str | None,
    form: str | None,
    *,
    all_namespaces: bool,
    apply: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Say what TARGET (a workload; default: all of the namespace) asks for, what it uses, and what it should be given.

    \b
      shipmate usage record --for 1h      first, for as long as you can
      shipmate optimise
      shipmate optimise backend --format patch > resources.yaml
      shipmate optimise backend --apply
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    settings = chosen.settings()
    if apply:
        if form or all_namespaces:
            raise click.UsageError("--apply changes the cluster: it takes no --format and no --all-namespaces.")
        from assistant.oneshot import call

        arguments = {"target": target or f"namespaces/{_namespace(settings)}", "measured": True}
        ctx.exit(call(settings, "configure_workload", arguments, yes=yes, dry_run=dry_run, as_json=as_json))
    if yes or dry_run:
        raise click.UsageError("Without --apply nothing is changed: leave out --yes and --dry-run.")
    from mcp_tools.toolbox import Toolbox

    toolbox = Toolbox(settings.target, policy=settings.policy, measuring=settings.measuring)
    try:
        _tell(toolbox, target, form or ("json" if as_json else ""), all_namespaces=all_namespaces)
    finally:
        toolbox.close()


def _namespace(settings: Settings) -> str:
    from mcp_tools.cluster.connection import connect

    connection = connect(settings.target)
    try:
        return connection.namespace
    finally:
        connection.close()


def _tell(toolbox: Toolbox, target: str | None, form: str, *, all_namespaces: bool) -> None:
    from mcp_tools.cluster.resolve import WORKLOADS, find_object
    from mcp_tools.redaction import redact, redact_text
    from mcp_tools.sizing.looking import size
    from mcp_tools.sizing.report import MOST, tell
    from mcp_tools.toolbox import ToolResult

    connection = toolbox.connection
    where = None if all_namespaces else connection.namespace
    name = ""
    if target:
        found = find_object(connection, target, where, WORKLOADS)
        where, name = found.namespace, f"{found.kind.name}/{found.name}"
    sized = size(connection, toolbox.usage, toolbox.measuring, where, name)
    if form in {"patch", "values"}:
        from mcp_tools.sizing.patches import as_patch, as_values

        text = as_patch(sized) if form == "patch" else as_values(connection, sized)
        click.echo(redact_text(text) or "# Nothing to change: what was measured fits, or too little was.\n", nl=False)
        return
    answer = tell(sized, toolbox.measuring, where, most=None if form else MOST)
    result = ToolResult(redact_text(answer.summary), redact(answer.data))
    if form:
        import json

        click.echo(json.dumps({"summary": result.summary, **result.data}, ensure_ascii=False))
        return
    from assistant.render.consoles import make_console
    from assistant.render.sizing import render_sizing
    from assistant.render.tables import emit

    emit(make_console(), render_sizing(result))

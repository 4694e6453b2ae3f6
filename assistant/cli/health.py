"""`shipmate health`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from mcp_tools.toolbox import ToolResult


@click.command()
@click.argument("what", required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="The whole cluster, with its nodes.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--watch", is_flag=True, help="As a live dashboard, until q or Ctrl-C.")
@click.option("--every", type=click.FloatRange(1, 3600), default=5.0, show_default=True, help="Seconds, with --watch.")
@click.option("--fail-below", type=click.IntRange(0, 100), metavar="N", help="Exit with 1 below this score.")
@cluster_options
@click.pass_context
def health(
    ctx: click.Context,
    chosen: Chosen,
    what: str | None,
    every: float,
    fail_below: int | None,
    *,
    all_namespaces: bool,
    as_json: bool,
    watch: bool,
) -> None:
    """Say how healthy WHAT (a workload or namespace; default: the namespace) is, why, and what to do first.

    \b
      shipmate health
      shipmate health backend -n todo-app
      shipmate health -A --fail-below 80
      shipmate health --watch

    Exit: 0; 1 where the score is below --fail-below.
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    if all_namespaces and (what or chosen.namespace):
        raise click.UsageError("--all-namespaces is the whole cluster: leave out the name and the namespace.")
    if watch and (what or as_json or fail_below is not None):
        raise click.UsageError("--watch shows a namespace or, with -A, all: it takes no name, --json or --fail-below.")
    settings = chosen.settings()
    from mcp_tools.toolbox import Toolbox

    toolbox = Toolbox(settings.target, policy=settings.policy, health=settings.health)
    try:
        if watch:
            from assistant.dashboard import run

            ctx.exit(run(toolbox, everywhere=all_namespaces, every=every))
        where: dict[str, Any] = {"all_namespaces": True} if all_namespaces else {"target": what} if what else {}
        result = toolbox.call("cluster_overview", {"show": "health", **where})
    finally:
        toolbox.close()
    _tell(result, as_json=as_json)
    score = (result.data["health"] or {}).get("score")
    ctx.exit(int(fail_below is not None and (score is None or score < fail_below)))


def _tell(result: ToolResult, *, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps(result.data, ensure_ascii=False))
        return
    from assistant.render.consoles import make_console
    from assistant.render.health import render_health
    from assistant.render.tables import emit

    emit(make_console(), render_health(result))

"""`shipmate diagnose`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from mcp_tools.toolbox import ToolResult

WATCH_SECONDS = 5.0


@click.command()
@click.argument("what", required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="Not in one namespace only.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--format", "form", type=click.Choice(["markdown", "html"]), help="As a report for a ticket.")
@click.option("--watch", is_flag=True, help="Again every 5 seconds, whenever the answer is another.")
@click.option(
    "--path",
    type=click.Path(exists=True, file_okay=False),
    help="A checkout instead of a cluster: Dockerfiles, charts, manifests and code against each other.",
)
@cluster_options
@click.pass_context
def diagnose(
    ctx: click.Context,
    chosen: Chosen,
    what: str | None,
    form: str | None,
    path: str | None,
    *,
    all_namespaces: bool,
    as_json: bool,
    watch: bool,
) -> None:
    """Say why WHAT (a name or kind/name; default: anything) does not work, with the evidence.

    \b
      shipmate diagnose
      shipmate diagnose backend -n todo-app
      shipmate diagnose -A --format markdown > ticket.md
      shipmate diagnose --path .

    Exit: 0 nothing is wrong, 1 something is.
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    if path is not None:
        if what or all_namespaces or watch:
            raise click.UsageError("--path looks at files: it takes no name, no --all-namespaces and no --watch.")
        ctx.exit(_of_path(path, form, as_json=as_json))

    settings = chosen.settings()
    toolbox = settings.toolbox()
    arguments: dict[str, Any] = {"all_namespaces": True} if all_namespaces else {}
    if what:
        arguments["target"] = what
    told = ""
    try:
        while True:
            result = toolbox.call("diagnose", arguments)
            if result.summary != told:
                _tell(result, form, as_json=as_json)
            told = result.summary
            if not watch:
                break
            time.sleep(WATCH_SECONDS)
    finally:
        toolbox.close()
    ctx.exit(int(bool(result.data["findings"])))


def _of_path(path: str, form: str | None, *, as_json: bool) -> int:
    from pathlib import Path

    from mcp_tools.diagnosis.layers.report import report_sources
    from mcp_tools.toolbox import ToolResult

    answer = report_sources(Path(path))
    _tell(ToolResult(answer.summary, answer.data), form, as_json=as_json)
    return int(bool(answer.data["findings"]))


def _tell(result: ToolResult, form: str | None, *, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps(result.data, ensure_ascii=False))
        return
    from assistant.render.diagnosis import as_html, as_markdown, render_diagnosis

    if form:
        click.echo({"markdown": as_markdown, "html": as_html}[form](result.summary, result.data), nl=False)
        return
    from assistant.render.consoles import make_console
    from assistant.render.tables import emit

    emit(make_console(), render_diagnosis(result))

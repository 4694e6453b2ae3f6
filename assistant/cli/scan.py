"""`shipmate scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mcp_tools.docker.scanning.report import Report
    from mcp_tools.docker.scanning.scan import Format

SEVERITIES = ("critical", "high", "medium", "low", "negligible")
BILLS: dict[str, Format] = {"cyclonedx": "cyclonedx", "spdx": "spdx"}
FORMATS = ("json", "sarif", *BILLS)


@click.command()
@click.argument("image")
@click.option("--database", metavar="PATH|URL", help="Vulnerability data in OSV's format: a file, folder, zip or URL.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 1 from this severity on.")
@click.option("--ignore", multiple=True, metavar="ID", help="A vulnerability or finding that is accepted.")
@click.option("--only-fixable", is_flag=True, help="What has no fix yet does not fail the gate.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Whole, as a report or a bill of materials.")
@click.pass_context
def scan(  # noqa: PLR0917  one parameter an option, as click has it
    ctx: click.Context,
    image: str,
    database: str | None,
    fail_on: str | None,
    ignore: tuple[str, ...],
    form: str | None,
    *,
    only_fixable: bool,
) -> None:
    """Say whether IMAGE of the Docker engine is safe: vulnerabilities of its packages, and its configuration.

    \b
      shipmate scan todo-backend:1.0.0 --database osv-all.zip --fail-on high
      shipmate scan todo-backend:1.0.0 --format cyclonedx > sbom.cdx.json

    Exit: 0 passed, 1 the gate failed, 2 it cannot be judged for want of data.
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    from mcp_tools.docker.engine import engine
    from mcp_tools.docker.scanning.filing import SAVE_SECONDS
    from mcp_tools.docker.scanning.scan import examine, sbom

    with engine(SAVE_SECONDS) as api:
        if bill := BILLS.get(form or ""):
            click.echo(sbom(api, image, bill))
            return
        report = examine(api, image, database=database, fail_on=fail_on, ignore=ignore, only_fixable=only_fixable)
    _tell(report, form)
    ctx.exit(report.gate.exit_code if fail_on else 0)


def _tell(report: Report, form: str | None) -> None:
    from mcp_tools.docker.scanning.report import answer, as_json
    from mcp_tools.docker.scanning.sarif import as_sarif

    if form:
        click.echo({"json": as_json, "sarif": as_sarif}[form](report))
        return
    from assistant.render.consoles import make_console
    from assistant.render.images import render_safety
    from assistant.render.tables import emit
    from mcp_tools.toolbox import ToolResult

    told = answer(report)
    emit(make_console(), render_safety(ToolResult(told.summary, told.data)))

"""`shipmate doctor`."""

from __future__ import annotations

import click

from assistant.cli.options import Chosen, cluster_options


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@cluster_options
@click.pass_context
def doctor(ctx: click.Context, chosen: Chosen, *, as_json: bool) -> None:
    """Show what is configured, reachable and missing. Exit: 0, or 1 when something configured is broken."""
    from assistant.doctor import State, examine

    findings = examine(chosen)
    if as_json:
        import json
        from dataclasses import asdict

        rows = [{**asdict(finding), "state": finding.state.value} for finding in findings]
        click.echo(json.dumps({"findings": rows}, ensure_ascii=False))
    else:
        from assistant.render.checkup import render_checkup
        from assistant.render.consoles import make_console
        from assistant.render.tables import emit

        emit(make_console(), render_checkup(findings))
    ctx.exit(int(any(finding.state is State.BROKEN for finding in findings)))

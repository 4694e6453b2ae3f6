"""`shipmate history`."""

from __future__ import annotations

import click

from assistant.cli.options import Chosen, cluster_options


@click.command()
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many changes.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@cluster_options
@click.pass_context
def history(ctx: click.Context, chosen: Chosen, limit: int, *, as_json: bool) -> None:
    """List what was changed, newest first: when, where, the change, how it ended. Needs no cluster."""
    from assistant.oneshot import call

    ctx.exit(call(chosen.settings(), "list_changes", {"limit": limit}, as_json=as_json))

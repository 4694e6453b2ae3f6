"""`shipmate undo`."""

from __future__ import annotations

import click

from assistant.cli.consent import consent_options
from assistant.cli.options import Chosen, cluster_options


@click.command()
@click.argument("change", type=click.IntRange(min=1), required=False)
@cluster_options
@consent_options
@click.pass_context
def undo(ctx: click.Context, chosen: Chosen, change: int | None, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Put back what CHANGE replaced (default: the last one in this context), unless somebody changed it since."""
    from assistant.oneshot import call

    arguments = {"change_id": change} if change else {}
    ctx.exit(call(chosen.settings(), "undo_change", arguments, yes=yes, dry_run=dry_run, as_json=as_json))

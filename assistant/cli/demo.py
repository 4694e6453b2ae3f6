"""`shipmate demo`."""

from __future__ import annotations

import click

from assistant.cli.options import Chosen, cluster_options

REQUESTS = ("status", "scale backend to 3")


@click.command()
@cluster_options
@click.pass_context
def demo(ctx: click.Context, chosen: Chosen) -> None:
    """See the main job on the embedded cluster: the todo stack, a change with its diff, the rollout, the result.

    Begins with a fresh sandbox. On a terminal it asks before the change and stays in the chat; elsewhere it approves
    the change itself and ends.
    """
    from assistant.demo import show

    ctx.exit(show(chosen, REQUESTS))

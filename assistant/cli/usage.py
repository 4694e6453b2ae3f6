"""`shipmate usage`."""

from __future__ import annotations

import sys

import click

from assistant.cli.durations import duration
from assistant.cli.options import Chosen, cluster_options


@click.group()
def usage() -> None:
    """Record what workloads use, for `shipmate optimise`."""


@usage.command("record")
@click.option(
    "--for",
    "seconds",
    callback=duration,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="How long: 10m, 1h, 1d.",
)
@click.option("--every", callback=duration, metavar="TIME", default="15s", show_default=True, help="Between two looks.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Not of one namespace only.")
@cluster_options
@click.pass_context
def record(ctx: click.Context, chosen: Chosen, seconds: float, every: float, *, all_namespaces: bool) -> None:
    """Look again and again at what containers use, and keep it; Ctrl-C ends it, and what was seen stays.

    \b
      shipmate usage record --for 1h --every 30s -A
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    import threading

    from mcp_tools.reads.answer import count
    from mcp_tools.usage.recording import record_for

    settings = chosen.settings()
    toolbox = settings.toolbox()
    seen = [0, 0]

    def tell(looks: int, samples: int) -> None:
        seen[:] = [looks, samples]
        if sys.stderr.isatty():
            click.echo(f"\r{count(looks, 'look')}, {count(samples, 'sample')} ", err=True, nl=False)

    try:
        where = None if all_namespaces else toolbox.connection.namespace
        record_for(
            toolbox.connection,
            toolbox.usage,
            where,
            seconds=seconds,
            every=every,
            stop=threading.Event(),
            tell=tell,
        )
    except KeyboardInterrupt:
        click.echo(err=True)
    finally:
        toolbox.close()
    place = "all namespaces" if all_namespaces else f"namespace {where}"
    click.echo(f"Recorded {count(seen[1], 'sample')} of {place} in {count(seen[0], 'look')}.")
    click.echo("`shipmate optimise` says what follows from it.")
    ctx.exit(0 if seen[1] else 1)

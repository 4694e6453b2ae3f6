"""`shipmate sandbox`."""

from __future__ import annotations

import click


@click.group()
def sandbox() -> None:
    """Start, stop or reach the embedded cluster.

    It speaks the Kubernetes API on this machine only, holds the todo stack, and ends by itself when nobody uses it.
    """


@sandbox.command()
def start() -> None:
    """Start it if it does not run, and print where it is."""
    from mcp_tools.sandbox.lifecycle import ensure_running

    info = ensure_running()
    click.echo(f"The sandbox runs at {info.url}.")
    click.echo(f"kubectl --kubeconfig {info.kubeconfig} get pods")


@sandbox.command()
def stop() -> None:
    """End it, with everything in it."""
    from mcp_tools.sandbox.lifecycle import stop as end

    click.echo("The sandbox is stopped." if end() else "No sandbox runs.")


@sandbox.command()
def reset() -> None:
    """Begin again with a fresh one."""
    from mcp_tools.sandbox.lifecycle import reset as again

    click.echo(f"A fresh sandbox runs at {again().url}.")


@sandbox.command()
def kubeconfig() -> None:
    """Print the path of its kubeconfig, for `kubectl --kubeconfig`; starts it if it does not run."""
    from mcp_tools.sandbox.lifecycle import ensure_running

    click.echo(ensure_running().kubeconfig)

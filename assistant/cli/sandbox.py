"""`shipmate sandbox`."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def sandbox() -> None:
    """Start, stop or reach the embedded cluster.

    It speaks the Kubernetes API on this machine only, holds the todo stack, and ends by itself when nobody uses it.
    """


@sandbox.command()
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep its objects in this folder.")
@click.option("--empty", is_flag=True, help="Without the todo stack.")
def start(data: Path | None, *, empty: bool) -> None:
    """Start it if it does not run, and print where it is."""
    from mcp_tools.errors import UsageError
    from mcp_tools.sandbox.lifecycle import ensure_running

    info = ensure_running(data=data, empty=empty)
    if data and info.data != data.absolute():
        raise UsageError("A sandbox runs already that keeps its data elsewhere.", "First: shipmate sandbox stop")
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


@sandbox.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="With the true causes, to score a diagnosis by.")
def list_(*, as_json: bool) -> None:
    """Name the faults that `break` can put into it."""
    from mcp_tools.sandbox.faults import all_faults

    faults = all_faults()
    if as_json:
        import json
        from dataclasses import asdict

        keys = ("name", "mode", "description", "cause")
        told = [
            {key: asdict(found.cause) if key == "cause" else getattr(found, key) for key in keys}
            for found in faults.values()
        ]
        click.echo(json.dumps(told, indent=2))
        return
    width = max(map(len, faults))
    for found in faults.values():
        click.echo(f"{found.name:{width}}  {found.description}")


@sandbox.command(name="break")
@click.argument("fault")
@click.option("--explain", is_flag=True, help="Say what is really wrong, too.")
def break_(fault: str, *, explain: bool) -> None:
    """Put a fault into the todo stack; `reset` heals it.

    \b
      shipmate sandbox break image-tag
      shipmate sandbox list            what there is
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    import difflib

    from mcp_tools.errors import NotFound
    from mcp_tools.sandbox.faults import all_faults, find, over_https
    from mcp_tools.sandbox.lifecycle import ensure_running

    found = find(fault)
    if found is None:
        close = tuple(difflib.get_close_matches(fault, all_faults()))
        near = f"Did you mean {' or '.join(close)}? " if close else ""
        raise NotFound(f"There is no fault {fault!r}.", f"{near}All of them: shipmate sandbox list", close)
    found.inject(over_https(ensure_running().kubeconfig))
    click.echo(f"{found.description}.")
    if explain:
        cause = found.cause
        place = f"{cause.kind}/{cause.name}" + (f", {cause.field}" if cause.field else "")
        click.echo(f"{place}: {cause.failure}.")
    click.echo("To heal it: shipmate sandbox reset")


@sandbox.command(name="import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def import_(file: Path) -> None:
    """Load objects from a dump of a real cluster, beside what is there.

    FILE is what `kubectl get -o yaml` or `-o json` prints, or a folder of such files (a must-gather).
    """
    from mcp_tools.sandbox.dumps import load
    from mcp_tools.sandbox.faults import over_https
    from mcp_tools.sandbox.lifecycle import ensure_running

    report = load(file, over_https(ensure_running().kubeconfig))
    click.echo(f"{report.created} objects loaded, {report.present} were there already, {len(report.refused)} refused.")
    for line in report.refused:
        click.echo(f"  {line}", err=True)

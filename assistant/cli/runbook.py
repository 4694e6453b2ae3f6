"""`shipmate runbook`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assistant.cli.consent import consent_options
from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from mcp_tools.runbooks.model import Runbook

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MOST_BYTES = 64_000


@click.group()
def runbook() -> None:
    """List, show or run runbooks: procedures whose steps are tools, each verified.

    Your own are Markdown files in `runbooks` beside config.toml; one there stands before a shipped one of its name.
    """


@runbook.command("list")
def list_them() -> None:
    """List them."""
    from assistant.render.prose import say
    from assistant.runbooks.telling import told
    from mcp_tools.runbooks.library import library

    say(told(library()))


@runbook.command()
@click.argument("name", required=False)
@click.option("--file", type=FILE, help="A runbook in a file, instead of NAME.")
def show(name: str | None, file: Path | None) -> None:
    """Show one in full."""
    from assistant.render.prose import say
    from assistant.runbooks.telling import shown

    say(shown(_found(name, file)))


@runbook.command()
@click.argument("name", required=False)
@click.option("--file", type=FILE, help="A runbook in a file, instead of NAME.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; a secret: env:NAME, file:PATH.")
@click.option("--from", "start", type=click.IntRange(min=1), default=1, help="The step to begin with.")
@cluster_options
@consent_options
@click.pass_context
def run(  # noqa: PLR0917  one parameter an option, as click has it
    ctx: click.Context,
    name: str | None,
    file: Path | None,
    given: tuple[str, ...],
    start: int,
    chosen: Chosen,
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run one, step by step: every change is shown, approved and verified, and a failed check ends it.

    \b
      shipmate runbook run scale --set workload=backend --set replicas=3
      shipmate runbook run rotate-secret --set secret=db --set key=PASSWORD --set workload=api --set value=env:NEW

    Exit: 0 done, 1 a step failed, 2 wrong, 3 declined, 4 needs an approval and nobody is there.
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    from assistant.oneshot import run_with
    from assistant.runbooks.running import Ask, RunbookRun

    found = _found(name, file)
    ask = Ask(found, _given(found, given), start)
    ctx.exit(
        run_with(
            chosen.settings(),
            lambda toolbox: RunbookRun(toolbox, ask),
            f"run the runbook {found.name}",
            yes=yes,
            dry_run=dry_run,
            as_json=as_json,
        )
    )


def _found(name: str | None, file: Path | None) -> Runbook:
    from mcp_tools.errors import UsageError
    from mcp_tools.runbooks.library import library
    from mcp_tools.runbooks.parsing import read

    if file is not None and name is None:
        return read(file)
    if name is not None and file is None:
        return library().get(name)
    raise UsageError("Which runbook?", "Name one, or give --file; `shipmate runbook list` lists them.")


def _given(found: Runbook, pairs: tuple[str, ...]) -> dict[str, str]:
    from mcp_tools.errors import UsageError

    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"{pair!r} sets nothing.", "Write it as --set NAME=VALUE.")
        parameter = found.parameters.get(name)
        values[name] = _secret(name, value) if parameter and parameter.type == "secret" else value
    return values


def _secret(name: str, where: str) -> str:
    """A secret from where no other process reads it along."""
    from mcp_tools.errors import UsageError

    kind, _, place = where.partition(":")
    if kind == "env" and place in os.environ:
        return os.environ[place]
    try:
        if kind == "file" and place:
            return Path(place).expanduser().read_text(encoding="utf-8")[:MOST_BYTES].rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{name} cannot be read from {place}: {error}.", "Name a text file.") from error
    raise UsageError(
        f"{name} is a secret, and everybody on the machine sees what is typed.",
        f"Give --set {name}=env:NAME of a variable that is set, or {name}=file:PATH.",
    )

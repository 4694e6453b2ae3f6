"""`shipmate ask`."""

from __future__ import annotations

import sys

import click

from assistant.cli.consent import consent_options
from assistant.cli.options import Chosen, cluster_options

MAX_INPUT = 100_000


@click.command()
@click.argument("request", nargs=-1)
@cluster_options
@consent_options
@click.pass_context
def ask(
    ctx: click.Context, chosen: Chosen, request: tuple[str, ...], *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Answer one request and exit.

    The answer goes to standard output, and nothing else does; diffs, questions and progress go to standard error.
    Without a REQUEST it is read from standard input.

    \b
      shipmate ask "status"
      shipmate ask "scale backend to 3" --yes
      shipmate ask "get pods -A" --json | jq .

    \b
    Exit: 0 done, 1 failed, 2 not understood or wrong, 3 declined, 4 needs an approval and nobody is there.
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    from assistant.oneshot import answer

    text = " ".join(request).strip()
    if text in {"", "-"}:
        if not text and sys.stdin.isatty():
            raise click.UsageError('There is no request. For example: shipmate ask "status"', ctx)
        text = sys.stdin.read(MAX_INPUT).strip()
    ctx.exit(answer(chosen.settings(), text, yes=yes, dry_run=dry_run, as_json=as_json))

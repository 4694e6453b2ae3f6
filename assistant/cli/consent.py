"""The options of commands that may change something."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click


def consent_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--yes`, `--dry-run` and `--json`."""

    @click.option("-y", "--yes", is_flag=True, help="Approve every change of this request.")
    @click.option("--dry-run", is_flag=True, help="Show the diff and change nothing.")
    @click.option("--json", "as_json", is_flag=True, help="The answer as one JSON object.")
    @functools.wraps(command)
    def wrapped(*args: Any, yes: bool, dry_run: bool, **more: Any) -> Any:
        if yes and dry_run:
            raise click.UsageError("--yes and --dry-run exclude each other.")
        return command(*args, yes=yes, dry_run=dry_run, **more)

    return wrapped

"""The `shipmate` command: which subcommands there are, and how a process ends."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any

import click

from assistant.cli.options import Chosen, cluster_options

COMMANDS = {
    "alerts": "List what is alerted of; silence it; the rules.",
    "agents": "List, show, run or schedule agents.",
    "ask": "Answer one request and exit.",
    "demo": "See the main job on the embedded cluster.",
    "diagnose": "Say why something does not work.",
    "doctor": "Show what is configured, reachable and missing.",
    "health": "Say how healthy it is, and what to do first.",
    "history": "List what was changed.",
    "mcp": "Serve the tools to an MCP client.",
    "monitor": "Watch, and tell of alerts.",
    "optimise": "Say what workloads need, and give it to them.",
    "runbook": "List, show or run runbooks.",
    "sandbox": "Start, stop or reach the embedded cluster.",
    "scan": "Say whether an image is safe.",
    "undo": "Put back what a change replaced.",
    "usage": "Record what workloads use.",
}
"""A module of this package each, imported when its command runs."""
FAILED = 1


class _LazyGroup(click.Group):
    """Knows the names and one-line helps of its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"assistant.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            said = " ".join(args)
            raise click.UsageError(f'There is no command {args[0]!r}. To ask for it: shipmate ask "{said}"', ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@cluster_options
@click.option("--continue", "resume", is_flag=True, help="Go on with the last conversation.")
@click.version_option(package_name="shipmate", prog_name="shipmate")
@click.pass_context
def shipmate(ctx: click.Context, chosen: Chosen, *, resume: bool) -> None:
    """Talk to your cluster: look, change, troubleshoot; every change a verified transaction.

    Without a command this is a chat. Without a model's key it understands typed requests.

    \b
      shipmate --sandbox                        chat, on the embedded cluster
      shipmate ask "scale backend to 3"         one request
      shipmate mcp                              serve Claude Desktop and other MCP clients
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    ctx.obj = chosen
    if ctx.invoked_subcommand is None:
        from assistant.repl import chat

        ctx.exit(chat(chosen, resume=resume))


COLLECT_AFTER = 50_000
"""New objects before the collector looks: imports make many that stay, and looking at them takes a tenth of a start."""


def main() -> None:
    """Run the command line and end the process; our errors become words and an exit code."""
    from mcp_tools.errors import ShipmateError

    gc.set_threshold(COLLECT_AFTER)
    try:
        shipmate(standalone_mode=True)
    except ShipmateError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); Python would complain once more while it flushes.
        sys.stderr.close()
        sys.exit(FAILED)


def _tell(error: Any) -> None:
    click.secho(error.message, fg="red", err=True)
    if error.hint:
        click.echo(error.hint, err=True)

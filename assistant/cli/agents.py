"""`shipmate agents`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from assistant.cli.options import Chosen, cluster_options

if TYPE_CHECKING:
    from assistant.settings import Settings


@click.group()
def agents() -> None:
    """List, show or run agents: who does what with which tools, under which policy, and when.

    Your own are YAML files in `agents` beside config.toml; one there stands before a shipped one of its name.
    """


@agents.command("list")
def list_them() -> None:
    """List them."""
    from assistant.agents import library
    from assistant.agents.telling import told
    from assistant.render.prose import say

    say(told(library.agents()))


@agents.command()
@click.argument("name")
def show(name: str) -> None:
    """Show one in full."""
    from assistant.agents import library
    from assistant.agents.telling import shown
    from assistant.render.prose import say

    say(shown(library.agents(), name))


@agents.command()
@click.argument("name")
@click.argument("sentence", nargs=-1)
@cluster_options
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON object.")
@click.pass_context
def run(ctx: click.Context, chosen: Chosen, name: str, sentence: tuple[str, ...], *, as_json: bool) -> None:
    """Run one: for what it is for, or for a SENTENCE.

    Without a model it does its typed requests. What its policy does not approve beforehand is refused, planned, or
    asked for, as its file says.

    \b
      shipmate agents run morning-check
      shipmate agents run troubleshooter "why is backend crashing?"
    """  # noqa: D301  \b is click's mark for a paragraph that is not wrapped
    from assistant.agents import library
    from assistant.agents.starting import start

    definition = library.agents().get(name)
    settings = settings_of(chosen, definition.model, definition.namespace)
    ctx.exit(start(definition, settings, sentence=" ".join(sentence).strip(), as_json=as_json))


@agents.command()
@click.argument("names", nargs=-1)
@click.option("--once", is_flag=True, help="Run what was due since its last run, then end: for a timer of the system.")
@cluster_options
@click.pass_context
def schedule(ctx: click.Context, chosen: Chosen, names: tuple[str, ...], *, once: bool) -> None:
    """Run agents when they are due, in the foreground, until Ctrl-C; all with a schedule, or those NAMED.

    Nobody is asked: a change that no policy approves beforehand is refused or planned.
    """
    from assistant.agents.scheduling import Scheduler, wanted

    found = wanted(names)
    clock = Scheduler(found, lambda agent: settings_of(chosen, agent.model, agent.namespace))
    ctx.exit(clock.once() if once else clock.forever())


@agents.command()
@click.argument("name", required=False)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many runs.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with what each answered.")
def runs(name: str | None, limit: int, *, as_json: bool) -> None:
    """List the runs, newest first: when, with which model, how it ended, what it cost. Needs no cluster."""
    import msgspec

    from assistant.agents.runs import Runs
    from assistant.agents.telling import RUN_COLUMNS, run_rows
    from assistant.render.consoles import make_console
    from assistant.render.tables import emit, table

    kept = Runs()
    try:
        found = kept.latest(limit, name)
    finally:
        kept.close()
    if as_json:
        click.echo(msgspec.json.encode({"runs": found}))
    elif not found:
        click.echo("No agent ran yet.")
    else:
        emit(make_console(), table(RUN_COLUMNS, run_rows(found)))


@agents.command()
@click.argument("name")
@click.option("--url", default="http://127.0.0.1:8765/mcp", show_default=True, help="Where it is served.")
def card(name: str, url: str) -> None:
    """Print its A2A AgentCard, as JSON."""
    import msgspec

    from assistant.agents import library
    from assistant.agents.card import card_of

    click.echo(msgspec.json.format(msgspec.json.encode(card_of([library.agents().get(name)], url)), indent=2))


def settings_of(chosen: Chosen, model: str | None, namespace: str | None) -> Settings:
    """What was typed, else what the agent's file says, else the user's own."""
    return dataclasses.replace(chosen, model=chosen.model or model, namespace=chosen.namespace or namespace).settings()

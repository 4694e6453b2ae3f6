"""`shipmate mcp`."""

from __future__ import annotations

import click

from assistant.cli.options import Chosen, cluster_options


@click.command()
@click.option("--http", is_flag=True, help="Streamable HTTP at /mcp instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --http.")
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True, help="With --http.")
@cluster_options
def mcp(chosen: Chosen, host: str, port: int, *, http: bool) -> None:
    """Serve the tools to an MCP client, such as Claude Desktop.

    A change is confirmed by the client's user, or is two steps: a plan with its diff, then apply_plan.
    """
    from assistant.agents.card import card_of
    from assistant.agents.library import agents
    from assistant.agents.prompts import agent_prompts
    from mcp_tools.server import serve_http, serve_stdio

    toolbox = chosen.settings().toolbox()
    found = [file.definition for file in agents().files.values()]
    prompts = agent_prompts(found)
    try:
        if http:
            serve_http(toolbox, host, port, prompts, lambda url: card_of(found, url))
        else:
            serve_stdio(toolbox, prompts)
    finally:
        toolbox.close()

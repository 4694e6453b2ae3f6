"""What a model reads of the tools in every conversation before anything is asked."""

from __future__ import annotations

import anyio
import msgspec

from benchmarks.harness import Figure, Place, tokens
from mcp_tools.cluster.target import Target


def measure(_: Place) -> list[Figure]:
    definitions = anyio.run(_definitions)
    size = sum(tokens(msgspec.json.encode(definition).decode()) for definition in definitions)
    return [
        Figure("definitions of all tools", size, "tokens", 4_000),
        Figure("tools", len(definitions), "", 25),
    ]


async def _definitions() -> list[dict[str, object]]:
    from fastmcp import Client

    from mcp_tools.server import build_server
    from mcp_tools.toolbox import Toolbox

    # No cluster is asked: the toolbox connects at its first call.
    async with Client(build_server(Toolbox(Target()))) as client:
        return [
            {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
            for tool in await client.list_tools()
        ]

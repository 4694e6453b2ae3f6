"""Run the MCP server: `python -m todo_mcp`."""

from __future__ import annotations

import sys

import uvicorn

from todo_mcp import logs
from todo_mcp.app import Drain, DrainingServer, web_app
from todo_mcp.backend import Backend
from todo_mcp.server import build_server
from todo_mcp.settings import BadSettings, load_settings


def main() -> int:
    """Serve until a signal says stop; the exit status is 2 for bad settings."""
    try:
        settings = load_settings()
    except BadSettings as error:
        sys.stderr.write(f"mcp-server: {error}\n")
        return 2
    logs.configure(settings.log_level)
    drain = Drain()
    config = uvicorn.Config(
        web_app(build_server(Backend(settings.backend_url)), drain),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    DrainingServer(config, drain, settings.drain_seconds).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

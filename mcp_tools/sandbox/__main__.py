"""`python -m mcp_tools.sandbox`: serve a sandbox in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path


def main() -> int:
    """Parse the arguments and serve until a signal or idleness ends it."""
    parser = argparse.ArgumentParser(prog="python -m mcp_tools.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one (default)")
    parser.add_argument("--state", type=Path, help="directory for the kubeconfig (default: Shipmate's own)")
    parser.add_argument(
        "--idle-minutes", type=float, default=120.0, help="end after so long without a request; 0: never"
    )
    parser.add_argument("--empty", action="store_true", help="without the todo stack")
    parser.add_argument("--data", type=Path, help="keep its objects in this folder (default: in memory only)")
    arguments = parser.parse_args()

    gc.disable()  # while modules load and the world is made; everything of that stays
    from mcp_tools.sandbox.lifecycle import default_state, write_info
    from mcp_tools.sandbox.server import Serving, serve

    state: Path = arguments.state or default_state()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)

    def ready(found: Serving) -> None:
        write_info(state, found.url, os.getpid(), arguments.data)
        gc.freeze()
        gc.enable()
        sys.stdout.write(f"{found.kubeconfig}\n")
        sys.stdout.flush()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(
            state,
            port=arguments.port,
            idle_minutes=arguments.idle_minutes,
            empty=arguments.empty,
            data=arguments.data,
            ready=ready,
            stop=stop,
        )

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m benchmarks [NAME…]`: run the benchmarks (all, or those named) and print one table."""

from __future__ import annotations

import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Place, show
from mcp_tools.sandbox import lifecycle

NAMES = ("start", "ask", "prompt", "listing", "reads", "docker_listing", "definitions", "sizing")
"""A module of this package each, with `measure(place)`."""


def main(wanted: list[str]) -> None:
    """Measure and print."""
    if unknown := set(wanted) - set(NAMES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}.")
    figures: list[Figure] = []
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with tempfile.TemporaryDirectory(prefix="shipmate-bench-") as home:
        place = Place(Path(home))
        try:
            for name in wanted or NAMES:
                print(f"measuring {name} …", file=sys.stderr)
                figures += importlib.import_module(f"benchmarks.{name}").measure(place)
        finally:
            lifecycle.stop(place.sandbox_state)
    cores = os.cpu_count() or 1
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores} cores")
    if load > cores - 1:
        print(f"Other work was running (load {load:.1f}): the milliseconds are too many, the ratios are nearer.")
    show(figures)


if __name__ == "__main__":
    main(sys.argv[1:])

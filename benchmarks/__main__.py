"""`python -m benchmarks [NAME…]`: run the benchmarks (all, or those named) and print one table."""

from __future__ import annotations

import importlib
import platform
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Figure, Place, show
from mcp_tools.sandbox import lifecycle

NAMES = ("start", "ask", "prompt", "listing", "definitions")
"""A module of this package each, with `measure(place)`."""


def main(wanted: list[str]) -> None:
    """Measure and print."""
    if unknown := set(wanted) - set(NAMES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}.")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="shipmate-bench-") as home:
        place = Place(Path(home))
        try:
            for name in wanted or NAMES:
                print(f"measuring {name} …", file=sys.stderr)
                figures += importlib.import_module(f"benchmarks.{name}").measure(place)
        finally:
            lifecycle.stop(place.sandbox_state)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    show(figures)


if __name__ == "__main__":
    main(sys.argv[1:])

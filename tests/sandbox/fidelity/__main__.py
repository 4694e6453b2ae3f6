"""`PYTHONPATH=tests/sandbox python -m fidelity [--cases N] [--seed N] [--area WORD] [--show N]`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from sandbox_helpers import Client

from fidelity.report import page
from fidelity.suite import measure
from mcp_tools.sandbox import lifecycle


def main() -> None:
    """Measure; the page goes to stdout, differences that nobody listed to stderr."""
    parser = argparse.ArgumentParser(prog="fidelity", description=main.__doc__)
    parser.add_argument("--cases", type=int, default=200, help="per area, before its share")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--area", default="", help="a word of the areas wanted")
    parser.add_argument("--show", type=int, default=0, help="how many differing requests to print in full")
    asked = parser.parse_args()
    kubeconfig = os.environ.get("KUBECONFIG", "")
    if not Path(kubeconfig).is_file():
        sys.exit("There is no real cluster to compare with: set KUBECONFIG to the kubeconfig of one.")
    with tempfile.TemporaryDirectory(prefix="fidelity-") as folder:
        state = Path(folder)
        real, ours = Client(Path(kubeconfig)), Client(lifecycle.ensure_running(state).kubeconfig)
        try:
            versions = [client("GET", "/version").body["gitVersion"] for client in (real, ours)]
            tallies = measure((real, ours), asked.seed, asked.cases, asked.area)
        finally:
            lifecycle.stop(state)
    sys.stdout.write(page(tallies, versions[0], versions[1], asked.seed))
    unlisted = [entry for tally in tallies.values() for entry in tally.unlisted]
    lines = Counter(found[0] for _, found in unlisted)
    told = [f"{times:5} {line[:330]}" for line, times in lines.most_common(60)]
    for what, found in unlisted[: asked.show]:
        told += ["", what[:900], *(f"    {line[:900]}" for line in found[:6])]
    sys.stderr.write("".join(f"{line}\n" for line in told))
    sys.exit(1 if unlisted else 0)


if __name__ == "__main__":
    main()

"""`shipmate --help`: what every command pays before it does anything."""

from __future__ import annotations

import sys

from benchmarks.harness import SHIPMATE, Figure, Place, medians


def measure(place: Place) -> list[Figure]:
    ours, theirs = medians(
        lambda: place.run(SHIPMATE, "--help"),
        lambda: place.run(sys.executable, "-c", "import click"),
        runs=15,
    )
    return [Figure("shipmate --help", ours, "ms", 3, relative=True, baseline=theirs, baseline_name="import click")]

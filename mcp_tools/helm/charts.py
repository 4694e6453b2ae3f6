"""Finding the chart of a release on this machine: Helm keeps what a chart made, and not where it came from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.errors import Ambiguous, NotFound, UsageError
from mcp_tools.helm import releases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.cluster.connection import Connection

DEPTH = 3
"""Directories below the working directory that are looked through."""
MAX_DIRECTORIES = 2000
SKIPPED = frozenset({"node_modules", "venv", "__pycache__"})


def chart_of(connection: Connection, release: str, namespace: str, directory: Path) -> Path:
    """The chart below a directory that bears the name of the release's chart.

    Raises:
        UsageError: There is none.
        Ambiguous: There are several.
        ShipmateError: As `releases.history`.
    """
    now = releases.latest(connection, release, namespace)
    if now is None:
        raise NotFound(f"There is no Helm release {release!r} in namespace {namespace}.", "Name a chart to install it.")
    metadata = now.stored.chart.metadata
    name = metadata.name if metadata else ""
    found = [chart for chart in _charts(directory) if _name(chart) == name]
    if not found:
        raise UsageError(
            f"Release {release} was made by the chart {name}, and there is no chart of that name below {directory}.",
            "Name the chart: a directory, a .tgz, oci://…, or repository/chart.",
        )
    if len(found) > 1:
        names = tuple(map(str, found))
        raise Ambiguous(f"Several charts below {directory} are called {name}: {', '.join(names)}.", "Name one.", names)
    return found[0]


def _charts(directory: Path) -> Iterator[Path]:
    for seen, (place, below, files) in enumerate(os.walk(directory)):
        depth = len(Path(place).relative_to(directory).parts)
        below[:] = [
            name for name in sorted(below) if depth < DEPTH and not name.startswith(".") and name not in SKIPPED
        ]
        if seen >= MAX_DIRECTORIES:
            return
        if "Chart.yaml" in files:
            # The charts inside are its own.
            below.clear()
            yield Path(place)


def _name(chart: Path) -> str:
    import yaml

    try:
        loaded = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError):
        # No chart of this release, whatever it is.
        return ""
    return str(loaded.get("name", "")) if isinstance(loaded, dict) else ""

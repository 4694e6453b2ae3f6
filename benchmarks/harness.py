"""What the benchmarks share: medians of alternating runs, a home of their own, and the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

RUNS = 9
SEAM = 500_000
PRIVATE = ("KUBECONFIG", "OPENAI_API_KEY", "GEMINI_API_KEY", "SHIPMATE_MODEL", "KUBERNETES_SERVICE_HOST")
SHIPMATE = str(Path(sys.executable).with_name("shipmate"))


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, what it may be, and what it is compared with.

    Attributes:
        limit: The target in `unit`; where `relative` is set it is a multiple of the baseline instead.
        baseline: The same unit, measured in the same run.
    """

    name: str
    value: float
    unit: str
    limit: float
    relative: bool = False
    baseline: float | None = None
    baseline_name: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool:
        return (self.ratio or 0) <= self.limit if self.relative else self.value <= self.limit


@dataclass(frozen=True)
class Place:
    """A home directory that belongs to the benchmarks."""

    home: Path

    @property
    def environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if key not in PRIVATE and not key.startswith("XDG_")}
        return {**clean, "HOME": str(self.home), "TERM": "xterm-256color"}

    @property
    def sandbox_state(self) -> Path:
        """Where the processes of `run` keep the sandbox."""
        return self.home / ".local" / "state" / "shipmate" / "sandbox"

    def run(self, *command: str) -> float:
        """Run a program to its end; its failure is ours.

        Returns:
            How long it took, in milliseconds.

        Raises:
            RuntimeError: It failed.
        """
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment, cwd=self.home, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}")
        return since(began)


def since(began: float) -> float:
    """Milliseconds since a moment of `time.perf_counter`."""
    return (time.perf_counter() - began) * 1000


def medians(*calls: Callable[[], float], runs: int = RUNS) -> list[float]:
    """The median of what each call measures; they alternate, so that a busy moment hits all of them."""
    for call in calls:
        call()
    taken = [[call() for call in calls] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def tokens(text: str) -> int:
    """As OpenAI's models from gpt-4o on count (o200k_base)."""
    from bpe_openai import get_encoding

    encoding = get_encoding("o200k_base")
    # The library takes no text of several megabytes; a token cut at a seam does not show in the sum.
    return sum(len(encoding.encode(text[at : at + SEAM])) for at in range(0, len(text), SEAM))


def show(figures: Iterable[Figure]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("what")
    for heading in ("measured", "target"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for heading in ("baseline", "ratio"):
        table.add_column(heading, justify="right")
    table.add_column("baseline is")
    for figure in figures:
        limit = f"≤ {figure.limit:g} x baseline" if figure.relative else f"≤ {figure.limit:,.0f} {figure.unit}"
        table.add_row(
            figure.name,
            _amount(figure.value, figure.unit),
            limit,
            "met" if figure.met else "missed",
            _amount(figure.baseline, figure.unit) if figure.baseline else "",
            f"{figure.ratio:.2g} x" if figure.ratio else "",
            figure.baseline_name,
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def _amount(value: float, unit: str) -> str:
    return f"{value:,.1f} {unit}" if unit == "ms" and value < 100 else f"{value:,.0f} {unit}"

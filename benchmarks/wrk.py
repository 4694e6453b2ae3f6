"""Users who take next to no CPU themselves: wrk, with what `wrk.lua` makes of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "wrk.lua"


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk's users met.

    Attributes:
        p50, p95, p99: Milliseconds.
        refused: Answers that say that something is wrong.
        lost: Requests without an answer.
    """

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    refused: int
    lost: int

    @property
    def failed(self) -> int:
        return self.refused + self.lost


def drive(
    url: str, headers: Sequence[str], folder: Path, *, users: int, warm_up: int, seconds: int, pause: float = 0
) -> Load:
    """Put users on a todo service: four of five requests read a list, one adds a task.

    Args:
        headers: Their credentials, such as `Cookie: …`, used in turn.
        folder: Takes a file with them.
        warm_up: Seconds under the same load before those that count.
        pause: Seconds that each rests between requests, on average.

    Raises:
        subprocess.CalledProcessError: wrk failed.
    """
    known = folder / "credentials"
    known.write_text("\n".join(headers) + "\n")
    said = ""
    for length in (warm_up, seconds):
        command = ["wrk", "-t2", f"-c{users}", f"-d{length}s", "--timeout=10s", f"-s{SCRIPT}", url, "--", str(known)]
        command.append(str(round(pause * 1000)))
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=length + 60).stdout
    return Load(**json.loads(said.strip().splitlines()[-1]))

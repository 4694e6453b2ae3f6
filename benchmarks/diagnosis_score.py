"""`python -m benchmarks.diagnosis_score [--worlds N] [--seed N]`: how often a diagnosis names what is wrong.

Writes `docs/diagnosis-measured.md`: worlds of four stacks with one to three faults at random places, by seed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/diagnosis"))

if TYPE_CHECKING:
    from mutation import Mutated  # type: ignore[import-not-found, unused-ignore]

PAGE = ROOT / "docs/diagnosis-measured.md"
HEALTHY = 5
FAMILIES = {
    "batch": "Jobs and CronJobs",
    "clusters": "Nodes, access, the cluster",
    "configuration": "ConfigMaps, Secrets, claims",
    "controlling": "Rollouts, quotas, admission",
    "crashes": "Crashes",
    "images": "Images",
    "network": "Services, Ingresses, policies, names",
    "probes": "Probes",
    "scaling": "Autoscalers and budgets",
    "scheduling": "Scheduling",
    "security": "Users and file systems",
    "starting": "Init containers and sidecars",
    "storage": "Storage",
}


def main() -> None:
    """Measure and write the page; what went wrong goes to stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis_score", description=main.__doc__)
    parser.add_argument("--worlds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1000, help="of the first world")
    parser.add_argument("--minutes", type=float, default=60, help="stop with what was measured by then")
    asked = parser.parse_args()
    from mutation import treated

    worlds: list[Mutated] = []
    end = time.monotonic() + asked.minutes * 60
    with ProcessPoolExecutor() as pool:
        for world in pool.map(treated, range(asked.seed, asked.seed + asked.worlds)):
            worlds.append(world)
            if not world.first or world.missed or world.false or any(fix.trouble for fix in world.shown):
                print(world, flush=True)
            if time.monotonic() > end:
                pool.shutdown(wait=False, cancel_futures=True)
                break
    PAGE.write_text("\n".join(_page(worlds, asked.seed, _findings_in_healthy())) + "\n", encoding="utf-8")


def _findings_in_healthy() -> int:
    """How much is found in the stacks as they are."""
    from diagnosis_stacks import STACKS, healthy  # type: ignore[import-not-found, unused-ignore]
    from diagnosis_worlds import causes_in  # type: ignore[import-not-found, unused-ignore]

    return sum(len(causes_in(healthy(stack, seed))) for stack in STACKS for seed in range(HEALTHY))


def _page(worlds: list[Mutated], seed: int, in_healthy: int) -> Iterator[str]:
    faults = [fault for world in worlds for fault in world.faults]
    missed = [fault for world in worlds for fault in world.missed]
    told = sum(len(world.causes) for world in worlds)
    false = sum(len(world.false) for world in worlds)
    first = sum(world.first for world in worlds)
    found = len(faults) - len(missed)
    fixes = [fix for world in worlds for fix in world.shown]
    healing = sum(not fix.trouble for fix in fixes)
    yield "# How good the diagnosis is"
    yield ""
    yield (
        "Written by `python -m benchmarks.diagnosis_score"
        f" --worlds {len(worlds)} --seed {seed}`; do not edit. Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d}."
    )
    yield ""
    yield from (
        "Each world is one of four stacks in the sandbox (the todo stack, and the shop, the blog and the queue of",
        "`tests/diagnosis/stacks`) that has run for a while; then one to three of the sandbox's faults are aimed at",
        "workloads that they fit, drawn by the seed, and minutes later the world is diagnosed without a model. A cause",
        "counts as named where its failure mode and the object to change are right (`diagnosis_worlds.names`). Faults",
        "that would hide each other are not put into one world: two of one workload, or a second beside one that stops",
        "every pod. Then the first fix of every cause that has one is carried out by the engine, the first cause",
        "first, and the world is diagnosed again: a fix heals where it is verified and its cause is not found any",
        "more. Faults whose healing the sandbox cannot show (`healing.NOT_SHOWN`) are left out of that.",
    )
    yield ""
    yield "| | | aim |"
    yield "|---|---|---|"
    yield f"| worlds, faults | {len(worlds)}, {len(faults)} | |"
    yield f"| a true cause is named first | {first} of {len(worlds)} ({first / len(worlds):.1%}) | ≥ 97 % |"
    yield f"| true causes found | {found} of {len(faults)} ({found / len(faults):.1%}) | |"
    yield f"| findings that are no true cause | {false} of {told} ({false / max(1, told):.1%}) | ≤ 1 % |"
    yield f"| fixes carried out that heal | {healing} of {len(fixes)} ({healing / max(1, len(fixes)):.1%}) | all |"
    yield f"| findings in {HEALTHY * 4} untouched worlds | {in_healthy} | 0 |"
    yield ""
    yield "| faults | injected | found |"
    yield "|---|---|---|"
    total, lost = (Counter(_family(fault.inject.__module__) for fault in group) for group in (faults, missed))
    for family, count in sorted(total.items()):
        yield f"| {family} | {count} | {count - lost[family]} |"
    yield ""
    kinds = {fault.name for fault in faults}
    yield f"{len(kinds)} kinds of faults were drawn. Those that were missed at least once: " + (
        f"{', '.join(sorted({fault.name for fault in missed}))}." if missed else "none."
    )


def _family(module: str) -> str:
    return FAMILIES[module.rpartition(".")[2]]


if __name__ == "__main__":
    main()

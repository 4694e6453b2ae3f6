"""Errors in logs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from mcp_tools.monitoring.conditions.base import Held, Parameters, Sight, condition
from mcp_tools.monitoring.conditions.objects import MOST_SHOWN, named, workload_of
from mcp_tools.reads.answer import count

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref


class Rate(Parameters):
    """How many are too many."""

    per_minute: float = Field(
        default=10.0, gt=0, le=1_000_000, description="lines of level error of all its pods, or more"
    )


@condition("log-errors", Rate, "Pod")
def log_errors(sight: Sight, given: Rate) -> Iterator[Held]:
    """The pods of a workload log many errors."""
    rates: dict[Ref, dict[Ref, float]] = defaultdict(dict)
    for (namespace, name), rate in sight.observation.log_errors.items():
        if rate and (pod := sight.snapshot.get("Pod", namespace, name)):
            rates[workload_of(sight.snapshot, pod).ref][pod.ref] = rate
    for workload, pods in rates.items():
        total = sum(pods.values())
        if total < given.per_minute:
            continue
        worst = sorted(pods.items(), key=lambda item: (-item[1], item[0]))
        yield Held(
            workload,
            f"{named(workload)} logs {total:.0f} errors a minute in {count(len(pods), 'pod')}.",
            tuple(f"{ref}: {rate:.1f} a minute" for ref, rate in worst[:MOST_SHOWN]),
            pods=tuple(pods),
        )

"""Containers that use nearly all that they may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mcp_tools.diagnosis.containers import is_over
from mcp_tools.monitoring.conditions.base import USAGE, Held, Parameters, Sight, condition
from mcp_tools.monitoring.conditions.objects import MOST_SHOWN, in_words, percent, workload_of
from mcp_tools.quantity import BadQuantity, parse

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Resource


class OfLimit(Parameters):
    """How close to the limit is too close."""

    resource: Literal["cpu", "memory"] = Field(description="`cpu` or `memory`")
    percent: int = Field(default=90, ge=1, le=100, description="of the container's limit, or more")


@condition("usage-of-limit", OfLimit, "Pod", USAGE, per_pod=True)
def usage_of_limit(sight: Sight, given: OfLimit) -> Iterator[Held]:
    """A container uses nearly all the CPU or memory that its limit allows."""
    found: dict[tuple[Ref, str], list[tuple[int, Resource, Decimal, Decimal]]] = defaultdict(list)
    for used in sight.observation.usage or ():
        amount = used.cpu if given.resource == "cpu" else used.memory
        pod = sight.snapshot.get("Pod", used.namespace, used.pod) if amount else None
        if pod is None or is_over(pod):
            continue
        limit = _limit(pod, used.container, given.resource)
        if limit and percent(amount, limit) >= given.percent:
            key = workload_of(sight.snapshot, pod).ref, used.container
            found[key].append((percent(amount, limit), pod, amount, limit))
    for (workload, container), shown in found.items():
        shown.sort(key=lambda item: (-item[0], item[1].name))
        part, _, amount, limit = shown[0]
        what = "CPU" if given.resource == "cpu" else "memory"
        several = f" ({len(shown)} pods)" if len(shown) > 1 else ""
        figures = f"{in_words(given.resource, amount)} of {in_words(given.resource, limit)}"
        yield Held(
            workload,
            f"Container {container} of {workload} uses {part} % of its {what} limit{several}: {figures}.",
            tuple(
                f"pod/{pod.name}: {in_words(given.resource, some)} of {in_words(given.resource, of)}, {share} %"
                for share, pod, some, of in shown[:MOST_SHOWN]
            ),
            {"container": container},
            tuple(pod.ref for _, pod, _, _ in shown),
        )


def _limit(pod: Resource, container: str, resource: str) -> Decimal | None:
    """What the container may use: as it runs, which is not what the spec says while a resize is under way."""
    for status in pod.status.get("containerStatuses") or ():
        if status.get("name") == container and (given := _amount(status.get("resources"), resource)) is not None:
            return given
    for spec in pod.containers:
        if spec.get("name") == container:
            return _amount(spec.get("resources"), resource)
    return None


def _amount(resources: object, resource: str) -> Decimal | None:
    limits = resources.get("limits") if isinstance(resources, dict) else None
    try:
        return parse(str(limits[resource])) if limits and resource in limits else None
    except BadQuantity:
        return None

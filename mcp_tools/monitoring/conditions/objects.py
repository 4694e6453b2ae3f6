"""What conditions share: whom an alert is about, times, amounts in words."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import View, views_of

if TYPE_CHECKING:
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

MOST_SHOWN = 4
_STEPS = (("Gi", 1024**3), ("Mi", 1024**2), ("Ki", 1024))


def workload_of(snapshot: Snapshot, pod: Resource) -> Resource:
    """What a pod comes from; a pod that a node's kubelet made from a file is its own."""
    root = snapshot.root(pod)
    return pod if root.ref.kind == "Node" else root


def by_container(snapshot: Snapshot, pods: Iterable[Resource]) -> dict[tuple[Ref, str], list[View]]:
    """The same container of the pods of one workload together."""
    found: dict[tuple[Ref, str], list[View]] = defaultdict(list)
    for pod in pods:
        workload = workload_of(snapshot, pod)
        for view in views_of(snapshot, pod):
            found[workload.ref, view.name].append(view)
    return found


def by_workload(snapshot: Snapshot, pods: Iterable[Resource]) -> dict[Ref, list[Resource]]:
    """Pods by what they come from."""
    found: dict[Ref, list[Resource]] = defaultdict(list)
    for pod in pods:
        found[workload_of(snapshot, pod).ref].append(pod)
    return found


def named(ref: Ref) -> str:
    """An object at the beginning of a sentence: `Deployment backend`."""
    return f"{ref.kind} {ref.name}"


def moment(text: object) -> dt.datetime | None:
    """An RFC 3339 time of the API; None where there is none."""
    return dt.datetime.fromisoformat(text) if isinstance(text, str) and text else None


def oldest(times: Iterable[dt.datetime | None]) -> dt.datetime | None:
    """The first of several moments, as far as they are known."""
    return min((time for time in times if time), default=None)


def in_words(resource: str, amount: Decimal) -> str:
    """An amount of CPU in millicores or of bytes in the unit that fits: `450m`, `58 Mi`, `1.2 Gi`."""
    if resource == "cpu":
        return f"{round(amount * 1000)}m"
    for unit, size in _STEPS:
        if amount >= size:
            number = amount / size
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"  # noqa: PLR2004  two digits
    return f"{amount:.0f} B"


def percent(part: Decimal | float, whole: Decimal | float) -> int:
    """Of a whole, rounded down: 90 % means that 90 % are reached."""
    return int(Decimal(part) * 100 / Decimal(whole))

"""How many pods each ReplicaSet of a Deployment gets next.

The rules of rolling.go, recreate.go and sync.go in kubernetes/pkg/controller/deployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Cluster, is_active, scaled_value

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"


class Scaling:
    """Sets the sizes of one Deployment's ReplicaSets and reports it."""

    def __init__(self, cluster: Cluster, deployment: Object, source: str) -> None:
        self.cluster = cluster
        self.deployment = deployment
        self._source = source
        spec = deployment["spec"]
        self.wanted: int = spec["replicas"]
        self.surge = self.unavailable = 0
        if spec["strategy"]["type"] == "RollingUpdate":
            rolling = spec["strategy"]["rollingUpdate"]
            self.surge = scaled_value(rolling["maxSurge"], self.wanted, up=True)
            self.unavailable = scaled_value(rolling["maxUnavailable"], self.wanted, up=False)
            if not self.surge and not self.unavailable:
                # Both may be rounded down to nothing; then one pod may be missing.
                self.unavailable = 1
            self.unavailable = min(self.unavailable, self.wanted)

    def notes(self) -> dict[str, str]:
        """What each ReplicaSet remembers about the Deployment's size."""
        return {DESIRED: str(self.wanted), MAXIMUM: str(self.wanted + self.surge)}

    def first_size(self, old: list[Object]) -> int:
        """The size at which a new ReplicaSet begins."""
        return self._room(0, old, [])

    def grown(self, new: Object, old: list[Object]) -> int:
        """The size to which the new ReplicaSet may grow now."""
        return self._room(new["spec"]["replicas"], old, [new])

    def _room(self, size: int, old: list[Object], new: list[Object]) -> int:
        if self.deployment["spec"]["strategy"]["type"] != "RollingUpdate":
            return self.wanted
        total: int = sum(item["spec"]["replicas"] for item in [*old, *new])
        room = self.wanted + self.surge - total
        return size + max(0, min(room, self.wanted - size))

    def set_size(self, item: Object, size: int) -> Object:
        """Write a ReplicaSet's size and notes, with an event when the size changes."""
        before = item["spec"]["replicas"]
        annotations = item["metadata"].get("annotations") or {}
        if before == size and self.notes().items() <= annotations.items():
            return item

        def change(draft: Object) -> None:
            draft["spec"]["replicas"] = size
            draft["metadata"].setdefault("annotations", {}).update(self.notes())

        changed = self.cluster.modify(item, change) or item
        if before != size:
            way = "up" if size > before else "down"
            name = item["metadata"]["name"]
            message = f"Scaled {way} replica set {name} from {before} to {size}"
            self.cluster.events.normal(self.deployment, "ScalingReplicaSet", message, self._source)
        return changed


def rolling_update(scaling: Scaling, new: Object, old: list[Object]) -> None:
    """One step of a rolling update: grow the new set; else shrink the old ones as far as availability allows."""
    size = scaling.wanted if new["spec"]["replicas"] > scaling.wanted else scaling.grown(new, old)
    grown = scaling.set_size(new, size)
    if size != new["spec"]["replicas"]:
        return
    _shrink_old(scaling, grown, [item for item in old if item["spec"]["replicas"]])


def _shrink_old(scaling: Scaling, new: Object, old: list[Object]) -> None:
    if not old:
        return
    total = sum(item["spec"]["replicas"] for item in [*old, new])
    unready_new = new["spec"]["replicas"] - _available(new)
    budget = total - (scaling.wanted - scaling.unavailable) - unready_new
    if budget <= 0:
        return
    cleaned = []
    for item in old:
        # Pods that never served go first: nothing is lost with them.
        unhealthy = min(budget, item["spec"]["replicas"] - _available(item))
        if unhealthy > 0:
            budget -= unhealthy
            cleaned.append(scaling.set_size(item, item["spec"]["replicas"] - unhealthy))
        else:
            cleaned.append(item)
    spare = sum(_available(item) for item in [*cleaned, new]) - (scaling.wanted - scaling.unavailable)
    for item in cleaned:
        step = min(spare, item["spec"]["replicas"])
        if step > 0:
            spare -= step
            scaling.set_size(item, item["spec"]["replicas"] - step)


def _available(item: Object) -> int:
    return int((item.get("status") or {}).get("availableReplicas", 0))


def recreate(scaling: Scaling, new: Object, old: list[Object]) -> None:
    """All old pods go before the first new one comes."""
    for item in old:
        if item["spec"]["replicas"]:
            scaling.set_size(item, 0)
    running = any(
        is_active(pod) or pod["metadata"].get("deletionTimestamp")
        for item in old
        for pod in scaling.cluster.owned(item, "Pod")
    )
    if not running:
        scaling.set_size(new, scaling.wanted)
    elif new["spec"]["replicas"] != 0 and not _available(new) and not (new.get("status") or {}).get("replicas"):
        scaling.set_size(new, 0)


def scale_proportionally(scaling: Scaling, deployment: Object, new: Object | None, old: list[Object]) -> None:
    """A changed count is shared out over the sets that have pods, in proportion to their sizes."""
    everyone = [*old, *([new] if new else [])]
    active = [item for item in everyone if item["spec"]["replicas"]]
    if len(active) <= 1:
        only = active[0] if active else new or (everyone[-1] if everyone else None)
        if only is not None:
            scaling.set_size(only, scaling.wanted)
        return
    if new is not None and _saturated(new, scaling.wanted):
        for item in active:
            if item is not new:
                scaling.set_size(item, 0)
        return
    if deployment["spec"]["strategy"]["type"] != "RollingUpdate":
        return
    total = sum(item["spec"]["replicas"] for item in active)
    allowed = scaling.wanted + scaling.surge if scaling.wanted else 0
    _share(scaling, active, allowed - total)


def _saturated(item: Object, wanted: int) -> bool:
    noted = (item["metadata"].get("annotations") or {}).get(DESIRED)
    return item["spec"]["replicas"] == wanted and noted == str(wanted) and _available(item) == wanted


def _share(scaling: Scaling, active: list[Object], change: int) -> None:
    ordered = sorted(
        active,
        key=lambda item: (-item["spec"]["replicas"], item["metadata"]["creationTimestamp"]),
    )
    left = change
    sizes: list[int] = []
    for item in ordered:
        size = item["spec"]["replicas"]
        before = int((item["metadata"].get("annotations") or {}).get(MAXIMUM, size) or size)
        now = scaling.wanted + scaling.surge
        part = round(size * now / before) - size if before else 0
        part = max(min(part, left), 0) if change > 0 else min(max(part, left), 0)
        sizes.append(size + part)
        left -= part
    if sizes:
        # What rounding left over goes to the largest set.
        sizes[0] = max(0, sizes[0] + left)
    for item, size in zip(ordered, sizes, strict=True):
        scaling.set_size(item, size)

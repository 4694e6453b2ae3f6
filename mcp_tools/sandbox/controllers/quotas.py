"""ResourceQuotas: what is used at present (kubernetes/pkg/controller/resourcequota)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Controller, Key, key_of
from mcp_tools.sandbox.policy import quota

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change


class QuotaController(Controller):
    """Counts a namespace's quotas anew whenever something in it comes, goes or changes its size."""

    watches = ("*",)

    def keys(self, change: Change) -> Iterable[Key]:
        """The quota itself, or all of the namespace of a changed object."""
        if change.kind.name == "ResourceQuota":
            return [key_of(change.obj)]
        namespace = change.obj["metadata"].get("namespace", "")
        if not namespace or change.kind.name in {"Event", "Lease", "EndpointSlice", "Endpoints"}:
            return []
        return [key_of(found) for found in self.cluster.all_of("ResourceQuota", namespace)]

    def reconcile(self, key: Key) -> float | None:
        """Write one quota's status."""
        found = self.cluster.get("ResourceQuota", *key)
        if found is not None:
            hard = found["spec"].get("hard") or {}
            self.cluster.set_status(found, {"hard": hard, "used": quota.used(self.cluster.registry, found)})
        return None

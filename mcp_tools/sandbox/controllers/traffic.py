"""Follows what lies between containers that call each other, so that their logs say when calls begin to fail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key

if TYPE_CHECKING:
    from mcp_tools.sandbox.controllers.kubelet import Kubelet
    from mcp_tools.sandbox.objects.store import Change

_ALL: Key = ("", "")


class TrafficController(Controller):
    """Looks at every caller again when a Service, its endpoints or a policy changed.

    Args:
        cluster: What it sees.
        kubelet: That knows the callers.
    """

    watches = ("Service", "Endpoints", "NetworkPolicy")

    def __init__(self, cluster: Cluster, kubelet: Kubelet) -> None:
        super().__init__(cluster)
        self._kubelet = kubelet

    def keys(self, change: Change) -> Iterable[Key]:
        """All callers at once: there are few."""
        del change
        return [_ALL]

    def reconcile(self, key: Key) -> float | None:
        """Look at all callers."""
        del key
        for container in self._kubelet.callers():
            self._kubelet.check_calls(container)
        return None

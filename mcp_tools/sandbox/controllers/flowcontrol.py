"""FlowSchemas: whether the priority level that each names is there (apiserver/pkg/util/flowcontrol)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.controllers.base import Controller, Key, condition, key_of

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change

MANAGER = "api-priority-and-fairness-config-consumer-v1"


class FlowSchemaController(Controller):
    """Writes the condition `Dangling`."""

    watches = ("FlowSchema", "PriorityLevelConfiguration")

    def keys(self, change: Change) -> Iterable[Key]:
        """The schema itself, or those that name a level."""
        if change.kind.name == "FlowSchema":
            return [key_of(change.obj)]
        level = change.obj["metadata"]["name"]
        schemas = self.cluster.all_of("FlowSchema")
        return [key_of(each) for each in schemas if each["spec"]["priorityLevelConfiguration"].get("name") == level]

    def reconcile(self, key: Key) -> float | None:
        """Judge one schema."""
        found = self.cluster.get("FlowSchema", *key)
        if found is None:
            return None
        level = found["spec"]["priorityLevelConfiguration"].get("name", "")
        there = self.cluster.get("PriorityLevelConfiguration", "", level) is not None
        status, reason = ("False", "Found") if there else ("True", "NotFound")
        end = "and it exists" if there else "but there is no such object"
        message = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" {end}'
        known = condition(found, "Dangling")
        if (known.get("status"), known.get("message")) != (status, message):
            entry = {"type": "Dangling", "status": status, "lastTransitionTime": self.cluster.now()}
            said = {**entry, "reason": reason, "message": message}
            self.cluster.apply_status(found, {"conditions": [said]}, MANAGER)
        return None

"""The roles that every cluster has, and ClusterRoles that are made of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.sandbox.controllers.base import Controller, Key
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Change, Object

_RBAC = "rbac.authorization.k8s.io"
_BINDINGS = {
    "cluster-admin": "system:masters",
    "system:discovery": "system:authenticated",
    "system:basic-user": "system:authenticated",
    "system:public-info-viewer": "system:authenticated",
}


def defaults() -> Iterator[Object]:
    """The ClusterRoles that users meet (`view`, `edit`, `admin`, …), and who may do what from the start."""
    found = msgspec.json.decode(Path(__file__).with_name("roles.json").read_bytes())
    for name, role in found.items():
        meta = {"name": name, "labels": role["labels"]}
        rest = {key: role[key] for key in ("rules", "aggregationRule") if key in role}
        yield {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": meta, **rest}
    for name, group in _BINDINGS.items():
        yield {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "Group", "name": group, "apiGroup": _RBAC}],
        }


class RoleAggregation(Controller):
    """Fills the rules of a ClusterRole that collects others by their labels."""

    watches = ("ClusterRole",)

    def keys(self, change: Change) -> Iterable[Key]:
        """Every role that collects."""
        if change.type == "MODIFIED" and change.obj.get("rules") == (change.before or {}).get("rules"):
            return []
        return [
            ("", role["metadata"]["name"]) for role in self.cluster.all_of("ClusterRole") if role.get("aggregationRule")
        ]

    def reconcile(self, key: Key) -> float | None:
        """Collect for one role."""
        role = self.cluster.get("ClusterRole", *key)
        if role is None or not role.get("aggregationRule"):
            return None
        selectors = [label_selector(item) for item in role["aggregationRule"].get("clusterRoleSelectors") or ()]
        rules: list[Object] = []
        for other in self.cluster.all_of("ClusterRole"):
            labels = other["metadata"].get("labels") or {}
            if other["metadata"]["name"] != key[1] and any(picks(labels) for picks in selectors):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
        if rules != (role.get("rules") or []):
            self.cluster.modify(role, lambda draft: draft.update(rules=rules))
        return None

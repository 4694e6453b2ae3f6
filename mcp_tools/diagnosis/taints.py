"""What lets pods onto nodes that are tainted for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import patch, template_path
from mcp_tools.diagnosis.model import Fix

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource


def tolerating(root: Resource, key: str) -> tuple[Fix, ...]:
    """The pods of a workload let onto nodes of a taint."""
    if root.ref.kind in {"Pod", "Job"}:
        return ()
    field = f"{template_path(root)}.tolerations"
    kept = [*(root.template.get("tolerations") or ()), {"key": key, "operator": "Exists"}]
    return (patch(root, f"Let {root.ref} tolerate the taint {key}", {field: kept}),)


def untainting(nodes: list[Resource], key: str) -> tuple[Fix, ...]:
    """A taint taken off nodes."""
    steps = []
    for node in nodes:
        kept = [taint for taint in node.spec.get("taints") or () if taint.get("key") != key]
        fields = {"spec.taints": kept or None}
        steps.append({"tool": "patch_resource", "arguments": {"target": f"node/{node.name}", "fields": fields}})
    return (Fix(f"Remove the taint {key} from the nodes", "change_several", {"steps": steps}),)

"""The revisions of a workload: what each one ran, and what it changed against the one before.

A Deployment keeps them as ReplicaSets, a StatefulSet or DaemonSet as ControllerRevisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.changes.diff import compare, public
from mcp_tools.cluster.kinds import built_in
from mcp_tools.cluster.pods import age, selector_of

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
HASH = "pod-template-hash"
CONTROLLER_REVISIONS = "/apis/apps/v1/namespaces/{}/controllerrevisions"
MAX_REVISIONS = 10


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision. `template` is its pod template as it can be put back into the workload."""

    number: int
    created: str
    cause: str
    template: dict[str, Any]

    @property
    def images(self) -> list[str]:
        """What its containers run."""
        return [str(item.get("image", "")) for item in (self.template.get("spec") or {}).get("containers") or []]


def revisions_of(connection: Connection, found: Found) -> list[Revision]:
    """All revisions that are kept, newest first; errors as `Connection.get`."""
    if found.kind.plural == "deployments":
        listed = _list(connection, built_in("replicasets").path(found.namespace), found)
        return _sorted(_of_replica_set(item) for item in listed)
    if found.kind.plural in {"statefulsets", "daemonsets"}:
        listed = _list(connection, CONTROLLER_REVISIONS.format(found.namespace), found)
        return _sorted(_of_controller_revision(item) for item in listed)
    return []


def history_rows(revisions: list[Revision]) -> list[dict[str, Any]]:
    """The newest revisions as rows: `revision`, `age`, `images`, `cause`, and `changed` against the one before."""
    rows = []
    for position, revision in enumerate(revisions[:MAX_REVISIONS]):
        before = revisions[position + 1].template if position + 1 < len(revisions) else None
        changes = compare(before, revision.template) if before is not None else ()
        rows.append(
            {
                "revision": revision.number,
                "age": age(revision.created),
                "images": revision.images,
                "cause": revision.cause,
                "changed": [public(change) for change in changes],
            }
        )
    return rows


def _list(connection: Connection, path: str, found: Found) -> list[dict[str, Any]]:
    uid = found.object["metadata"]["uid"]
    listed = connection.get(path, [("labelSelector", selector_of(found.object))])
    items: list[dict[str, Any]] = msgspec.json.decode(listed).get("items") or []
    return [item for item in items if any(o.get("uid") == uid for o in item["metadata"].get("ownerReferences") or ())]


def _sorted(revisions: Any) -> list[Revision]:
    return sorted(revisions, key=lambda revision: revision.number, reverse=True)


def _of_replica_set(item: dict[str, Any]) -> Revision:
    metadata = item["metadata"]
    annotations = metadata.get("annotations") or {}
    template = item["spec"]["template"]
    labels = {key: value for key, value in (template["metadata"].get("labels") or {}).items() if key != HASH}
    clean = {**template, "metadata": {**template["metadata"], "labels": labels}}
    created = metadata.get("creationTimestamp") or ""
    return Revision(int(annotations.get(REVISION, 0)), created, annotations.get(CHANGE_CAUSE, ""), clean)


def _of_controller_revision(item: dict[str, Any]) -> Revision:
    metadata = item["metadata"]
    template = ((item.get("data") or {}).get("spec") or {}).get("template") or {}
    clean = {key: value for key, value in template.items() if not key.startswith("$")}
    cause = (metadata.get("annotations") or {}).get(CHANGE_CAUSE, "")
    return Revision(int(item.get("revision", 0)), metadata.get("creationTimestamp") or "", cause, clean)

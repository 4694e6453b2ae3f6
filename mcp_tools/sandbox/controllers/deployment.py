"""Deployments: a new ReplicaSet for every template, scaled against the old ones.

As in kubernetes/pkg/controller/deployment.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.sandbox.clock import parse_time
from mcp_tools.sandbox.controllers import progress
from mcp_tools.sandbox.controllers.base import Controller, Key, own_or_owner, reference
from mcp_tools.sandbox.controllers.rolling import (
    Scaling,
    recreate,
    rolling_update,
    scale_proportionally,
)
from mcp_tools.sandbox.objects.names import safe_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "deployment-controller"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HASH = "pod-template-hash"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
}


def template_hash(template: Object, collisions: int = 0) -> str:
    """`pod-template-hash`: FNV-1a over the template, in the alphabet of names.

    The API server hashes Go's own print of the struct, so that the values differ from a real cluster's.
    """
    value = 0x811C9DC5
    for byte in msgspec.json.encode(template, order="sorted") + (str(collisions).encode() if collisions else b""):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return safe_hash(value)


class DeploymentController(Controller):
    """Rolls Deployments forward, keeps their history and says how they progress."""

    watches = ("Deployment", "ReplicaSet")

    def keys(self, change: Change) -> Iterable[Key]:
        """The Deployment itself or the owner of the ReplicaSet."""
        return own_or_owner("Deployment", change)

    def reconcile(self, key: Key) -> float | None:
        """Take the next step of one Deployment."""
        deployment = self.cluster.get("Deployment", *key)
        if deployment is None:
            return None
        if deployment["metadata"].get("deletionTimestamp"):
            return self._report(deployment, *self._sets(deployment))
        new, old = self._sets(deployment)
        spec = deployment["spec"]
        scaling = Scaling(self.cluster, deployment, SOURCE)
        if spec.get("paused") or _resized(deployment, new, old):
            scale_proportionally(scaling, deployment, new, old)
        else:
            if new is None:
                new = self._create_set(deployment, old)
                if new is None:
                    return None
            new = self._keep_revision(deployment, new, old)
            if spec["strategy"]["type"] == "Recreate":
                recreate(scaling, new, old)
            else:
                rolling_update(scaling, new, old)
        deployment = self.cluster.get("Deployment", *key) or deployment
        new, old = self._sets(deployment)
        again = self._report(deployment, new, old)
        if new is not None and progress.is_complete(self.cluster.get("Deployment", *key) or deployment):
            self._forget(deployment, old)
        return again

    def _sets(self, deployment: Object) -> tuple[Object | None, list[Object]]:
        owned = sorted(
            self.cluster.owned(deployment, "ReplicaSet"),
            key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"]),
        )
        template = deployment["spec"]["template"]
        new = next((item for item in owned if same_template(item["spec"]["template"], template)), None)
        return new, [item for item in owned if item is not new]

    def _create_set(self, deployment: Object, old: list[Object]) -> Object | None:
        meta, spec = deployment["metadata"], deployment["spec"]
        template = copy.deepcopy(spec["template"])
        collisions = (deployment.get("status") or {}).get("collisionCount", 0)
        digest = template_hash(template, collisions)
        name = f"{meta['name']}-{digest}"
        if self.cluster.get("ReplicaSet", meta["namespace"], name) is not None:
            status = {**deployment["status"], "collisionCount": collisions + 1}
            self.cluster.set_status(deployment, status)
            return None
        template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), HASH: digest}
        selector = copy.deepcopy(spec["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: digest}
        scaling = Scaling(self.cluster, deployment, SOURCE)
        replicas = scaling.first_size(old)
        made = self.cluster.create(
            "ReplicaSet",
            {
                "metadata": {
                    "name": name,
                    "namespace": meta["namespace"],
                    "labels": dict(template["metadata"]["labels"]),
                    "annotations": {**self._annotations(deployment, old), **scaling.notes()},
                    "ownerReferences": [reference(deployment)],
                },
                "spec": {
                    "replicas": replicas,
                    "selector": selector,
                    "template": template,
                    **({"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}),
                },
            },
        )
        if replicas:
            self.cluster.events.normal(
                deployment, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {replicas}", SOURCE
            )
        return made

    def _annotations(self, deployment: Object, old: list[Object]) -> dict[str, str]:
        own = deployment["metadata"].get("annotations") or {}
        copied = {key: value for key, value in own.items() if key not in _NOT_COPIED}
        return {**copied, REVISION: str(max((revision(item) for item in old), default=0) + 1)}

    def _keep_revision(self, deployment: Object, new: Object, old: list[Object]) -> Object:
        wanted = max((revision(item) for item in old), default=0) + 1
        if revision(new) < wanted:

            def renumber(draft: Object) -> None:
                notes = draft["metadata"].setdefault("annotations", {})
                past = [part for part in notes.get(REVISION_HISTORY, "").split(",") if part]
                if notes.get(REVISION):
                    notes[REVISION_HISTORY] = ",".join([*past, notes[REVISION]])
                notes.update(self._annotations(deployment, old))

            new = self.cluster.modify(new, renumber) or new
        number = str(revision(new))
        if (deployment["metadata"].get("annotations") or {}).get(REVISION) != number:

            def note(draft: Object) -> None:
                draft["metadata"].setdefault("annotations", {})[REVISION] = number

            self.cluster.modify(deployment, note, subresource="status")
        return new

    def _report(self, deployment: Object, new: Object | None, old: list[Object]) -> float | None:
        status, again = progress.status_of(self.cluster, deployment, new, old)
        self.cluster.set_status(deployment, status)
        return again

    def _forget(self, deployment: Object, old: list[Object]) -> None:
        empty = [
            item
            for item in old
            if not (item.get("status") or {}).get("replicas")
            and not item["spec"].get("replicas")
            and (item.get("status") or {}).get("observedGeneration", 0) >= item["metadata"]["generation"]
            and not item["metadata"].get("deletionTimestamp")
        ]
        surplus = len(empty) - deployment["spec"].get("revisionHistoryLimit", 10)
        for item in sorted(
            empty, key=lambda found: (revision(found), parse_time(found["metadata"]["creationTimestamp"]))
        )[: max(0, surplus)]:
            self.cluster.delete(item)


def revision(replica_set: Object) -> int:
    """The revision that a ReplicaSet stands for; 0 for none."""
    text = (replica_set["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdecimal() else 0


def same_template(left: Object, right: Object) -> bool:
    """Whether two pod templates are the same but for the hash label."""
    return _without_hash(left) == _without_hash(right)


def _without_hash(template: Object) -> Object:
    meta = template.get("metadata") or {}
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH}
    return {"metadata": {**meta, "labels": labels}, "spec": template.get("spec")}


def _resized(deployment: Object, new: Object | None, old: list[Object]) -> bool:
    """Whether the count changed since the active sets were last written: a scale, not a rollout."""
    for item in [*old, *([new] if new else [])]:
        if item["spec"].get("replicas", 0) > 0:
            noted = (item["metadata"].get("annotations") or {}).get(DESIRED)
            if noted is not None and noted != str(deployment["spec"]["replicas"]):
                return True
    return False

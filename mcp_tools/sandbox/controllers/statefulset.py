"""StatefulSets: numbered pods with an identity, made and replaced in order (kubernetes/pkg/controller/statefulset)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.sandbox.clock import parse_time
from mcp_tools.sandbox.controllers.base import (
    Cluster,
    Controller,
    Key,
    is_ready,
    own_or_owner,
    pod_from,
    ready_since,
    reference,
)
from mcp_tools.sandbox.controllers.deployment import template_hash
from mcp_tools.sandbox.objects.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Change, Object

SOURCE = "statefulset-controller"
HASH = "controller-revision-hash"
_ORDINAL = "apps.kubernetes.io/pod-index"
_POD_NAME = "statefulset.kubernetes.io/pod-name"


class StatefulSetController(Controller):
    """One pod after the other, each with its claims."""

    watches = ("StatefulSet", "Pod")

    def keys(self, change: Change) -> Iterable[Key]:
        """The set itself or the pod's owner."""
        return own_or_owner("StatefulSet", change)

    def reconcile(self, key: Key) -> float | None:
        """Take the next step of one StatefulSet."""
        owner = self.cluster.get("StatefulSet", *key)
        if owner is None:
            return None
        update = revision_of(self.cluster, owner)
        pods = {ordinal_of(pod): pod for pod in self.cluster.owned(owner, "Pod")}
        if not owner["metadata"].get("deletionTimestamp"):
            self._step(owner, pods, update)
        pods = {ordinal_of(pod): pod for pod in self.cluster.owned(owner, "Pod")}
        return self._report(owner, list(pods.values()), update)

    def _step(self, owner: Object, pods: dict[int, Object], update: str) -> None:
        spec = owner["spec"]
        ordered = spec["podManagementPolicy"] == "OrderedReady"
        start = (spec.get("ordinals") or {}).get("start", 0)
        wanted = range(start, start + spec["replicas"])
        current = (owner.get("status") or {}).get("currentRevision") or update
        for ordinal in wanted:
            pod = pods.get(ordinal)
            if pod is not None and (pod["status"].get("phase") in {"Failed", "Succeeded"}):
                self._delete(owner, pod)
                return
            if pod is None and not self._create(owner, ordinal, update):
                return
            if not ordered:
                continue
            if pod is None:
                return
            if not is_ready(pod) or pod["metadata"].get("deletionTimestamp"):
                # A broken pod of an earlier revision is waited for, too: only its deletion helps.
                return
        for ordinal in sorted(set(pods) - set(wanted), reverse=True):
            if not pods[ordinal]["metadata"].get("deletionTimestamp"):
                self._delete(owner, pods[ordinal])
            if ordered:
                return
        if spec["updateStrategy"]["type"] == "RollingUpdate" and current != update:
            self._roll(owner, pods, wanted, update)

    def _roll(self, owner: Object, pods: dict[int, Object], wanted: range, update: str) -> None:
        partition = (owner["spec"]["updateStrategy"].get("rollingUpdate") or {}).get("partition", 0)
        for ordinal in reversed(wanted):
            pod = pods.get(ordinal)
            if pod is None or ordinal < partition:
                return
            if pod["metadata"]["labels"].get(HASH) != update:
                if not pod["metadata"].get("deletionTimestamp"):
                    self._delete(owner, pod)
                return
            if not is_ready(pod):
                return

    def _create(self, owner: Object, ordinal: int, update: str) -> bool:
        name = f"{owner['metadata']['name']}-{ordinal}"
        pod = pod_from(copy.deepcopy(owner["spec"]["template"]), owner, name=name)
        labels = pod["metadata"].setdefault("labels", {})
        labels.update({HASH: update, _ORDINAL: str(ordinal), _POD_NAME: name})
        pod["spec"]["hostname"] = name
        if owner["spec"].get("serviceName"):
            pod["spec"]["subdomain"] = owner["spec"]["serviceName"]
        events = self.cluster.events
        try:
            self._claims(owner, pod, name)
            self.cluster.create("Pod", pod)
        except Refused as error:
            why = f"create Pod {name} in StatefulSet {owner['metadata']['name']} failed error: {error.message}"
            if error.reason != "AlreadyExists":
                events.warning(owner, "FailedCreate", why, SOURCE)
            return False
        message = f"create Pod {name} in StatefulSet {owner['metadata']['name']} successful"
        events.normal(owner, "SuccessfulCreate", message, SOURCE)
        return True

    def _claims(self, owner: Object, pod: Object, name: str) -> None:
        volumes = pod["spec"].setdefault("volumes", [])
        for template in owner["spec"].get("volumeClaimTemplates") or ():
            volume = template["metadata"]["name"]
            claim = f"{volume}-{name}"
            volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": claim}})
            if self.cluster.get("PersistentVolumeClaim", owner["metadata"]["namespace"], claim) is None:
                meta = {
                    "name": claim,
                    "namespace": owner["metadata"]["namespace"],
                    "labels": dict((owner["spec"]["selector"] or {}).get("matchLabels") or {}),
                }
                self.cluster.create(
                    "PersistentVolumeClaim", {"metadata": meta, "spec": copy.deepcopy(template["spec"])}
                )

    def _delete(self, owner: Object, pod: Object) -> None:
        name = pod["metadata"]["name"]
        self.cluster.delete(pod)
        message = f"delete Pod {name} in StatefulSet {owner['metadata']['name']} successful"
        self.cluster.events.normal(owner, "SuccessfulDelete", message, SOURCE)

    def _report(self, owner: Object, pods: list[Object], update: str) -> float | None:
        minimum = owner["spec"].get("minReadySeconds", 0)
        now = self.cluster.clock.now()
        known = owner.get("status") or {}
        current = known.get("currentRevision") or update
        ready = [pod for pod in pods if is_ready(pod)]
        waits = [parse_time(ready_since(pod) or "") + minimum - now for pod in ready]
        updated = [pod for pod in pods if pod["metadata"]["labels"].get(HASH) == update]
        replicas = owner["spec"]["replicas"]
        done = len(updated) == len(pods) == replicas and len(ready) == replicas
        counts = {
            "readyReplicas": len(ready),
            "currentReplicas": len(updated)
            if done or current == update
            else sum(pod["metadata"]["labels"].get(HASH) == current for pod in pods),
            "updatedReplicas": len(updated),
        }
        status: Object = {
            "observedGeneration": owner["metadata"]["generation"],
            "replicas": len(pods),
            "availableReplicas": sum(wait <= 0 for wait in waits),
            "currentRevision": update if done else current,
            "updateRevision": update,
            "collisionCount": 0,
        }
        status |= {name: count for name, count in counts.items() if count}
        self.cluster.set_status(owner, status)
        later = [wait for wait in waits if wait > 0]
        return min(later) + 0.05 if later else None


def ordinal_of(pod: Object) -> int:
    """A pod's number; -1 for a foreign name."""
    number = pod["metadata"]["name"].rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def revision_of(cluster: Cluster, owner: Object) -> str:
    """The name of the ControllerRevision of an object's present template, made when there is none.

    Args:
        cluster: The controllers' view.
        owner: A StatefulSet or DaemonSet.
    """
    template = owner["spec"]["template"]
    data = {"spec": {"template": {**template, "$patch": "replace"}}}
    known = sorted(cluster.owned(owner, "ControllerRevision"), key=lambda item: item["revision"])
    digest = template_hash(template)
    name = f"{owner['metadata']['name']}-{digest}"
    found = next((item for item in known if item["data"] == data), None)
    newest = known[-1]["revision"] if known else 0
    if found is None:
        meta = {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {**(template["metadata"].get("labels") or {}), HASH: digest},
            "ownerReferences": [reference(owner)],
        }
        revision = {"metadata": meta, "revision": newest + 1, "data": msgspec.json.decode(msgspec.json.encode(data))}
        cluster.create("ControllerRevision", revision)
    elif found["revision"] < newest:
        cluster.modify(found, lambda draft: draft.update(revision=newest + 1))
    return name

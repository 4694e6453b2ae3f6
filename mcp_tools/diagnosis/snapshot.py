"""The cluster at one moment, joined in memory."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from mcp_tools.diagnosis.model import Ref

Object = dict[str, Any]


class Resource:
    """One object as it was read; a pod's spec is decoded when somebody asks for it.

    Attributes:
        ref: Which object.
        body: All that was kept of it.
    """

    __slots__ = ("_spec", "body", "ref")

    def __init__(self, kind: str, body: Object) -> None:
        meta = body["metadata"]
        self.ref = Ref(kind, meta.get("namespace") or "", meta["name"])
        self.body = body
        self._spec: Object | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.ref.name

    @property
    def namespace(self) -> str:
        """Its namespace; empty where it belongs to the whole cluster."""
        return self.ref.namespace

    @property
    def meta(self) -> Object:
        """Its metadata."""
        found: Object = self.body["metadata"]
        return found

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.meta.get("uid") or "")

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self.meta.get("labels") or {}

    @property
    def created(self) -> str:
        """When it was made, RFC 3339."""
        return str(self.meta.get("creationTimestamp") or "")

    @property
    def deleting(self) -> str:
        """When somebody asked for it to be deleted; empty where nobody did."""
        return str(self.meta.get("deletionTimestamp") or "")

    @property
    def spec(self) -> Object:
        """Its spec."""
        if self._spec is None:
            found = self.body.get("spec")
            self._spec = msgspec.json.decode(found) if isinstance(found, msgspec.Raw) else found or {}
        return self._spec

    @property
    def status(self) -> Object:
        """Its status."""
        return self.body.get("status") or {}

    @property
    def conditions(self) -> dict[str, Object]:
        """Its conditions by type."""
        return {item["type"]: item for item in self.status.get("conditions") or ()}

    @property
    def template(self) -> Object:
        """The pod spec that a workload, a revision of it, Job or CronJob makes pods from; a pod's own."""
        spec = self.spec
        if self.ref.kind == "Pod":
            return spec
        if self.ref.kind == "ControllerRevision":
            spec = (self.body.get("data") or {}).get("spec") or {}
        if self.ref.kind == "CronJob":
            spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        found: Object = (spec.get("template") or {}).get("spec") or {}
        return found

    @property
    def containers(self) -> list[Object]:
        """The containers of `template`, those of initialisation first."""
        return [*(self.template.get("initContainers") or ()), *(self.template.get("containers") or ())]

    def __repr__(self) -> str:
        return f"<{self.ref}>"


class Snapshot:
    """What was read, with its indexes.

    Attributes:
        namespace: The one that was asked about; empty for all.
        unseen: Why a kind could not be read, by kind.
        memo: What several detectors work out once.
    """

    def __init__(
        self, items: Iterable[Resource], namespace: str = "", unseen: Mapping[str, str] | None = None, now: str = ""
    ) -> None:
        self.namespace = namespace
        self._now = now
        self.unseen = dict(unseen or {})
        self.memo: dict[object, object] = {}
        self._by_kind: dict[str, list[Resource]] = defaultdict(list)
        self._by_ref: dict[Ref, Resource] = {}
        self._by_uid: dict[str, Resource] = {}
        self._owned: dict[str, list[Resource]] = defaultdict(list)
        self._roots: dict[Ref, Resource] = {}
        for item in items:
            self._by_kind[item.ref.kind].append(item)
            self._by_ref[item.ref] = item
            if item.uid:
                self._by_uid[item.uid] = item
            for owner in item.meta.get("ownerReferences") or ():
                if owner.get("controller"):
                    self._owned[owner.get("uid", "")].append(item)

    def sees(self, kind: str) -> bool:
        """Whether this kind could be read: only then does an object's absence say anything."""
        return kind not in self.unseen

    def all(self, kind: str, namespace: str | None = None) -> list[Resource]:
        """The objects of a kind, of one namespace or of all that were read."""
        found = self._by_kind.get(kind, [])
        return found if namespace is None else [item for item in found if item.namespace == namespace]

    def get(self, kind: str, namespace: str, name: str) -> Resource | None:
        """One object, if it is there."""
        return self._by_ref.get(Ref(kind, namespace, name))

    def at(self, ref: Ref) -> Resource | None:
        """One object, if it is there."""
        return self._by_ref.get(ref)

    def refs(self) -> Iterable[Ref]:
        """All that was read."""
        return self._by_ref

    def missing(self, kind: str, namespace: str, name: str) -> bool:
        """Whether an object is known not to be there: its kind and namespace were read and it was not among them."""
        in_scope = not self.namespace or not namespace or namespace == self.namespace
        return self.sees(kind) and in_scope and self.get(kind, namespace, name) is None

    def owner(self, item: Resource) -> Resource | None:
        """The controller that made it, if it is there."""
        for owner in item.meta.get("ownerReferences") or ():
            if owner.get("controller"):
                return self._by_uid.get(owner.get("uid", ""))
        return None

    def root(self, item: Resource) -> Resource:
        """The owner of its owner, as far as that goes: the Deployment of a pod, or the pod itself."""
        owner = self.owner(item)
        if owner is None:
            return item
        if (found := self._roots.get(owner.ref)) is None:
            # Owners that own each other end here.
            self._roots[owner.ref] = owner
            found = self._roots[owner.ref] = self.root(owner)
        return found

    def owned(self, item: Resource) -> list[Resource]:
        """What it made directly."""
        return self._owned.get(item.uid, [])

    def revisions(self, workload: Resource) -> list[Resource]:
        """The ReplicaSets or ControllerRevisions that keep its pod templates, the newest first."""
        kept = [item for item in self.owned(workload) if item.ref.kind in {"ReplicaSet", "ControllerRevision"}]
        return sorted(kept, key=number_of, reverse=True)

    @cached_property
    def _pods_by_root(self) -> dict[Ref, list[Resource]]:
        found: dict[Ref, list[Resource]] = defaultdict(list)
        for pod in self.all("Pod"):
            found[self.root(pod).ref].append(pod)
        return found

    def pods_of(self, item: Resource) -> list[Resource]:
        """The pods that it made, directly or not; a pod's are itself."""
        return self._pods_by_root.get(item.ref, [])

    @cached_property
    def pods_by_node(self) -> dict[str, list[Resource]]:
        """The pods by the name of their node."""
        found: dict[str, list[Resource]] = defaultdict(list)
        for pod in self.all("Pod"):
            found[pod.spec.get("nodeName") or ""].append(pod)
        return found

    @cached_property
    def _pods_by_label(self) -> dict[tuple[str, str, str], list[Resource]]:
        found: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
        for pod in self.all("Pod"):
            for key, value in pod.labels.items():
                found[pod.namespace, key, value].append(pod)
        return found

    def selected(self, namespace: str, labels: Mapping[str, str]) -> list[Resource]:
        """The pods of a namespace that have all of these labels; none for no labels."""
        if not labels:
            return []
        sets = [self._pods_by_label.get((namespace, key, value), []) for key, value in labels.items()]
        smallest = min(sets, key=len)
        return [pod for pod in smallest if all(pod.labels.get(key) == value for key, value in labels.items())]

    @cached_property
    def services_of_pods(self) -> dict[Ref, list[Resource]]:
        """The Services by the pods that they select."""
        found: dict[Ref, list[Resource]] = defaultdict(list)
        for service in self.all("Service"):
            for pod in self.selected(service.namespace, service.spec.get("selector") or {}):
                found[pod.ref].append(service)
        return found

    @cached_property
    def workloads(self) -> list[Resource]:
        """What makes pods and is itself made by nobody."""
        kinds = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
        return [item for kind in kinds for item in self.all(kind) if self.owner(item) is None]

    @cached_property
    def _events(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = defaultdict(list)
        for event in self.all("Event"):
            found[str((event.body.get("involvedObject") or {}).get("uid") or "")].append(event)
        for events in found.values():
            events.sort(key=event_time, reverse=True)
        return found

    @cached_property
    def now(self) -> str:
        """The present, RFC 3339; a cluster whose clock is ahead of ours says so by its events."""
        ours = self._now or dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return max([ours, *(event_time(event)[:19] + "Z" for event in self.all("Event"))])

    def events(self, item: Resource, *reasons: str) -> list[Resource]:
        """The events about an object (its uid, not its name), newest first."""
        return [event for event in self._events.get(item.uid, ()) if not reasons or event.body.get("reason") in reasons]


def event_time(event: Resource) -> str:
    """When an event was last seen; newer reporters keep it in the series or in eventTime."""
    body = event.body
    series = (body.get("series") or {}).get("lastObservedTime")
    return str(series or body.get("lastTimestamp") or body.get("eventTime") or event.created)


def number_of(revision: Resource) -> int:
    """Which one of its workload's revisions it is, from 1 on."""
    from mcp_tools.reads.revisions import REVISION

    return int(revision.body.get("revision") or (revision.meta.get("annotations") or {}).get(REVISION, 0))

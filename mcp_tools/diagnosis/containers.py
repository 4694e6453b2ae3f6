"""The containers of pods as detectors see them: spec beside status, grouped by the workload that they come from."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.model import Evidence, Fix, Ref

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

Object = dict[str, Any]
TEMPLATES = {"Pod": "spec", "CronJob": "spec.jobTemplate.spec.template.spec"}
BATCH = frozenset({"Job", "CronJob"})


@dataclass(frozen=True, slots=True)
class View:
    """One container of one pod.

    Attributes:
        root: What the pod comes from, where a change has to be made.
        section: `containers` or `initContainers`.
    """

    pod: Resource
    root: Resource
    name: str
    section: str
    index: int
    spec: Object
    status: Object

    @property
    def waiting(self) -> Object:
        """Why it waits; empty where it does not."""
        found: Object = (self.status.get("state") or {}).get("waiting") or {}
        return found

    @property
    def running(self) -> Object | None:
        """Since when it runs; None where it does not."""
        found: Object | None = (self.status.get("state") or {}).get("running")
        return found

    @property
    def ended(self) -> Object:
        """How it ended last, in this run or the one before; empty where it never did."""
        state, last = self.status.get("state") or {}, self.status.get("lastState") or {}
        found: Object = state.get("terminated") or last.get("terminated") or {}
        return found

    @property
    def restarts(self) -> int:
        """How often it was restarted."""
        return int(self.status.get("restartCount") or 0)

    @property
    def init(self) -> bool:
        """Whether it runs before the others, and is no sidecar."""
        return self.section == "initContainers" and self.spec.get("restartPolicy") != "Always"

    def field(self, name: str = "") -> str:
        """A field's path in the root object."""
        path = f"{template_path(self.root)}.{self.section}[{self.index}]"
        return f"{path}.{name}" if name else path

    def events(self, snapshot: Snapshot, *reasons: str) -> list[Resource]:
        """The events about this container, newest first; those that name no container are the pod's."""
        mark = "{" + self.name + "}"
        found = snapshot.events(self.pod, *reasons)
        return [item for item in found if mark in str((item.body["involvedObject"]).get("fieldPath") or mark)]


def template_path(root: Resource) -> str:
    """Where an object keeps its pod spec."""
    return TEMPLATES.get(root.ref.kind, "spec.template.spec")


def views_of(snapshot: Snapshot, pod: Resource) -> Iterator[View]:
    """The containers of a pod, those of initialisation first."""
    root = snapshot.root(pod)
    for section, key in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        statuses = {item["name"]: item for item in pod.status.get(key) or ()}
        for index, spec in enumerate(pod.spec.get(section) or ()):
            yield View(pod, root, spec["name"], section, index, spec, statuses.get(spec["name"], {}))


def is_ready(pod: Resource) -> bool:
    """Whether its Ready condition is true."""
    # Asked of every pod again and again: without making a dictionary of all its conditions.
    return any(item["type"] == "Ready" and item.get("status") == "True" for item in pod.status.get("conditions") or ())


def is_over(pod: Resource) -> bool:
    """Whether it has ended, or is asked to."""
    return bool(pod.deleting) or pod.status.get("phase") in {"Succeeded", "Failed"}


def troubled(snapshot: Snapshot) -> list[Resource]:
    """The pods that live and are not ready, or were restarted: a healthy pod's spec is never even decoded."""
    found = snapshot.memo.get(troubled)
    if not isinstance(found, list):
        found = [pod for pod in snapshot.all("Pod") if not is_over(pod) and _has_trouble(pod)]
        snapshot.memo[troubled] = found
    return found


def _has_trouble(pod: Resource) -> bool:
    statuses = (*(pod.status.get("initContainerStatuses") or ()), *(pod.status.get("containerStatuses") or ()))
    return not is_ready(pod) or any(item.get("restartCount") for item in statuses)


def grouped(views: Iterable[View]) -> list[list[View]]:
    """The same container of the pods of one workload together, in the order in which they came."""
    found: dict[tuple[Ref, str, str], list[View]] = defaultdict(list)
    for view in views:
        found[view.root.ref, view.section, view.name].append(view)
    return list(found.values())


def pods(views: Iterable[View]) -> tuple[Ref, ...]:
    """The pods of views, each once."""
    return tuple(dict.fromkeys(view.pod.ref for view in views))


def fact(item: Resource, where: str, value: object, time: str = "") -> Evidence:
    """A field as evidence."""
    return Evidence(item.ref, where, str(value), time)


def reported(event: Resource) -> Evidence:
    """An event as evidence, about the object that it is about."""
    from mcp_tools.diagnosis.snapshot import event_time

    about = event.body["involvedObject"]
    ref = Ref(about.get("kind", ""), about.get("namespace", ""), about.get("name", ""))
    return Evidence(ref, f"event {event.body.get('reason')}", str(event.body.get("message")), event_time(event))


def target_of(item: Resource) -> dict[str, str]:
    """An object as the tools that change something take it."""
    place = {"namespace": item.namespace} if item.namespace else {}
    return {"target": f"{item.ref.kind.lower()}/{item.name}", **place}


def go_back(snapshot: Snapshot, root: Resource) -> tuple[Fix, ...]:
    """The revision before, where a workload has one."""
    if len(snapshot.revisions(root)) <= 1:
        return ()
    sentence = f"Go back to the revision of {root.ref} before this one"
    return (Fix(sentence, "rollout", {**target_of(root), "action": "undo"}),)


def patch(item: Resource, sentence: str, fields: Object) -> Fix:
    """Set fields of an object."""
    return Fix(sentence, "patch_resource", {**target_of(item), "fields": fields})


def delete(item: Resource, sentence: str) -> Fix:
    """Delete an object; what was there is kept in the journal."""
    return Fix(sentence, "delete_resource", target_of(item))


def configure(root: Resource, container: str, sentence: str, **given: Object) -> Fix:
    """Give a container of a workload requests, limits or environment."""
    return Fix(sentence, "configure_workload", {**target_of(root), "container": container, **given})


def together(sentence: str, fixes: Iterable[Fix]) -> Fix:
    """Several changes as one plan; one alone stays as it is but for its sentence."""
    parts = list(fixes)
    if len(parts) == 1:
        return replace(parts[0], sentence=sentence)
    steps = [{"tool": fix.tool, "arguments": fix.arguments} for fix in parts]
    return Fix(sentence, "change_several", {"steps": steps})


def seconds_between(earlier: str, later: str) -> float:
    """From one RFC 3339 time to another; 0 where one is missing."""
    if not earlier or not later:
        return 0.0
    return (dt.datetime.fromisoformat(later) - dt.datetime.fromisoformat(earlier)).total_seconds()

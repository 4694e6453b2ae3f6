"""The reasons of events: what is told of pods, rollouts, jobs, scheduling, claims and autoscalers."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from differences import differences

from fidelity.bodies import CONTAINER, base, put
from fidelity.model import Tally

if TYPE_CHECKING:
    from sandbox_helpers import Client

_PATIENCE = 90
_MERGE = "application/merge-patch+json"
Told = frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class Scene:
    """One object, what is done to it, and the event after which nothing new is told.

    Attributes:
        then: A merge patch once it has settled; `{}` deletes it.
        settled: The reason that says it has.
        last: The last reason.
    """

    kind: str
    changes: tuple[tuple[str, Any], ...]
    last: str
    settled: str = ""
    then: Any = None


def _pod(last: str, *changes: tuple[str, Any], settled: str = "", then: Any = None) -> Scene:
    return Scene("Pod", (("spec.schedulerName", None), *changes), last, settled, then)


_APP = "spec.containers.0"
_FAILING = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
_JOB = ("spec.suspend", False)
_JOB_APP = "spec.template.spec.containers.0"
_CLAIM = {"name": "v", "persistentVolumeClaim": {"claimName": "none"}}
SCENES: dict[str, Scene] = {
    "runs": _pod("Started"),
    "ends": _pod("BackOff", (f"{_APP}.command", ["false"])),
    "image": _pod("BackOff", (f"{_APP}.image", "busybox:none-such")),
    "never": _pod("Failed", (f"{_APP}.image", "busybox:none-such"), (f"{_APP}.imagePullPolicy", "Never")),
    "config": _pod(
        "Failed", (f"{_APP}.env", [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "a"}}}])
    ),
    "command": _pod("BackOff", (f"{_APP}.command", ["none-such"])),
    "mount": _pod(
        "FailedMount",
        ("spec.volumes", [{"name": "v", "configMap": {"name": "none"}}]),
        (f"{_APP}.volumeMounts", [{"name": "v", "mountPath": "/v"}]),
    ),
    "nowhere": _pod("FailedScheduling", ("spec.nodeSelector", {"e.com/disk": "ssd"})),
    "large": _pod("FailedScheduling", (f"{_APP}.resources", {"requests": {"cpu": "900"}})),
    "claimless": _pod(
        "FailedScheduling", ("spec.volumes", [{"name": "v", "persistentVolumeClaim": {"claimName": "no"}}])
    ),
    "unready": _pod("Unhealthy", (f"{_APP}.readinessProbe", _FAILING)),
    "unhealthy": _pod("Killing", (f"{_APP}.livenessProbe", _FAILING), ("spec.restartPolicy", "Never")),
    "gone": _pod("Killing", settled="Started", then={}),
    "first": _pod("BackOff", ("spec.initContainers", [{**CONTAINER, "name": "init", "command": ["false"]}])),
    "rolls": Scene(
        "Deployment",
        (("spec.replicas", 1),),
        "SuccessfulDelete",
        "Started",
        {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}},
    ),
    "refused": Scene(
        "Deployment", (("spec.replicas", 1), ("spec.template.spec.serviceAccountName", "nobody")), "FailedCreate"
    ),
    "shrinks": Scene("StatefulSet", (("spec.replicas", 1),), "SuccessfulDelete", "Started", {"spec": {"replicas": 0}}),
    "everywhere": Scene("DaemonSet", (), "Started"),
    "done": Scene("Job", (_JOB, (f"{_JOB_APP}.command", ["true"])), "Completed"),
    "failed": Scene(
        "Job", (_JOB, (f"{_JOB_APP}.command", ["false"]), ("spec.backoffLimit", 0)), "BackoffLimitExceeded"
    ),
    "late": Scene("Job", (_JOB, ("spec.activeDeadlineSeconds", 3)), "DeadlineExceeded"),
    "waits": Scene("Job", (), "Suspended"),
    "resumed": Scene("Job", (), "Started", "Suspended", {"spec": {"suspend": False}}),
    "unbound": Scene("PersistentVolumeClaim", (), "FailedBinding"),
    "classless": Scene("PersistentVolumeClaim", (("spec.storageClassName", "none-such"),), "ProvisioningFailed"),
    "scaler": Scene("HorizontalPodAutoscaler", (), "FailedGetScale"),
    "budget": Scene("PodDisruptionBudget", (("spec.selector.matchLabels", {"app": "nobody"}),), "NoPods"),
}


def happenings(clients: tuple[Client, Client], namespace: str) -> Tally:
    """All scenes at once on both servers; of each, the kinds, types and reasons of its events."""
    stages = [_Stage(client, namespace) for client in clients]
    for stage in stages:
        stage.open()
    end = time.monotonic() + _PATIENCE
    waiting = list(stages)
    while waiting and time.monotonic() < end:
        waiting = [stage for stage in waiting if not stage.look()]
        time.sleep(0.5)
    for stage in stages:  # what is told right after the last one
        stage.look()
    tally = Tally()
    for name in SCENES:
        tally.requests += 1
        theirs, ours = (sorted(" ".join(told) for told in stage.told(name)) for stage in stages)
        if found := differences({"events": theirs}, {"events": ours}):
            tally.differing.append((f"events of {name}", found))
    return tally


class _Stage:
    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._events: list[dict[str, Any]] = []
        self._acted: set[str] = set()

    def open(self) -> None:
        for name, scene in SCENES.items():
            path, body = base(scene.kind)
            body = copy.deepcopy(body)
            body["metadata"] = {"name": name}
            if (body.get("spec") or {}).get("selector", {}).get("matchLabels"):
                put(body, "spec.selector.matchLabels", {"app": name})
                if "template" in body["spec"]:
                    put(body, "spec.template.metadata.labels", {"app": name})
            for where, value in scene.changes:
                put(body, where, value)
            answer = self._client("POST", path.replace("{ns}", self._namespace), body)
            assert answer.status == 201, answer.body

    def look(self) -> bool:
        """Read the events, act where a scene has settled; whether all are over."""
        self._events = self._client("GET", f"/api/v1/namespaces/{self._namespace}/events").body["items"]
        over = True
        for name, scene in SCENES.items():
            reasons = {reason for _, _, reason in self.told(name)}
            if scene.settled in reasons and scene.then is not None and name not in self._acted:
                self._acted.add(name)
                path = f"{base(scene.kind)[0].replace('{ns}', self._namespace)}/{name}"
                if scene.then:
                    self._client("PATCH", path, scene.then, media=_MERGE)
                else:
                    self._client("DELETE", path)
            over = over and scene.last in reasons
        return over

    def told(self, name: str) -> Told:
        # Whether an image has to be pulled says something about the node, not about the server.
        about = ((event["involvedObject"], event) for event in self._events if event["reason"] != "Pulling")
        return frozenset(
            (target["kind"], event["type"], event["reason"])
            for target, event in about
            if target["name"] == name or target["name"].startswith(f"{name}-")
        )

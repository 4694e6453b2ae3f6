"""The columns of pods and what makes them (kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.api.columns import (
    AGE,
    NAME,
    NONE,
    Column,
    at,
    column,
    containers,
    field,
    human_duration,
    pairs,
    since,
)
from mcp_tools.sandbox.clock import parse_time
from mcp_tools.sandbox.objects import selectors

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.store import Object

_TEMPLATE = ("spec", "template", "spec")


def pod_status(pod: Object) -> str:
    """The STATUS cell of a pod: its most telling reason."""
    status = pod.get("status") or {}
    word = status.get("reason") or status.get("phase", "Unknown")
    starting = _init_word(pod)
    word = starting or _main_word(status, word)
    if pod["metadata"].get("deletionTimestamp"):
        word = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    gates = pod.get("spec", {}).get("schedulingGates")
    return "SchedulingGated" if gates and word == "Pending" else str(word)


def _sidecars(pod: Object) -> set[str]:
    return {c["name"] for c in at(pod, "spec", "initContainers", default=[]) if c.get("restartPolicy") == "Always"}


def _init_word(pod: Object) -> str:
    sidecars = _sidecars(pod)
    total = len(at(pod, "spec", "initContainers", default=[]))
    for index, status in enumerate(at(pod, "status", "initContainerStatuses", default=[])):
        state = status.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if (ended and ended.get("exitCode") == 0) or (status["name"] in sidecars and status.get("started")):
            continue
        if ended:
            signal = f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
            return f"Init:{ended.get('reason') or signal}"
        if waiting.get("reason") not in {None, "", "PodInitializing"}:
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return ""


def _main_word(status: Object, word: str) -> str:
    running = False
    for container in reversed(status.get("containerStatuses") or ()):
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if waiting.get("reason"):
            word = waiting["reason"]
        elif ended:
            signal = f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"
            word = ended.get("reason") or signal
        elif container.get("ready") and state.get("running") is not None:
            running = True
    if word == "Completed" and running:
        return "Running" if _condition(status, "Ready") == "True" else "NotReady"
    return word


def _condition(status: Object, kind: str) -> str:
    return next((c.get("status", "") for c in status.get("conditions") or () if c.get("type") == kind), "")


def _pod_containers(pod: Object) -> list[Object]:
    sidecars = _sidecars(pod)
    beside = [s for s in at(pod, "status", "initContainerStatuses", default=[]) if s["name"] in sidecars]
    return [*beside, *at(pod, "status", "containerStatuses", default=[])]


def _pod_ready(pod: Object) -> str:
    total = len(at(pod, "spec", "containers", default=[])) + len(_sidecars(pod))
    return f"{sum(bool(status.get('ready')) for status in _pod_containers(pod))}/{total}"


def _pod_restarts(pod: Object, now: float) -> str:
    statuses = _pod_containers(pod)
    if _init_word(pod):
        statuses = at(pod, "status", "initContainerStatuses", default=[])
    count = sum(status.get("restartCount", 0) for status in statuses)
    ends = [at(status, "lastState", "terminated", "finishedAt") for status in statuses]
    last = max((parse_time(moment) for moment in ends if moment), default=None)
    return f"{count} ({human_duration(now - last)} ago)" if count and last is not None else str(count)


def _readiness_gates(pod: Object) -> str:
    gates = at(pod, "spec", "readinessGates", default=[])
    if not gates:
        return NONE
    passed = sum(_condition(pod.get("status") or {}, gate["conditionType"]) == "True" for gate in gates)
    return f"{passed}/{len(gates)}"


def _selector(obj: Object) -> str:
    selector = at(obj, "spec", "selector")
    return selectors.render(selector) or NONE


def _number(name: str, *path: str) -> Column:
    return field(name, *path, default=0)


def _job_completions(job: Object) -> str:
    done = at(job, "status", "succeeded", default=0)
    spec = job["spec"]
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallel = spec.get("parallelism", 0)
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _job_status(job: Object) -> str:
    conditions = {c["type"]: c["status"] for c in at(job, "status", "conditions", default=[])}
    for kind, word in (
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
        ("SuccessCriteriaMet", "SuccessCriteriaMet"),
    ):
        if conditions.get(kind) == "True":
            return word
    return "Terminating" if job["metadata"].get("deletionTimestamp") else "Running"


def _job_duration(job: Object, now: float) -> str:
    start = at(job, "status", "startTime")
    if not start:
        return ""
    end = at(job, "status", "completionTime")
    return human_duration((parse_time(end) if end else now) - parse_time(start))


def _last_schedule(cron: Object, now: float) -> str:
    last = at(cron, "status", "lastScheduleTime")
    return since(last, now) if last else NONE


WORKLOADS: dict[str, tuple[Column, ...]] = {
    "Pod": (
        NAME,
        column("Ready", _pod_ready),
        column("Status", pod_status),
        Column("Restarts", _pod_restarts),
        AGE,
        field("IP", "status", "podIP"),
        field("Node", "spec", "nodeName"),
        field("Nominated Node", "status", "nominatedNodeName"),
        column("Readiness Gates", _readiness_gates),
    ),
    "Deployment.apps": (
        NAME,
        column(
            "Ready", lambda d: f"{at(d, 'status', 'readyReplicas', default=0)}/{at(d, 'spec', 'replicas', default=0)}"
        ),
        field("Up-to-date", "status", "updatedReplicas", default=0),
        field("Available", "status", "availableReplicas", default=0),
        AGE,
        *containers(_TEMPLATE),
        column("Selector", _selector),
    ),
    "ReplicaSet.apps": (
        NAME,
        _number("Desired", "spec", "replicas"),
        _number("Current", "status", "replicas"),
        _number("Ready", "status", "readyReplicas"),
        AGE,
        *containers(_TEMPLATE),
        column("Selector", _selector),
    ),
    "ReplicationController": (
        NAME,
        _number("Desired", "spec", "replicas"),
        _number("Current", "status", "replicas"),
        _number("Ready", "status", "readyReplicas"),
        AGE,
        *containers(_TEMPLATE),
        column("Selector", pairs("spec", "selector")),
    ),
    "StatefulSet.apps": (
        NAME,
        column(
            "Ready", lambda s: f"{at(s, 'status', 'readyReplicas', default=0)}/{at(s, 'spec', 'replicas', default=0)}"
        ),
        AGE,
        *containers(_TEMPLATE),
    ),
    "DaemonSet.apps": (
        NAME,
        _number("Desired", "status", "desiredNumberScheduled"),
        _number("Current", "status", "currentNumberScheduled"),
        _number("Ready", "status", "numberReady"),
        _number("Up-to-date", "status", "updatedNumberScheduled"),
        _number("Available", "status", "numberAvailable"),
        column("Node Selector", pairs("spec", "template", "spec", "nodeSelector")),
        AGE,
        *containers(_TEMPLATE),
        column("Selector", _selector),
    ),
    "PodTemplate": (
        NAME,
        *containers(("template", "spec")),
        column("Pod Labels", pairs("template", "metadata", "labels")),
    ),
    "Job.batch": (
        NAME,
        column("Status", _job_status),
        column("Completions", _job_completions),
        Column("Duration", _job_duration),
        AGE,
        *containers(_TEMPLATE),
        column("Selector", _selector),
    ),
    "CronJob.batch": (
        NAME,
        field("Schedule", "spec", "schedule"),
        field("Timezone", "spec", "timeZone"),
        column("Suspend", lambda c: str(at(c, "spec", "suspend", default=False))),
        column("Active", lambda c: len(at(c, "status", "active", default=[]))),
        Column("Last Schedule", _last_schedule),
        AGE,
        *containers(("spec", "jobTemplate", "spec", "template", "spec")),
        column("Selector", lambda _: NONE),
    ),
}

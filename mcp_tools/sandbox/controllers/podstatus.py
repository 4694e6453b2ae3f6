"""What a kubelet writes into a pod's status: phase, conditions, container statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.controllers.container import Container, Phase

if TYPE_CHECKING:
    from mcp_tools.sandbox.controllers.podworker import PodWorker
    from mcp_tools.sandbox.objects.store import Object


def status_of(worker: PodWorker, pod: Object) -> Object:
    """The status of a worker's pod as it is now."""
    before = pod.get("status") or {}
    initialized = all(container.passed for container in worker.init)
    phase = _phase(worker, pod, initialized=initialized)
    status: Object = {
        "phase": phase,
        "conditions": _conditions(worker, pod, before, phase, initialized=initialized),
        "hostIP": worker.host_ip,
        "hostIPs": [{"ip": worker.host_ip}],
        "startTime": rfc3339(worker.started),
        "qosClass": before.get("qosClass", "BestEffort"),
        "observedGeneration": pod["metadata"].get("generation", 1),
    }
    if worker.evicted:
        status |= {"phase": "Failed", "reason": "Evicted", "message": worker.evicted}
    if worker.address:
        status["podIP"] = worker.address
        status["podIPs"] = [{"ip": worker.address}]
    if worker.init:
        status["initContainerStatuses"] = [_container(found, waiting="PodInitializing") for found in worker.init]
    idle = "PodInitializing" if worker.init else "ContainerCreating"
    status["containerStatuses"] = [_container(found, waiting=idle) for found in worker.main]
    if worker.ephemeral:
        status["ephemeralContainerStatuses"] = [_ephemeral(found) for found in worker.ephemeral]
    return status


def _phase(worker: PodWorker, pod: Object, *, initialized: bool) -> str:
    policy = pod["spec"].get("restartPolicy", "Always")
    if not initialized:
        # Elsewhere the init container is started again, and the pod waits for it.
        failed = policy == "Never" and any(found.phase is Phase.ENDED and not found.passed for found in worker.init)
        return "Failed" if failed else "Pending"
    if any(found.phase in {Phase.IDLE, Phase.WAITING} and not found.last for found in worker.main):
        return "Pending"
    ended = [found for found in worker.main if found.phase is Phase.ENDED]
    if len(ended) == len(worker.main) and (policy != "Always" or worker.stopping):
        return "Succeeded" if all(found.run and found.run.exit_code == 0 for found in ended) else "Failed"
    return "Running"


def _conditions(worker: PodWorker, pod: Object, before: Object, phase: str, *, initialized: bool) -> list[Object]:
    now = rfc3339(worker.cluster.clock.now())
    unready = [found.name for found in worker.main if not found.ready]
    over = phase in {"Succeeded", "Failed"}
    reason = message = ""
    if unready:
        reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
        if over and phase == "Succeeded":
            reason, message = "PodCompleted", ""
    waiting = [found.name for found in worker.init if not found.passed]
    not_initialized = "" if initialized else f"containers with incomplete status: [{' '.join(waiting)}]"
    together = not unready and initialized and not over
    if together:
        reason = message = ""
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
    held = [name for name in gates if _status(before, name) != "True"]
    ready = together and not held
    why, words = reason, message
    if together and held:
        why, words = "ReadinessGatesNotReady", _gates(before, held)
    wanted = [
        ("PodReadyToStartContainers", bool(worker.address) and not over, "", ""),
        ("Initialized", initialized, "" if initialized else "ContainersNotInitialized", not_initialized),
        ("Ready", ready, why, words),
        ("ContainersReady", together, reason, message),
        ("PodScheduled", True, "", ""),
    ]
    known = {found["type"]: found for found in before.get("conditions") or ()}
    generation = pod["metadata"].get("generation", 1)
    ours = {"PodResizePending", *(kind for kind, *_ in wanted)}
    if worker.held:
        wanted.append(("PodResizePending", True, *worker.held))
    conditions = [entry for kind, entry in known.items() if kind not in ours]
    for kind, holds, cause, text in wanted:
        status = "True" if holds else "False"
        old = known.get(kind)
        entry = {
            "type": kind,
            "observedGeneration": generation,
            "status": status,
            "lastProbeTime": None,
            "lastTransitionTime": old["lastTransitionTime"] if old and old["status"] == status else now,
        }
        conditions.append({**entry, **({"reason": cause} if cause else {}), **({"message": text} if text else {})})
    return conditions


def _status(status: Object, kind: str) -> str:
    return next((str(entry["status"]) for entry in status.get("conditions") or () if entry["type"] == kind), "")


def _gates(status: Object, held: list[str]) -> str:
    known = {entry["type"] for entry in status.get("conditions") or ()}
    return ", ".join(
        f'the status of pod readiness gate "{name}" is not "True", but {_status(status, name)}'
        if name in known
        else f'corresponding condition of pod readiness gate "{name}" does not exist.'
        for name in held
    )


def _container(container: Container, *, waiting: str) -> Object:
    status: Object = {
        "name": container.name,
        "state": container.state(waiting),
        "lastState": container.last_state(),
        "ready": container.ready,
        "restartCount": container.restarts,
        "image": container.image_shown(),
        "imageID": container.image_id(),
        "started": container.started,
    }
    if container.run is not None or container.last is not None:
        status["containerID"] = container.container_id()
    resources = container.spec.get("resources") or {}
    if container.phase is Phase.RUNNING and resources:
        status["resources"] = resources
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
    return status


def _ephemeral(container: Container) -> Object:
    """Of a container that debugs: never ready, and without a word on whether it has started."""
    status = _container(container, waiting="ContainerCreating")
    status.pop("started")
    return {**status, "ready": False, "resources": {}}

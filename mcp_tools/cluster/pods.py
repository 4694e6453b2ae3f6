"""What state a pod is in, in kubectl's words, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

MAX_TOLD = 30


class Waiting(msgspec.Struct):
    """Why a container waits, such as `ImagePullBackOff`."""

    reason: str = ""
    message: str = ""


class Terminated(msgspec.Struct, rename="camel"):
    """How a container ended."""

    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""


class ContainerState(msgspec.Struct):
    """At most one of the two is there; a running container has neither."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None
    running: dict[str, Any] | None = None


class ContainerStatus(msgspec.Struct, rename="camel"):
    """The kubelet's word on one container."""

    name: str = ""
    image: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    last_state: ContainerState = msgspec.field(default_factory=ContainerState)


class Condition(msgspec.Struct, rename="camel"):
    """A condition of a pod or workload."""

    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""


class PodStatus(msgspec.Struct, rename="camel"):
    """The part of `status` that tells how a pod is."""

    phase: str = "Unknown"
    reason: str = ""
    conditions: list[Condition] = []
    init_container_statuses: list[ContainerStatus] = []
    container_statuses: list[ContainerStatus] = []


class Owner(msgspec.Struct):
    """An owner reference."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class PodMeta(msgspec.Struct, rename="camel"):
    """The part of `metadata` that tells which pod it is."""

    name: str
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    owner_references: list[Owner] = []


class NamedContainer(msgspec.Struct, rename="camel"):
    """A container of the spec; `restart_policy` is `Always` for a sidecar among the init containers."""

    name: str
    restart_policy: str = ""


class PodSpec(msgspec.Struct, rename="camel"):
    """The part of `spec` that readiness is counted with."""

    containers: list[NamedContainer] = []
    init_containers: list[NamedContainer] = []


class Pod(msgspec.Struct):
    """A pod, as far as its state goes."""

    metadata: PodMeta
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class _PodList(msgspec.Struct):
    items: list[Pod] = []


_pods = msgspec.json.Decoder(_PodList)


def list_pods(connection: Connection, namespace: str, label_selector: str) -> list[Pod]:
    """The pods of a namespace that a label selector picks, oldest first; errors as `Connection.get`."""
    raw = connection.get(f"/api/v1/namespaces/{namespace}/pods", [("labelSelector", label_selector)])
    return sorted(_pods.decode(raw).items, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name))


def selector_of(workload: dict[str, Any]) -> str:
    """The workload's pod selector in the API's string form; empty where it has none."""
    selector = (workload.get("spec") or {}).get("selector") or {}
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or []:
        key, operator, values = rule["key"], rule["operator"], ",".join(rule.get("values") or [])
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[operator]
        )
    return ",".join(parts)


@dataclass(frozen=True, slots=True)
class PodSummary:
    """One line about a pod.

    Attributes:
        status: kubectl's STATUS column.
        ready: `1/1`: containers that are ready, of all.
        restarts: Of all containers together.
        age: Such as `5m`.
    """

    name: str
    status: str
    ready: str
    restarts: int
    age: str


def summarise(pod: Pod) -> PodSummary:
    """One line about a pod, as `kubectl get pods` prints it."""
    sidecars = _sidecars(pod)
    beside = [status for status in pod.status.init_container_statuses if status.name in sidecars]
    counted = [*beside, *pod.status.container_statuses]
    if _initialising(pod) is not None and not _initialised(pod):
        restarts = sum(status.restart_count for status in _up_to_initialising(pod))
    else:
        restarts = sum(status.restart_count for status in counted)
    return PodSummary(
        name=pod.metadata.name,
        status=status_word(pod),
        ready=f"{sum(status.ready for status in counted)}/{len(pod.spec.containers) + len(sidecars)}",
        restarts=restarts,
        age=age(pod.metadata.creation_timestamp),
    )


def told(pods: Sequence[PodSummary]) -> dict[str, Any]:
    """The `pods` of an answer, bounded, those that are not ready first, and how many `more_pods` there are."""
    ordered = sorted(pods, key=lambda pod: len(set(pod.ready.split("/"))) == 1 and pod.status == "Running")
    return {"pods": [asdict(pod) for pod in ordered[:MAX_TOLD]], "more_pods": max(0, len(pods) - MAX_TOLD)}


def status_word(pod: Pod) -> str:
    """The STATUS column of `kubectl get pods` (the rules of printPod in kubernetes/pkg/printers/internalversion)."""
    gated = any(item.type == "PodScheduled" and item.reason == "SchedulingGated" for item in pod.status.conditions)
    word = "SchedulingGated" if gated else pod.status.reason or pod.status.phase
    index = _initialising(pod)
    if index is not None:
        word = _init_word(pod, index)
    if index is None or _initialised(pod):
        word = _main_word(pod, word)
    if pod.metadata.deletion_timestamp and pod.status.reason == "NodeLost":
        return "Unknown"
    if pod.metadata.deletion_timestamp and pod.status.phase not in {"Succeeded", "Failed"}:
        return "Terminating"
    return word


def _sidecars(pod: Pod) -> set[str]:
    return {container.name for container in pod.spec.init_containers if container.restart_policy == "Always"}


def _initialising(pod: Pod) -> int | None:
    """Which of the init containers the pod waits for; None for none."""
    sidecars = _sidecars(pod)
    for index, status in enumerate(pod.status.init_container_statuses):
        ended = status.state.terminated
        if not (ended and ended.exit_code == 0) and not (status.name in sidecars and status.started):
            return index
    return None


def _up_to_initialising(pod: Pod) -> list[ContainerStatus]:
    index = _initialising(pod)
    return pod.status.init_container_statuses[: None if index is None else index + 1]


def _initialised(pod: Pod) -> bool:
    return any(item.type == "Initialized" and item.status == "True" for item in pod.status.conditions)


def _init_word(pod: Pod, index: int) -> str:
    state = pod.status.init_container_statuses[index].state
    if state.terminated:
        return f"Init:{state.terminated.reason or _exit_word(state.terminated)}"
    if state.waiting and state.waiting.reason not in {"", "PodInitializing"}:
        return f"Init:{state.waiting.reason}"
    return f"Init:{index}/{len(pod.spec.init_containers)}"


def _exit_word(ended: Terminated) -> str:
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def _main_word(pod: Pod, word: str) -> str:
    running = False
    for status in reversed(pod.status.container_statuses):
        ended, waits = status.state.terminated, status.state.waiting
        if waits and waits.reason:
            word = waits.reason
        elif ended:
            word = ended.reason or _exit_word(ended)
        elif status.ready and status.state.running is not None:
            running = True
    if word == "Completed" and running:
        word = "Running" if is_ready(pod) else "NotReady"
    return word


def is_ready(pod: Pod) -> bool:
    """Whether the pod's Ready condition is true and it is not being deleted."""
    return not pod.metadata.deletion_timestamp and any(
        condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions
    )


def instant(timestamp: str) -> dt.datetime:
    """An RFC 3339 time, with fractions of a second or without, to be compared; the beginning of time for none."""
    return dt.datetime.fromisoformat(timestamp) if timestamp else dt.datetime.min.replace(tzinfo=dt.UTC)


def age(timestamp: str, now: dt.datetime | None = None) -> str:
    """How long ago an RFC 3339 time was, in kubectl's short form (`45s`, `5m`, `3h`, `2d`); empty for no time."""
    if not timestamp:
        return ""
    then = dt.datetime.fromisoformat(timestamp)
    seconds = max(0, int(((now or dt.datetime.now(dt.UTC)) - then).total_seconds()))
    for unit, size, least in (("d", 86400, 2), ("h", 3600, 2), ("m", 60, 2)):
        if seconds >= least * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

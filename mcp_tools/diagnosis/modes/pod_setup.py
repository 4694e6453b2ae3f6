"""What keeps a container from being created: its user, its runtime, an init container that does not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import (
    BATCH,
    fact,
    go_back,
    grouped,
    is_over,
    is_ready,
    pods,
    reported,
    seconds_between,
    template_path,
    troubled,
    views_of,
)
from mcp_tools.diagnosis.logs.digest import digest
from mcp_tools.diagnosis.model import Evidence, Finding, Found, Mode, Ref, detector

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

LONG_INIT_SECONDS = 120.0
LIKELY = 0.7


@detector(
    "containers that the kubelet refuses to create, with its message",
    Mode("runs-as-root", (38,), "The image runs as root and the pod may not"),
)
def root_images(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each container whose user is root against runAsNonRoot."""
    views = (
        view
        for pod in troubled(snapshot)
        for view in views_of(snapshot, pod)
        if "non-root" in str(view.waiting.get("message")) or "runAsNonRoot" in str(view.waiting.get("message"))
    )
    for group in grouped(views):
        view = group[0]
        cause = (
            f"The image {view.spec.get('image')} runs as root, and runAsNonRoot forbids that to container {view.name}"
        )
        evidence = (fact(view.pod, f"status of container {view.name}", view.waiting.get("message")),)
        fixes = go_back(snapshot, view.root)
        advice = "Name a user of the image in runAsUser, or use a build of it for another user than root."
        field = view.field("image")
        yield Finding("runs-as-root", cause, view.root.ref, field, pods(group), evidence, fixes, advice=advice)


@detector(
    "init containers that run, and since when",
    Mode("init-hangs", (23,), "An init container runs and does not end"),
)
def long_inits(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each init container that has been running for minutes."""
    views = (
        view
        for pod in troubled(snapshot)
        if not is_ready(pod)
        for view in views_of(snapshot, pod)
        if view.init
        and view.running is not None
        and seconds_between(str(view.running.get("startedAt")), snapshot.now) > LONG_INIT_SECONDS
    )
    for group in grouped(views):
        view = group[0]
        words = digest(looks.log(view.pod, view.name)).last_words
        said = f": {words}" if words else ""
        cause = f"Init container {view.name} runs and does not end, and the others wait for it{said}"
        started = str((view.running or {}).get("startedAt") or "")
        evidence = [fact(view.pod, f"status of init container {view.name}", "running", started)]
        if words:
            evidence.append(fact(view.pod, f"log of container {view.name}", words))
        fixes = go_back(snapshot, view.root)
        yield Finding(
            "init-hangs",
            cause,
            view.root.ref,
            view.field("command"),
            pods(group),
            tuple(evidence),
            fixes,
            started,
            confidence=LIKELY,
            advice="Find out what it waits for, and let that happen.",
        )


@detector(
    "the events of pods whose sandbox cannot be made, and their runtime class",
    Mode("pod-sandbox", (106,), "The node cannot make the pod's sandbox: network, addresses or runtime"),
)
def sandboxes(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each reason for which pods get no sandbox."""
    seen: dict[Ref, list[Resource]] = {}
    for pod in troubled(snapshot):
        if (
            not is_ready(pod)
            and pod.status.get("phase") == "Pending"
            and snapshot.events(pod, "FailedCreatePodSandBox")
        ):
            runtime = str(pod.spec.get("runtimeClassName") or "")
            event = snapshot.events(pod, "FailedCreatePodSandBox")[0]
            by_runtime = runtime and "runtime" in str(event.body.get("message"))
            node = Ref("Node", "", pod.spec.get("nodeName") or "")
            seen.setdefault(Ref("RuntimeClass", "", runtime) if by_runtime else node, []).append(pod)
    for ref, found in seen.items():
        event = snapshot.events(found[0], "FailedCreatePodSandBox")[0]
        evidence: tuple[Evidence, ...] = (reported(event),)
        affected = tuple(pod.ref for pod in found)
        if ref.kind == "RuntimeClass":
            root = snapshot.root(found[0])
            field = f"{template_path(root)}.runtimeClassName"
            evidence = (*evidence, Evidence(root.ref, field, ref.name))
            cause = f"The nodes have no runtime for the RuntimeClass {ref.name}"
            yield Finding("pod-sandbox", cause, ref, "handler", affected, evidence, go_back(snapshot, root))
        else:
            cause = f"Node {ref.name} cannot make pod sandboxes: {str(event.body.get('message'))[:160]}"
            advice = "Look at the node's network plugin and container runtime, and at its free pod addresses."
            yield Finding("pod-sandbox", cause, ref, "", affected, evidence, advice=advice)


@detector(
    "pods that the kubelet evicted, with its message",
    Mode("evicted", (104,), "Pods are evicted for what they use"),
)
def evictions(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each workload whose pods are evicted again and again."""
    found: dict[Ref, list[Resource]] = {}
    for pod in snapshot.all("Pod"):
        if pod.status.get("reason") == "Evicted" and not pod.deleting and not _retired(snapshot, pod):
            found.setdefault(snapshot.root(pod).ref, []).append(pod)
    for ref, gone in found.items():
        root = snapshot.at(ref)
        living = [pod for pod in snapshot.pods_of(root) if not is_over(pod)] if root else []
        newest = max(pod.created for pod in gone)
        if root is None or root.ref.kind in BATCH or _healed(living, newest, snapshot.now):
            continue
        said = str(gone[-1].status.get("message"))
        cause = f"The pods of {ref} are evicted: {said[:200]}"
        evidence = (fact(gone[-1], "status.message", said),)
        affected = tuple(pod.ref for pod in (*living, *gone))
        field = f"{template_path(root)}.containers[0].image"
        fixes = go_back(snapshot, root)
        yield Finding("evicted", cause, ref, field, affected, evidence, fixes, confidence=LIKELY)


HEALED_SECONDS = 600.0


def _retired(snapshot: Snapshot, pod: Resource) -> bool:
    """Whether its revision is no longer wanted: nobody takes away the failed pods of one."""
    owner = snapshot.owner(pod)
    return owner is not None and owner.ref.kind == "ReplicaSet" and not owner.spec.get("replicas", 1)


def _healed(living: list[Resource], evicted: str, now: str) -> bool:
    """The pods that came after the last one that was evicted have been ready for a while."""
    later = [pod for pod in living if pod.created > evicted]
    ready = [pod for pod in later if is_ready(pod)]
    return bool(later) and ready == later and seconds_between(max(pod.created for pod in later), now) > HEALED_SECONDS

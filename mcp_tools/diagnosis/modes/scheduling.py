"""Pods that no node takes: the scheduler's words, checked against the nodes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools import quantity
from mcp_tools.diagnosis.containers import (
    fact,
    go_back,
    is_over,
    patch,
    reported,
    seconds_between,
    target_of,
    template_path,
    troubled,
)
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, Symptom, detector
from mcp_tools.diagnosis.taints import tolerating, untainting

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

_REASON = re.compile(r"(\d+) (Insufficient [\w./-]*\w|(?:Too many|node\(s\)) ?[^,.]*(?:\{[^}]*\})?[^,.]*)")
_TAINT = re.compile(r"untolerated taint\(?s?\)? ?\{([^:}]+):? ?([^}]*)\}")
_AFFINITY = re.compile(r"node affinity|node selector")
OF_CONDITIONS = "node.kubernetes.io/"
CONTROL_PLANE = "node-role.kubernetes.io/"
BUILT_IN = frozenset({"cpu", "memory", "ephemeral-storage", "pods"})
PATIENCE_SECONDS = 30
SURE = 0.9


@dataclass(frozen=True, slots=True)
class _Case:
    """One workload's pods that wait, with what the scheduler says."""

    snapshot: Snapshot
    looks: Looks
    root: Resource
    pods: tuple[Resource, ...]
    message: str

    @property
    def spec(self) -> dict[str, Any]:
        return self.pods[0].spec

    @property
    def affected(self) -> tuple[Ref, ...]:
        return tuple(pod.ref for pod in self.pods)

    def finding(
        self,
        mode: str,
        cause: str,
        field: str,
        *,
        at: Ref | None = None,
        also: tuple[Ref, ...] = (),
        more: tuple[Evidence, ...] = (),
        fixes: tuple[Fix, ...] | None = None,
        otherwise: tuple[Fix, ...] = (),
        advice: str = "",
        confidence: float = 1.0,
    ) -> Finding:
        condition = self.pods[0].conditions.get("PodScheduled", {})
        where = "status.conditions[PodScheduled].message"
        evidence = (fact(self.pods[0], where, self.message, condition.get("lastTransitionTime", "")), *more)
        path = field if at else f"{template_path(self.root)}.{field}"
        undo = (*go_back(self.snapshot, self.root), *otherwise) if fixes is None else fixes
        return Finding(
            mode,
            cause,
            at or self.root.ref,
            path,
            (*self.affected, *also),
            evidence,
            undo,
            confidence=confidence,
            advice=advice,
        )

    def without(self, sentence: str, field: str) -> tuple[Fix, ...]:
        """A field of the pods taken away; a pod of its own cannot be changed."""
        if self.root.ref.kind in {"Pod", "Job"}:
            return ()
        return (patch(self.root, sentence, {f"{template_path(self.root)}.{field}": None}),)


@detector(
    "the PodScheduled condition of pods that wait, against the nodes' labels, taints and room",
    Mode("no-room", (43,), "No node has enough CPU or memory left"),
    Mode("request-too-large", (44,), "A request is larger than any node"),
    Mode("no-such-resource", (45,), "No node has a resource that is asked for, such as a GPU"),
    Mode("node-selector", (46,), "No node has the labels that a pod asks for"),
    Mode("node-taint", (47,), "The nodes are tainted for others"),
    Mode("pod-spread", (48,), "Pods that keep apart find no node of their own"),
    Mode("host-port", (49,), "A port of the nodes is taken"),
    Mode("volume-node", (50,), "A volume is where no node is"),
    Mode("node-pods", (51,), "The nodes have all the pods that they may have"),
    Mode("no-scheduler", (52,), "A scheduler or node is named that does not exist"),
    Mode("scheduling-gate", (53,), "A scheduling gate that nobody opens"),
    Mode("preempted", (54,), "More important pods took the room"),
    Mode("nodes-cordoned", (103,), "The nodes are cordoned"),
    Mode("unschedulable", (43,), "No node takes the pod"),
)
def waiting_pods(snapshot: Snapshot, looks: Looks) -> Found:
    """A finding for each workload whose pods no node takes."""
    waiting: dict[Ref, list[Resource]] = {}
    for pod in troubled(snapshot):
        if pod.status.get("phase") == "Pending" and pod.conditions.get("PodScheduled", {}).get("status") != "True":
            waiting.setdefault(snapshot.root(pod).ref, []).append(pod)
    for pods in waiting.values():
        root = snapshot.root(pods[0])
        condition = pods[0].conditions.get("PodScheduled", {})
        case = _Case(snapshot, looks, root, tuple(pods), str(condition.get("message") or ""))
        if condition.get("reason") == "SchedulingGated":
            gates = ", ".join(item["name"] for item in case.spec.get("schedulingGates") or ())
            yield case.finding(
                "scheduling-gate",
                f"The pods of {root.ref} wait behind the scheduling gate {gates}, which nobody opens",
                "schedulingGates",
                advice="Let the controller that set the gate run: it opens it.",
            )
        elif not condition:
            yield from _unscheduled(case)
        elif "persistentvolumeclaim" in case.message.lower():
            # The claim's own detector tells why it is not bound or not there.
            claims = tuple(_claims(case))
            yield Symptom(pods[0].ref, "waits for its volume claim", claims, mode="unschedulable")
        else:
            yield _refused(case)


def _unscheduled(case: _Case) -> Found:
    name = case.spec.get("schedulerName", "default-scheduler")
    node = case.spec.get("nodeName")
    if node and case.snapshot.missing("Node", "", node):
        yield case.finding(
            "no-scheduler", f"The pods of {case.root.ref} are for the node {node}, which does not exist", "nodeName"
        )
    elif not node and seconds_between(case.pods[0].created, case.snapshot.now) > PATIENCE_SECONDS:
        cause = f"Nobody schedules the pods of {case.root.ref}: is there a scheduler {name}?"
        otherwise = case.without("Let the cluster's own scheduler place them", "schedulerName")
        yield case.finding("no-scheduler", cause, "schedulerName", otherwise=otherwise, confidence=SURE)


def _claims(case: _Case) -> list[Ref]:
    return [
        Ref("PersistentVolumeClaim", case.root.namespace, volume["persistentVolumeClaim"]["claimName"])
        for volume in case.spec.get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    ]


def _refused(case: _Case) -> Finding | Symptom:
    """What most nodes say, leaving aside those of the control plane, which are for nobody."""
    reasons = [(int(number), text.strip()) for number, text in _REASON.findall(case.message)]
    others = [item for item in reasons if CONTROL_PLANE not in item[1]] or reasons
    if case.root.ref.kind == "DaemonSet":
        # Each of its pods is for one node: that the others do not fit says nothing.
        others = [item for item in others if not _AFFINITY.search(item[1])] or others
    for pattern, explain in _REASONS:
        texts = [text for _, text in sorted(others, reverse=True) if pattern.search(text)]
        if texts and (found := explain(case, texts[0])):
            return found
    return case.finding(
        "unschedulable", f"No node takes the pods of {case.root.ref}: {case.message[:200]}", "", confidence=0.6
    )


def _resources(case: _Case, text: str) -> Finding | Symptom | None:
    name = text.removeprefix("Insufficient ").strip()
    wanted, index = _request(case.spec, name)
    nodes = case.snapshot.all("Node")
    rooms = [_amount((node.status.get("allocatable") or {}).get(name, "0"), name) for node in nodes]
    field = f"containers[{index}].resources.requests.{name}"
    largest = max(rooms, default=0)
    more = tuple(
        fact(node, f"status.allocatable.{name}", (node.status.get("allocatable") or {}).get(name, "0"))
        for node in nodes[:2]
    )
    shown = ((case.spec["containers"][index].get("resources") or {}).get("requests") or {}).get(name, "")
    if name not in BUILT_IN and not largest:
        field = f"containers[{index}].resources.limits"
        return case.finding(
            "no-such-resource",
            f"{case.root.ref} asks for {name}, and no node has any",
            field,
            more=more,
            advice=f"Add a node that has {name}, with the plugin that offers it.",
        )
    if wanted > largest > 0:
        cause = f"{case.root.ref} asks for {shown} of {name}, more than any node has"
        return case.finding("request-too-large", cause, field, more=more, advice="Ask for less, or add a larger node.")
    if preemptor := _preemptor(case):
        root, event = preemptor
        cause = f"More important pods of {root.ref} took the room of the pods of {case.root.ref}"
        path = f"{template_path(root)}.priorityClassName"
        return case.finding("preempted", cause, path, at=root.ref, more=(reported(event),), fixes=_less(root))
    cause = f"No node has {shown} of {name} left for the pods of {case.root.ref}"
    return Finding(
        "no-room",
        cause,
        case.root.ref,
        "spec.replicas"
        if case.root.ref.kind in {"Deployment", "StatefulSet"}
        else f"{template_path(case.root)}.{field}",
        case.affected,
        case.finding("no-room", cause, field, more=more).evidence,
        _less(case.root),
    )


def _less(root: Resource) -> tuple[Fix, ...]:
    ready = int(root.status.get("readyReplicas") or 0)
    if root.ref.kind not in {"Deployment", "StatefulSet"}:
        return ()
    return (Fix(f"Scale {root.ref} to {ready}, as many as fit", "scale", {**target_of(root), "replicas": ready}),)


def _request(spec: dict[str, Any], name: str) -> tuple[int, int]:
    """The request of all containers together, and the position of the one that asks for most."""
    amounts = []
    for container in spec.get("containers") or ():
        resources = container.get("resources") or {}
        asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        amounts.append(_amount(asked.get(name, "0"), name))
    return sum(amounts), amounts.index(max(amounts)) if amounts else 0


def _amount(text: str, name: str) -> int:
    return quantity.millis(text) if name == "cpu" else quantity.whole(text)


def _preemptor(case: _Case) -> tuple[Resource, Resource] | None:
    """Whose pods pushed this workload's pods away: those of a higher priority that came at that time."""
    sets = [item for item in case.snapshot.revisions(case.root) if item.ref.kind == "ReplicaSet"]
    prefixes = tuple(f"{item.name}-" for item in sets) or (f"{case.root.name}-",)
    for event in case.snapshot.all("Event", case.root.namespace):
        about = event.body.get("involvedObject") or {}
        if event.body.get("reason") != "Preempted" or not str(about.get("name")).startswith(prefixes):
            continue
        own = int(case.spec.get("priority") or 0)
        for pod in case.snapshot.all("Pod"):
            if not is_over(pod) and pod.uid in str(event.body.get("message")):
                return case.snapshot.root(pod), event
        higher = [
            pod for pod in case.snapshot.all("Pod") if int(pod.spec.get("priority") or 0) > own and not is_over(pod)
        ]
        mine = [pod for pod in higher if pod.namespace == case.root.namespace]
        if mine or higher:
            return case.snapshot.root((mine or higher)[0]), event
    return None


def _selector(case: _Case, text: str) -> Finding | None:
    del text
    wanted = case.spec.get("nodeSelector") or {}
    nodes = case.snapshot.all("Node")
    lacking = [
        f"{key}={value}" for key, value in wanted.items() if not any(node.labels.get(key) == value for node in nodes)
    ]
    if lacking:
        cause = f"{case.root.ref} asks for a node with the label {lacking[0]}, and none has it"
        otherwise = case.without("Let them run on any node", "nodeSelector")
        return case.finding("node-selector", cause, "nodeSelector", otherwise=otherwise)
    field = "nodeSelector" if wanted else "affinity.nodeAffinity"
    cause = f"No node fits the node selector and affinity of {case.root.ref}"
    return case.finding("node-selector", cause, field, otherwise=case.without("Let them run on any node", field))


def _taint(case: _Case, text: str) -> Finding | Symptom | None:
    found = _TAINT.search(text)
    key = found[1].strip() if found else ""
    nodes = [
        node
        for node in case.snapshot.all("Node")
        if any(taint.get("key") == key for taint in node.spec.get("taints") or ())
    ]
    refs = tuple(node.ref for node in nodes)
    if key.startswith(OF_CONDITIONS):
        return Symptom(case.pods[0].ref, "finds no node that is healthy", refs, mode="unschedulable")
    if not refs:
        return None
    cause = f"The nodes are tainted with {key}, which the pods of {case.root.ref} do not tolerate"
    taints = tuple(fact(node, "spec.taints", key) for node in nodes[:2])
    return case.finding(
        "node-taint",
        cause,
        "spec.taints",
        at=refs[0],
        also=refs[1:],
        more=taints,
        fixes=(*untainting(nodes, key), *tolerating(case.root, key)),
    )


def _cordoned(case: _Case, text: str) -> Finding | None:
    del text
    nodes = [node for node in case.snapshot.all("Node") if node.spec.get("unschedulable")]
    if not nodes:
        return None
    refs = tuple(node.ref for node in nodes)
    which = "All nodes" if len(nodes) == len(case.snapshot.all("Node")) else "Nodes"
    cause = f"{which} that could take the pods of {case.root.ref} are cordoned"
    steps = [{"tool": "node_maintenance", "arguments": {"node": node.name, "action": "uncordon"}} for node in nodes]
    fix = Fix("Uncordon the nodes", "change_several", {"steps": steps})
    return case.finding("nodes-cordoned", cause, "spec.unschedulable", at=refs[0], also=refs[1:], fixes=(fix,))


def _spread(case: _Case, text: str) -> Finding | None:
    if "topology spread" in text:
        field = "topologySpreadConstraints"
        keys = {item.get("topologyKey") for item in case.spec.get(field) or ()}
        cause = f"The pods of {case.root.ref} cannot be spread over {', '.join(sorted(map(str, keys)))} as they must"
    else:
        field = "affinity.podAntiAffinity" if "anti" in text else "affinity.podAffinity"
        word = "keep apart from each other" if "anti" in text else "be near others"
        cause = f"The pods of {case.root.ref} must {word}, and there are not enough nodes for that"
    return case.finding("pod-spread", cause, field, otherwise=case.without("Take the rule away", field))


def _ports(case: _Case, text: str) -> Finding | None:
    del text
    for index, container in enumerate(case.spec.get("containers") or ()):
        for place, port in enumerate(container.get("ports") or ()):
            if port.get("hostPort"):
                cause = f"Port {port['hostPort']} of every node that {case.root.ref} could use is taken"
                field = f"containers[{index}].ports[{place}].hostPort"
                otherwise = case.without("Offer the port in the cluster only, not on the nodes", field)
                return case.finding("host-port", cause, field, otherwise=otherwise)
    return None


def _volume(case: _Case, text: str) -> Finding | None:
    del text
    for ref in _claims(case):
        claim = case.snapshot.at(ref)
        volume = case.snapshot.get("PersistentVolume", "", claim.spec.get("volumeName", "")) if claim else None
        if volume is not None:
            cause = f"The volume {volume.name} of {case.root.ref} is where no node is"
            more = (fact(volume, "spec.nodeAffinity", volume.spec.get("nodeAffinity")),)
            field, advice = "spec.nodeAffinity", "Add a node where the volume is, or restore its data into a new one."
            return case.finding("volume-node", cause, field, at=volume.ref, more=more, fixes=(), advice=advice)
    return None


def _pods(case: _Case, text: str) -> Finding | None:
    del text
    nodes = case.snapshot.all("Node")
    refs = tuple(node.ref for node in nodes)
    if not refs:
        return None
    more = tuple(
        fact(node, "status.allocatable.pods", (node.status.get("allocatable") or {}).get("pods")) for node in nodes[:2]
    )
    cause = f"The nodes have all the pods that they may have, and none is left for {case.root.ref}"
    return case.finding(
        "node-pods",
        cause,
        "status.allocatable.pods",
        at=refs[0],
        also=refs[1:],
        more=more,
        fixes=(),
        advice="Add a node, let the kubelets take more pods (maxPods), or scale something down.",
    )


Explain = Callable[[_Case, str], "Finding | Symptom | None"]
# What lies with the pod alone comes first: a node with room and another label would not help.
_REASONS: tuple[tuple[re.Pattern[str], Explain], ...] = (
    (re.compile(r"PersistentVolume's node affinity|volume node affinity"), _volume),
    (_AFFINITY, _selector),
    (re.compile(r"free ports"), _ports),
    (re.compile(r"anti-affinity|pod affinity|topology spread"), _spread),
    (re.compile(r"unschedulable"), _cordoned),
    (re.compile(r"untolerated taint"), _taint),
    (re.compile(r"Too many pods"), _pods),
    (re.compile(r"Insufficient"), _resources),
)

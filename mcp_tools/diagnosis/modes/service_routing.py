"""Services that lead nowhere, to the wrong port, to the wrong pods, or that nobody outside can reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.containers import fact, is_over, is_ready, patch
from mcp_tools.diagnosis.model import Finding, Found, Mode, Ref, Symptom, detector
from mcp_tools.diagnosis.network.calls import calls_in
from mcp_tools.diagnosis.network.services import container_ports, end_of, missed_labels, target_number

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

LIKELY = 0.8
SURE = 0.9
IDENTITY = ("app.kubernetes.io/name", "app", "k8s-app", "name")


@detector(
    "the selectors and ports of Services against the labels, readiness and ports of pods",
    Mode("service-selector", (65,), "The Service's selector picks no pods"),
    Mode("endpoints-unready", (66,), "No pod behind the Service is ready"),
    Mode("service-target-port", (67,), "The Service sends to a port that the pods do not have"),
    Mode("service-protocol", (68,), "The Service forwards another protocol than the program speaks"),
    Mode("service-selector-wide", (69,), "The Service's selector picks the pods of others too"),
)
def services(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each Service that does not lead to where it should."""
    if not snapshot.sees("Pod"):
        return
    for service in snapshot.all("Service"):
        selector = service.spec.get("selector")
        if not selector or service.spec.get("type") == "ExternalName":
            continue
        pods = [pod for pod in snapshot.selected(service.namespace, selector) if not is_over(pod)]
        if not pods:
            yield from _without_pods(snapshot, service, selector)
            continue
        wide = _too_wide(snapshot, service, pods)
        if wide is not None:
            yield wide
            continue
        yield from _ports(service, pods[0])
        if not any(is_ready(pod) for pod in pods) and not service.spec.get("publishNotReadyAddresses"):
            evidence = (fact(service, "ready endpoints", f"0 of {len(pods)}"),)
            blames = tuple(pod.ref for pod in pods)
            yield Symptom(service.ref, "has no ready endpoints", blames, evidence, "endpoints-unready")


def _without_pods(snapshot: Snapshot, service: Resource, selector: dict[str, str]) -> Found:
    ranked: list[tuple[int, Resource, dict[str, str]]] = []
    for root in snapshot.workloads:
        if root.namespace != service.namespace:
            continue
        labels = ((root.spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
        missed = missed_labels(selector, labels)
        if not missed:
            evidence = (fact(service, "pods", 0),)
            yield Symptom(service.ref, "has no pods behind it", (root.ref,), evidence, "endpoints-unready")
            return
        score = len(selector) - len(missed) + 2 * (root.name == service.name)
        if score:
            ranked.append((score, root, labels))
    wanted = ",".join(f"{key}={value}" for key, value in selector.items())
    evidence = (fact(service, "spec.selector", wanted),)
    if not ranked:
        cause = f"No pods stand behind {service.ref}: none has the labels {wanted}, and no workload would make one"
        advice = f"Deploy what is to stand behind {service.ref}, or send its callers elsewhere."
        yield Finding("service-selector", cause, service.ref, "spec.selector", (service.ref,), evidence, advice=advice)
        return
    _, root, labels = max(ranked, key=lambda item: item[0])
    missed = missed_labels(selector, labels)
    differs = ", ".join(f"{key} is {labels.get(key, 'not set')} and not {value}" for key, value in missed.items())
    cause = f"{service.ref} selects {wanted}, which no pod has: on those of {root.ref} {differs}"
    more = (*evidence, fact(root, "spec.template.metadata.labels", labels))
    # A label that the pods do not have is no longer asked for.
    repaired = {key: labels.get(key) for key in missed}
    kept = {**selector, **repaired}
    fix = patch(service, f"Let {service.ref} select the pods of {root.ref}", {"spec.selector": repaired})
    fixes = (fix,) if any(kept.values()) else ()
    yield Finding("service-selector", cause, service.ref, "spec.selector", (service.ref,), more, fixes)


def _identity(root: Resource) -> set[tuple[str, str]]:
    labels = ((root.spec.get("template") or {}).get("metadata") or {}).get("labels") or root.labels
    return {(key, labels[key]) for key in IDENTITY if key in labels}


def _too_wide(snapshot: Snapshot, service: Resource, pods: list[Resource]) -> Finding | None:
    roots = {root.ref: root for pod in pods if (root := snapshot.root(pod)).ref.kind != "Job"}
    names = {ref: _identity(root) for ref, root in roots.items()}
    own = [ref for ref, marks in names.items() if service.name in {ref.name, *(value for _, value in marks)}]
    # Two releases of one program bear one name in some label; two programs do not.
    kept = {mark for ref in own for mark in names[ref]}
    foreign = sorted(ref for ref, marks in names.items() if not marks & kept)
    if not kept or not foreign:
        return None
    shown = ", ".join(map(str, foreign[:5]))
    selector = ",".join(f"{key}={value}" for key, value in service.spec["selector"].items())
    cause = f"{service.ref} selects {selector}, and so sends to the pods of {shown} too"
    evidence = (fact(service, "spec.selector", selector), fact(roots[foreign[0]], "pods behind it", "selected too"))
    labels = ((roots[own[0]].spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    key = next((key for key in IDENTITY if key in labels), "")
    fixes = (
        (patch(service, f"Let {service.ref} select {key}={labels[key]} only", {"spec.selector": {key: labels[key]}}),)
        if key
        else ()
    )
    return Finding(
        "service-selector-wide",
        cause,
        service.ref,
        "spec.selector",
        (service.ref,),
        evidence,
        fixes,
        confidence=SURE,
    )


def _ports(service: Resource, pod: Resource) -> Iterator[Finding]:
    end = end_of({"metadata": pod.meta, "spec": pod.spec, "status": pod.status}, {})
    for index, port in enumerate(service.spec.get("ports") or ()):
        protocol = port.get("protocol", "TCP")
        number, field = target_number(port, end.ports), f"spec.ports[{index}].targetPort"
        declared = container_ports(pod.spec, protocol)
        others = container_ports(pod.spec, "UDP" if protocol == "TCP" else "TCP")
        there = ", ".join(f"{value} ({name})" if name else str(value) for value, name in declared.items())
        evidence = (
            fact(service, field, port.get("targetPort", port["port"])),
            fact(pod, "containerPorts", there or "none"),
        )
        fixes = tuple(
            patch(service, f"Send to port {value}", {f"spec.ports[{index}].targetPort": value})
            for value in ([*declared] if len(declared) == 1 else ())
        )
        wrong = port.get("targetPort", port["port"])
        if wrong in others or (isinstance(wrong, str) and wrong in others.values()):
            if number in declared:
                continue
            what = "TCP" if protocol == "UDP" else "UDP"
            cause = f"{service.ref} forwards {protocol} to port {wrong}, and the program there speaks {what}"
            fix = patch(service, f"Forward {what}", {f"spec.ports[{index}].protocol": what})
            where = f"spec.ports[{index}].protocol"
            yield Finding(
                "service-protocol",
                cause,
                service.ref,
                where,
                (service.ref,),
                (fact(service, where, protocol), *evidence[1:]),
                (fix,),
                confidence=SURE,
            )
        elif number is None:
            cause = f"{service.ref} sends to port {wrong!r}, and no container of its pods has a port of this name"
            yield Finding("service-target-port", cause, service.ref, field, (service.ref,), evidence, fixes)
        elif declared and number not in declared:
            cause = f"{service.ref} sends to port {number}, and its pods offer {there}"
            yield Finding(
                "service-target-port", cause, service.ref, field, (service.ref,), evidence, fixes, confidence=LIKELY
            )


@detector(
    "the ports of Services against the addresses in the environment of those who call them",
    Mode("service-port", (67,), "The Service is on another port than its callers use"),
)
def called_ports(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each Service that is called on a port that it does not have."""
    told: set[tuple[Ref, int]] = set()
    for call in calls_in(snapshot):
        service = snapshot.at(call.service)
        if service is None or not call.port or service.spec.get("type") == "ExternalName":
            continue
        ports = service.spec.get("ports") or ()
        if not ports or any(port["port"] == call.port for port in ports) or (call.service, call.port) in told:
            continue
        if service.spec.get("clusterIP") == "None":
            continue
        told.add((call.service, call.port))
        offered = ", ".join(str(port["port"]) for port in ports)
        cause = f"{call.root.ref} calls {service.ref} on port {call.port} ({call.source.name}), and it has {offered}"
        evidence = (
            fact(service, "spec.ports[0].port", offered),
            fact(call.root, f"variable {call.source.name}", f"{call.host}:{call.port}"),
        )
        callers = tuple(pod.ref for pod in snapshot.pods_of(call.root))
        fix = patch(service, f"Offer port {call.port}", {"spec.ports[0].port": call.port})
        yield Finding(
            "service-port",
            cause,
            service.ref,
            "spec.ports[0].port",
            (service.ref, *callers),
            evidence,
            (fix,),
            confidence=SURE,
        )


@detector(
    "the type and status of Services that the outside is to reach, and the nodes of their pods",
    Mode("load-balancer-pending", (70,), "Nobody makes the load balancer"),
    Mode("traffic-local", (81,), "Nodes without a pod drop what comes in"),
)
def from_outside(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001
    """A finding for each Service that the outside cannot reach, or not on every node."""
    for service in snapshot.all("Service"):
        kind = service.spec.get("type")
        if kind == "LoadBalancer" and not (service.status.get("loadBalancer") or {}).get("ingress"):
            failed = snapshot.events(service, "SyncLoadBalancerFailed")
            why = str(failed[0].body.get("message")) if failed else "nobody in the cluster makes load balancers"
            cause = f"{service.ref} waits for a load balancer: {why}"
            evidence = (fact(service, "status.loadBalancer", "empty"),)
            fix = patch(service, "Offer a port of the nodes instead", {"spec.type": "NodePort"})
            yield Finding(
                "load-balancer-pending",
                cause,
                service.ref,
                "spec.type",
                (service.ref,),
                evidence,
                (fix,),
                confidence=LIKELY,
            )
        if kind == "NodePort" and service.spec.get("externalTrafficPolicy") == "Local":
            yield from _local(snapshot, service)


def _local(snapshot: Snapshot, service: Resource) -> Iterator[Finding]:
    pods = snapshot.selected(service.namespace, service.spec.get("selector") or {})
    served = {str(pod.spec.get("nodeName")) for pod in pods if is_ready(pod)}
    nodes = {
        node.name
        for node in snapshot.all("Node")
        if node.conditions.get("Ready", {}).get("status") == "True"
        and not any(taint.get("effect") != "PreferNoSchedule" for taint in node.spec.get("taints") or ())
    }
    empty = sorted(nodes - served)
    if served and empty:
        cause = f"{service.ref} answers only on nodes with a pod of its own: {', '.join(empty[:5])} drop what comes in"
        field = "spec.externalTrafficPolicy"
        evidence = (fact(service, field, "Local"), fact(service, "nodes with ready pods", ", ".join(sorted(served))))
        fix = patch(service, "Let every node pass traffic on", {field: "Cluster"})
        affected = (service.ref, *(pod.ref for pod in pods), *(Ref("Node", "", name) for name in empty))
        yield Finding("traffic-local", cause, service.ref, field, affected, evidence, (fix,))

"""Can this pod reach that one, hop by hop, and if not, who stops it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp_tools.diagnosis.network.policies import End, isolating, judge
from mcp_tools.diagnosis.network.selectors import shown
from mcp_tools.diagnosis.network.services import (
    container_ports,
    end_of,
    is_ready,
    missed_labels,
    service_port,
    target_number,
)

Object = Mapping[str, Any]
Step = Literal["name", "service", "pods", "port", "egress", "ingress", "container"]
DNS_PORT = 53
EGRESS = "spec.egress"
SYSTEM = "kube-system"
NAME_LABEL = "kubernetes.io/metadata.name"
PRESUMED_DNS = End("kube-dns", SYSTEM, {"k8s-app": "kube-dns"}, {NAME_LABEL: SYSTEM})
"""The name server as nearly every cluster labels it, for where kube-system cannot be read."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop.

    Attributes:
        ok: A connection gets past it.
        text: What was found there.
        kind, namespace, name: The object that decides it, or that stops it.
        field: In that object.
    """

    step: Step
    ok: bool
    text: str
    kind: str = ""
    namespace: str = ""
    name: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """The way of a connection as far as it gets.

    Attributes:
        hops: In their order; the last one is the one that stops it, if any does.
    """

    hops: tuple[Hop, ...]

    @property
    def stopped_by(self) -> Hop | None:
        """Who stops it; None where nobody does."""
        return next((hop for hop in self.hops if not hop.ok), None)


@dataclass(frozen=True, slots=True)
class Network:
    """What decides who reaches whom.

    Attributes:
        spaces: The labels of the namespaces by name.
        dns: The pods that answer for names; none where they are not known.
    """

    pods: Sequence[Object]
    services: Sequence[Object]
    policies: Sequence[Object]
    spaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dns: tuple[End, ...] = ()

    def end(self, pod: Object) -> End:
        """A pod as the end of a connection; every namespace bears its own name as a label."""
        space = pod["metadata"].get("namespace", "")
        return end_of(pod, self.spaces.get(space) or {NAME_LABEL: space})

    def behind(self, service: Object) -> list[Object]:
        """The living pods that a Service selects."""
        selector = (service.get("spec") or {}).get("selector")
        space = service["metadata"].get("namespace", "")
        return [
            pod
            for pod in self.pods
            if selector
            and pod["metadata"].get("namespace", "") == space
            and not missed_labels(selector, pod["metadata"].get("labels") or {})
            and (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}
        ]


def can_reach(network: Network, source: Object, target: Object, port: int | str, *, protocol: str = "TCP") -> Reach:
    """Follow a connection from a pod to a Service or to a pod.

    Args:
        source: A pod.
        target: A Service (which has no containers) or a pod.
        port: The Service's port by number or name, or the pod's own.

    Returns:
        The hops up to where it is stopped. Every pod behind a Service is tried: one that cannot be reached is as bad
        as none to the one who is sent there.
    """
    hops: list[Hop] = []
    for hop in _hops(network, source, target, port, protocol):
        hops.append(hop)
        if not hop.ok:
            break
    return Reach(tuple(hops))


def names_allowed(network: Network, source: End) -> Hop:
    """Whether the source's own policies let it ask for names."""
    servers = network.dns or (PRESUMED_DNS,)
    verdict = judge(network.policies, source, servers[0], DNS_PORT, "UDP", "Egress")
    ok = verdict.allowed or any(
        judge(network.policies, source, server, DNS_PORT, "UDP", "Egress").allowed for server in servers[1:]
    )
    if not ok and not servers[0].address:
        # Nobody knows the name server's address, and some block may hold it.
        ok = _a_block_opens(network, source)
    if ok:
        return Hop("name", ok=True, text="Names may be asked for on port 53")
    policy = verdict.isolating[0]
    text = f"Policies {', '.join(verdict.isolating)} isolate {source.name} and none allows port 53, so no name resolves"
    return Hop("name", ok=False, text=text, kind="NetworkPolicy", namespace=source.namespace, name=policy, field=EGRESS)


def _a_block_opens(network: Network, source: End) -> bool:
    for policy in isolating(network.policies, source, "Egress"):
        for rule in policy["spec"].get("egress") or ():
            blocks = any(peer.get("ipBlock") for peer in rule.get("to") or ())
            ports = rule.get("ports") or ()
            fits = any(
                item.get("protocol", "TCP") == "UDP" and item.get("port") in {None, DNS_PORT, "dns"} for item in ports
            )
            if blocks and (fits or not ports):
                return True
    return False


def _hops(network: Network, source: Object, target: Object, port: int | str, protocol: str) -> Iterator[Hop]:
    origin = network.end(source)
    if "containers" in (target.get("spec") or {}):
        number = port if isinstance(port, int) else network.end(target).ports.get((protocol, port))
        yield from _into(network, origin, target, number, protocol)
        return
    yield names_allowed(network, origin)
    meta, spec = target["metadata"], target.get("spec") or {}
    place = {"kind": "Service", "namespace": meta.get("namespace", ""), "name": meta["name"]}
    if spec.get("type") == "ExternalName":
        yield Hop("service", ok=True, text=f"It stands for {spec.get('externalName')}, outside the cluster", **place)
        return
    chosen = service_port(spec, port)
    if chosen is None or chosen.get("protocol", "TCP") != protocol:
        offered = ", ".join(f"{item['port']}/{item.get('protocol', 'TCP')}" for item in spec.get("ports") or ())
        text = f"Service {meta['name']} has no port {port}/{protocol}, only {offered or 'none'}"
        yield Hop("service", ok=False, text=text, field="spec.ports", **place)
        return
    index = list(spec["ports"]).index(chosen)
    yield Hop("service", ok=True, text=f"Service {meta['name']} has port {chosen['port']}/{protocol}", **place)
    behind = network.behind(target)
    if not behind:
        text = f"Service {meta['name']} selects {shown({'matchLabels': spec.get('selector') or {}})}: no pod has that"
        yield Hop("pods", ok=False, text=text, field="spec.selector", **place)
        return
    ready = [pod for pod in behind if is_ready(pod)]
    if not ready:
        text = f"None of the {len(behind)} pods behind Service {meta['name']} is ready"
        pod = behind[0]["metadata"]
        where = {"kind": "Pod", "namespace": pod.get("namespace", ""), "name": pod["name"]}
        yield Hop("pods", ok=False, text=text, field="status.conditions[Ready]", **where)
        return
    yield Hop("pods", ok=True, text=f"{len(ready)} of {len(behind)} pods behind it are ready", **place)
    for pod in ready:
        number = target_number(chosen, network.end(pod).ports)
        if number is None:
            text = f"Service {meta['name']} sends to port {chosen.get('targetPort')!r}, and its pods have none such"
            yield Hop("port", ok=False, text=text, field=f"spec.ports[{index}].targetPort", **place)
            return
        declared = container_ports(pod["spec"], protocol)
        if declared and number not in declared:
            there = ", ".join(map(str, declared))
            text = f"Service {meta['name']} sends to port {number}, and its pods offer {there}"
            yield Hop("port", ok=False, text=text, field=f"spec.ports[{index}].targetPort", **place)
            return
        yield from _into(network, origin, pod, number, protocol)


def _into(network: Network, origin: End, pod: Object, number: int | None, protocol: str) -> Iterator[Hop]:
    end = network.end(pod)
    there = {"kind": "Pod", "namespace": end.namespace, "name": end.name}
    if number is None:
        yield Hop("port", ok=False, text=f"Pod {end.name} has no port of this name", **there)
        return
    out = judge(network.policies, origin, end, number, protocol, "Egress")
    into = judge(network.policies, origin, end, number, protocol, "Ingress")
    for step, verdict, own, where in (("egress", out, origin, EGRESS), ("ingress", into, end, "spec.ingress")):
        name: Step = "egress" if step == "egress" else "ingress"
        if verdict.allowed:
            text = f"{verdict.by} allows it" if verdict.by else f"No {name} policy selects {own.name}"
            yield Hop(name, ok=True, text=text)
            continue
        which = ", ".join(verdict.isolating)
        text = (
            f"Policies {which} isolate {own.name}, and none allows {name} between {origin.name} and {end.name} on "
            f"port {number}/{protocol}"
        )
        policy = {"kind": "NetworkPolicy", "namespace": own.namespace, "name": verdict.isolating[0]}
        yield Hop(name, ok=False, text=text, field=where, **policy)
        return
    yield Hop("container", ok=True, text=f"Pod {end.name} takes it on port {number}", **there)

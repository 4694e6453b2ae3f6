"""NetworkPolicies that keep apart what is configured to talk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.containers import fact, is_over, patch, target_of, together
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, Ref, detector
from mcp_tools.diagnosis.network.calls import calls_in
from mcp_tools.diagnosis.network.paths import DNS_PORT, NAME_LABEL, SYSTEM, can_reach
from mcp_tools.diagnosis.network.policies import judge
from mcp_tools.diagnosis.network.scene import network_of, plain
from mcp_tools.diagnosis.network.selectors import shown
from mcp_tools.diagnosis.network.services import end_of, service_port, target_number

if TYPE_CHECKING:
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.network.calls import Call
    from mcp_tools.diagnosis.network.paths import Hop
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

SURE = 0.9
MODES = {"name": "policy-dns", "egress": "policy-egress", "ingress": "policy-ingress"}


@detector(
    "NetworkPolicies, simulated for every connection that the environment of containers names",
    Mode("policy-ingress", (77,), "A NetworkPolicy keeps a caller from what it calls"),
    Mode("policy-egress", (77,), "A NetworkPolicy keeps a caller in"),
    Mode("policy-dns", (78,), "A NetworkPolicy keeps a pod from asking for names"),
)
def policies(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each policy that stops a configured call, with all that it stops."""
    if not snapshot.all("NetworkPolicy"):
        return
    joined: dict[tuple[str, Ref], list[_Stop]] = {}
    for call in calls_in(snapshot):
        for stop in _stopped(snapshot, call):
            joined.setdefault((stop.hop.step, stop.policy.ref), []).append(stop)
    for stops in joined.values():
        yield _finding(snapshot, stops)


@dataclass(frozen=True, slots=True)
class _Stop:
    """A call that a policy stops.

    Attributes:
        callers, behind: Pods.
        number: The port of the pods behind the Service.
        kept_in: Whether the caller's own policies stop the connection too, not only the question for the name.
    """

    call: Call
    callers: list[Resource]
    behind: list[Resource]
    policy: Resource
    hop: Hop
    number: int
    kept_in: bool


def _stopped(snapshot: Snapshot, call: Call) -> Iterator[_Stop]:
    service = snapshot.at(call.service)
    callers = [pod for pod in snapshot.pods_of(call.root) if not is_over(pod)]
    if service is None or not callers:
        return
    # A ConfigMap that several share names their own Service too, which they do not call.
    behind = snapshot.selected(service.namespace, service.spec.get("selector") or {})
    if any(pod in behind for pod in callers):
        return
    network = replace(network_of(snapshot), pods=[plain(pod) for pod in behind])
    # The pods of one workload bear the same labels, so that what stops one stops all.
    caller, target = plain(callers[0]), plain(service)
    port = call.port or next((int(item["port"]) for item in service.spec.get("ports") or ()), 0)
    hop = can_reach(network, caller, target, port).stopped_by
    if hop is None or hop.kind != "NetworkPolicy":
        return
    policy = snapshot.get("NetworkPolicy", hop.namespace, hop.name)
    if policy is not None:
        chosen = service_port(service.spec, port) or {"port": port}
        number = target_number(chosen, end_of(plain(behind[0]), {}).ports) if behind else None
        number = number or port
        kept_in = hop.step == "egress" or (
            bool(behind)
            and not judge(
                network.policies, network.end(caller), network.end(plain(behind[0])), number, "TCP", "Egress"
            ).allowed
        )
        yield _Stop(call, callers, behind, policy, hop, number, kept_in)


def _finding(snapshot: Snapshot, stops: list[_Stop]) -> Finding:
    call, hop, policy = stops[0].call, stops[0].hop, stops[0].policy
    spec = policy.spec
    rules = spec.get(hop.field.removeprefix("spec."))
    selects_all = not (spec.get("podSelector") or {})
    field = "spec.podSelector" if selects_all and not rules else hop.field
    what = (
        f"{call.root.ref} from asking for names (port 53)"
        if hop.step == "name"
        else f"{call.root.ref} from {call.service}"
    )
    cause = f"{policy.ref} keeps {what}: {hop.text}"
    evidence = (
        fact(policy, "spec.podSelector", shown(spec.get("podSelector") or {})),
        fact(policy, hop.field, rules or "no rule"),
        Evidence(call.source.object, call.source.field, f"{call.host}:{call.port}"),
    )
    affected = tuple(dict.fromkeys(pod.ref for stop in stops for pod in stop.callers))
    fixes = _opened(snapshot, stops)
    return Finding(MODES[hop.step], cause, policy.ref, field, affected, evidence, fixes, confidence=SURE)


def _opened(snapshot: Snapshot, stops: list[_Stop]) -> tuple[Fix, ...]:
    """What lets these calls pass and nothing else: a policy beside the one that stops them, or a rule in it."""
    policy, hop = stops[0].policy, stops[0].hop
    made: list[Fix] = []
    rules: list[dict[str, Any]] = []
    opened: list[str] = []
    if hop.step == "name":
        system = {"namespaceSelector": {"matchLabels": {NAME_LABEL: SYSTEM}}}
        ports = [{"port": DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]
        rules.append({"to": [system], "ports": ports})
        opened.append("asking for names")
    for stop in stops:
        target, caller = snapshot.root(stop.behind[0]) if stop.behind else None, stop.call.root
        if target is None or (hop.step == "name" and not stop.kept_in):
            continue
        if hop.step == "ingress" and target.namespace == caller.namespace:
            made.append(_allowing(target, caller, stop.number))
            continue
        other, word = (caller, "from") if hop.step == "ingress" else (target, "to")
        peer: dict[str, Any] = {"podSelector": other.spec.get("selector") or {"matchLabels": other.labels}}
        if other.namespace != policy.namespace:
            peer["namespaceSelector"] = {"matchLabels": {NAME_LABEL: other.namespace}}
        rules.append({word: [peer], "ports": [{"port": stop.number, "protocol": "TCP"}]})
        opened.append(f"{caller.ref} to reach {stop.call.service}")
    if rules:
        before = policy.spec.get(hop.field.removeprefix("spec.")) or []
        new = [rule for place, rule in enumerate(rules) if rule not in rules[:place]]
        sentence = f"Let {policy.ref} allow {', '.join(dict.fromkeys(opened))}"
        made.append(patch(policy, sentence, {hop.field: [*before, *new]}))
    made = list({str(fix.arguments): fix for fix in made}.values())
    return (together("; ".join(fix.sentence for fix in made), made),) if made else ()


def _allowing(target: Resource, caller: Resource, port: int) -> Fix:
    name, subject = f"{target.name}-from-{caller.name}", target_of(caller)["target"]
    return Fix(
        f"Create networkpolicy {name} that lets {caller.ref} reach {target.ref} on port {port}",
        "create_resource",
        {"kind": "networkpolicy", "name": name, **target_of(target), "subjects": [subject], "port": port},
    )

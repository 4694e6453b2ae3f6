"""NetworkPolicies, evaluated as the API defines them (networking.k8s.io/v1).

A pod that no policy of a direction selects is open in that direction; one that any selects is isolated, and then only
what some policy of its namespace allows may pass. Whether a policy is enforced at all is the network plugin's matter.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mcp_tools.diagnosis.network.selectors import Labels, selects

Object = Mapping[str, Any]
Direction = Literal["Ingress", "Egress"]
_PEERS = {"Ingress": "from", "Egress": "to"}
_RULES = {"Ingress": "ingress", "Egress": "egress"}


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection: a pod, or an address outside the cluster.

    Attributes:
        name: Of the pod; empty for an address outside.
        namespace: Of the pod.
        labels: Of the pod.
        space_labels: Of its namespace.
        address: Its IP address, if it is known.
        ports: Its containers' ports by protocol and name, for rules that name a port.
        host_network: It shares its node's address, where policies do not see it as a pod.
    """

    name: str = ""
    namespace: str = ""
    labels: Labels = field(default_factory=dict)
    space_labels: Labels = field(default_factory=dict)
    address: str = ""
    ports: Mapping[tuple[str, str], int] = field(default_factory=dict)
    host_network: bool = False

    @property
    def is_pod(self) -> bool:
        """Whether it is a pod that selectors can pick."""
        return bool(self.name) and not self.host_network


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies of one direction say.

    Attributes:
        allowed: Whether the connection may pass.
        isolating: The names of the policies that select the pod; none where it is open.
        by: The policy and rule that allow it, such as `web spec.ingress[0]`.
    """

    allowed: bool
    isolating: tuple[str, ...] = ()
    by: str = ""


def types_of(spec: Object) -> frozenset[str]:
    """The directions that a policy isolates: where it does not say, Ingress, and Egress if it has such rules."""
    stated = spec.get("policyTypes")
    if stated:
        return frozenset(stated)
    return frozenset({"Ingress", "Egress"} if spec.get("egress") else {"Ingress"})


def isolating(policies: Iterable[Object], pod: End, direction: Direction) -> list[Object]:
    """The policies that isolate a pod in a direction."""
    if not pod.is_pod:
        return []
    return [
        policy
        for policy in policies
        if policy["metadata"].get("namespace", "") == pod.namespace
        and direction in types_of(policy.get("spec") or {})
        and selects((policy.get("spec") or {}).get("podSelector") or {}, pod.labels)
    ]


def judge(  # noqa: PLR0917  the five parts of a connection, and the side that is asked
    policies: Sequence[Object], source: End, target: End, port: int, protocol: str, direction: Direction
) -> Verdict:
    """Whether policies let a connection pass in one direction.

    Args:
        policies: All that there are; those of other namespaces are ignored.
        port: The target pod's own, not the Service's.
        direction: `Egress` asks the source's policies, `Ingress` the target's.
    """
    own, peer = (source, target) if direction == "Egress" else (target, source)
    found = isolating(policies, own, direction)
    names = tuple(policy["metadata"]["name"] for policy in found)
    if not found:
        return Verdict(allowed=True)
    for policy in found:
        for index, rule in enumerate(policy["spec"].get(_RULES[direction]) or ()):
            ports = rule.get("ports") or ()
            peers = rule.get(_PEERS[direction]) or ()
            if ports and not any(_port(item, target, port, protocol) for item in ports):
                continue
            if not peers or any(_peer(item, own.namespace, peer) for item in peers):
                return Verdict(
                    allowed=True, isolating=names, by=f"{policy['metadata']['name']} spec.{_RULES[direction]}[{index}]"
                )
    return Verdict(allowed=False, isolating=names)


def _port(wanted: Object, target: End, port: int, protocol: str) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    number = wanted.get("port")
    if number is None:
        return True
    if isinstance(number, str):
        return target.ports.get((protocol, number)) == port
    return int(number) <= port <= int(wanted.get("endPort") or number)


def _peer(wanted: Object, namespace: str, peer: End) -> bool:
    block = wanted.get("ipBlock")
    if block:
        return _in_block(block, peer.address)
    if not peer.is_pod:
        return False
    space, pods = wanted.get("namespaceSelector"), wanted.get("podSelector")
    if space is not None:
        if not selects(space, peer.space_labels):
            return False
    elif pods is None or peer.namespace != namespace:
        return False
    return pods is None or selects(pods, peer.labels)


def _in_block(block: Object, address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
        if found not in ipaddress.ip_network(block.get("cidr", ""), strict=False):
            return False
        return all(found not in ipaddress.ip_network(part, strict=False) for part in block.get("except") or ())
    except ValueError:
        return False

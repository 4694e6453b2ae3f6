"""What the API server refuses in Services, Ingresses and NetworkPolicies."""

from __future__ import annotations

import ipaddress
from typing import Any

from mcp_tools.addresses import is_address
from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    show,
)
from mcp_tools.sandbox.objects.ports import check_port, check_port_name

Spec = dict[str, Any]
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_IP_WORDS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_CIDR_WORDS = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def check_service(obj: Spec) -> list[Cause]:
    """A Service."""
    spec = obj["spec"]
    if wrong := _cluster_ip(spec):
        return wrong
    kind = spec.get("type")
    ports = spec.get("ports") or []
    causes: list[Cause] = []
    if not ports and spec.get("clusterIP") != "None" and kind != "ExternalName":
        causes.append(required("spec.ports"))
    if kind == "ExternalName":
        name = (spec.get("externalName") or "").removesuffix(".")
        causes += names.check_subdomain("spec.externalName", name) if name else [required("spec.externalName")]
    taken: set[str] = set()
    pairs: set[tuple[Any, ...]] = set()
    for index, port in enumerate(ports):
        causes += _service_port(f"spec.ports[{index}]", port, taken, many=len(ports) > 1)
    for index, port in enumerate(ports):
        pair = (port.get("port"), port.get("protocol"))
        if pair in pairs:
            inner = f'{{"Name":"","Protocol":{show(pair[1])},"AppProtocol":null,"Port":{show(pair[0])}'
            words = f'Duplicate value: {inner},"TargetPort":0,"NodePort":0}}'
            causes.append(Cause("FieldValueDuplicate", words, f"spec.ports[{index}]"))
        pairs.add(pair)
    if spec.get("selector"):
        causes += names.check_labels("spec.selector", spec["selector"])
    if spec.get("sessionAffinity") not in {"None", "ClientIP", None, ""}:
        causes.append(not_supported("spec.sessionAffinity", spec["sessionAffinity"], ("ClientIP", "None")))
    if kind not in _TYPES:
        causes.append(not_supported("spec.type", kind, _TYPES))
    if spec.get("externalTrafficPolicy") and kind in {"ClusterIP", "ExternalName"}:
        words = "may only be set for externally-accessible services"
        causes.append(invalid_value("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], words))
    if spec.get("internalTrafficPolicy") not in {"Cluster", "Local", None}:
        causes.append(not_supported("spec.internalTrafficPolicy", spec["internalTrafficPolicy"], ("Cluster", "Local")))
    return causes + _node_ports(spec)


def check_service_update(spec: Spec, old: Spec) -> list[Cause]:
    """What an update of a Service may not change."""
    given = spec.get("clusterIP")
    if not old.get("clusterIP") or given == old["clusterIP"] or _cluster_ip(spec):
        return []
    return [invalid_value("spec.clusterIPs[0]", [given] if given else None, "may not change once set")]


def _cluster_ip(spec: Spec) -> list[Cause]:
    given = spec.get("clusterIP") or ""
    if given in {"", "None"}:
        return []
    try:
        ipaddress.ip_address(given)
    except ValueError:
        return [invalid_value("spec.clusterIPs[0]", given, _IP_WORDS)]
    return []


def _node_ports(spec: Spec) -> list[Cause]:
    """Ports of nodes that a Service within the cluster asks for."""
    if spec.get("type") != "ClusterIP":
        return []
    words = "may not be used when `type` is 'ClusterIP'"
    return [
        forbidden_field(f"spec.ports[{index}].nodePort", words)
        for index, port in enumerate(spec.get("ports") or ())
        if port.get("nodePort")
    ]


def _service_port(field: str, port: Spec, taken: set[str], *, many: bool) -> list[Cause]:
    causes: list[Cause] = []
    name = port.get("name", "")
    if many and not name:
        causes.append(required(f"{field}.name"))
    elif name:
        causes += names.check_label_name(f"{field}.name", name)
        if name in taken:
            causes.append(duplicate(f"{field}.name", name))
        taken.add(name)
    causes += check_port(f"{field}.port", port.get("port", 0))
    protocol = port.get("protocol", "TCP")
    if protocol not in {"TCP", "UDP", "SCTP"}:
        causes.append(not_supported(f"{field}.protocol", protocol, ("SCTP", "TCP", "UDP")))
    target = port.get("targetPort")
    if isinstance(target, int):
        causes += check_port(f"{field}.targetPort", target)
    elif target:
        causes += check_port_name(f"{field}.targetPort", target)
    return causes


def check_ingress(obj: Spec) -> list[Cause]:
    """An Ingress."""
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    if not spec.get("rules") and not spec.get("defaultBackend"):
        causes.append(invalid_value("spec", None, "either `defaultBackend` or `rules` must be specified"))
    if spec.get("defaultBackend") is not None:
        causes += _backend("spec.defaultBackend", spec["defaultBackend"])
    for index, rule in enumerate(spec.get("rules") or ()):
        where = f"spec.rules[{index}]"
        if host := rule.get("host"):
            causes += _host(f"{where}.host", host)
            if is_address(host):
                causes.append(invalid_value(f"{where}.host", host, "must be a DNS name, not an IP address"))
        http = rule.get("http")
        if http is not None and not http.get("paths"):
            causes.append(required(f"{where}.http.paths"))
        for number, path in enumerate((http or {}).get("paths") or ()):
            causes += _path(f"{where}.http.paths[{number}]", path)
    for index, entry in enumerate(spec.get("tls") or ()):
        for number, host in enumerate(entry.get("hosts") or ()):
            causes += _host(f"spec.tls[{index}].hosts[{number}]", host)
    if spec.get("ingressClassName"):
        causes += names.check_subdomain("spec.ingressClassName", spec["ingressClassName"])
    return causes


def _host(field: str, host: str) -> list[Cause]:
    return names.check_wildcard(field, host) if "*" in host else names.check_subdomain(field, host)


def _path(field: str, path: Spec) -> list[Cause]:
    causes: list[Cause] = []
    kind, text = path.get("pathType"), path.get("path", "")
    if not kind:
        return [required(f"{field}.pathType", "pathType must be specified")]
    if kind not in _PATH_TYPES:
        causes.append(not_supported(f"{field}.pathType", kind, _PATH_TYPES))
    elif kind == "ImplementationSpecific":
        if text and not text.startswith("/"):
            causes.append(invalid_value(f"{field}.path", text, "must be an absolute path"))
    else:
        if not text.startswith("/"):
            causes.append(invalid_value(f"{field}.path", text, "must be an absolute path"))
        if text:
            causes += [
                invalid_value(f"{field}.path", text, f"must not contain '{part}'")
                for part in ("//", "/./", "/../", "%2f", "%2F")
                if part in text
            ]
    return causes + _backend(f"{field}.backend", path.get("backend") or {})


def _backend(field: str, backend: Spec) -> list[Cause]:
    service = backend.get("service")
    if service is None:
        if backend.get("resource"):
            return []
        return [invalid_value(field, "", "resource or service backend is required")]
    causes: list[Cause] = []
    name, port = service.get("name", ""), service.get("port") or {}
    causes += (
        [required(f"{field}.service.name")] if not name else names.check_service_name(f"{field}.service.name", name)
    )
    if port.get("name"):
        causes += check_port_name(f"{field}.service.port.name", port["name"])
    elif port.get("number"):
        causes += check_port(f"{field}.service.port.number", port["number"])
    else:
        causes.append(required(field, "port name or number is required"))
    return causes


def check_network_policy(obj: Spec) -> list[Cause]:
    """A NetworkPolicy."""
    spec = obj.get("spec") or {}
    labels = (spec.get("podSelector") or {}).get("matchLabels") or {}
    causes = names.check_labels("spec.podSelector.matchLabels", labels)
    for group, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(group) or ()):
            where = f"spec.{group}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                causes += _policy_port(f"{where}.ports[{number}]", port)
            for number, peer in enumerate(rule.get(peers) or ()):
                causes += _peer(f"{where}.{peers}[{number}]", peer)
    for index, kind in enumerate(spec.get("policyTypes") or ()):
        if kind not in {"Ingress", "Egress"}:
            causes.append(not_supported(f"spec.policyTypes[{index}]", kind, ("Ingress", "Egress")))
    return causes


def _policy_port(field: str, port: Spec) -> list[Cause]:
    causes: list[Cause] = []
    protocol, number = port.get("protocol", "TCP"), port.get("port")
    if protocol not in {"TCP", "UDP", "SCTP"}:
        causes.append(not_supported(f"{field}.protocol", protocol, ("TCP", "UDP", "SCTP")))
    if isinstance(number, int):
        causes += check_port(f"{field}.port", number)
    elif number is not None:
        causes += check_port_name(f"{field}.port", number)
    return causes


def _peer(field: str, peer: Spec) -> list[Cause]:
    if not any(peer.get(kind) is not None for kind in ("podSelector", "namespaceSelector", "ipBlock")):
        return [required(field, "must specify a peer")]
    block = peer.get("ipBlock")
    if block is None:
        return []
    cidr = block.get("cidr", "")
    try:
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return [invalid_value(f"{field}.ipBlock.cidr", cidr, _CIDR_WORDS)]
    return []

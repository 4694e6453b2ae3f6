"""From a Service to the containers behind it: ports, selectors, names and Ingress paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mcp_tools.diagnosis.network.policies import End

Object = Mapping[str, Any]


def end_of(pod: Object, space_labels: Mapping[str, str]) -> End:
    """A pod as the end of a connection; named ports are those of its containers and sidecars."""
    meta, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    ports = {}
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for port in container.get("ports") or ():
            if port.get("name"):
                ports[port.get("protocol", "TCP"), port["name"]] = int(port["containerPort"])
    return End(
        meta["name"],
        meta.get("namespace", ""),
        meta.get("labels") or {},
        space_labels,
        status.get("podIP") or "",
        ports,
        bool(spec.get("hostNetwork")),
    )


def service_port(spec: Object, port: int | str) -> Object | None:
    """The Service's port of this number or name; of two protocols TCP."""
    found = [item for item in spec.get("ports") or () if port in (item.get("port"), item.get("name"))]
    return next((item for item in found if item.get("protocol", "TCP") == "TCP"), found[0] if found else None)


def target_number(port: Object, ports: Mapping[tuple[str, str], int]) -> int | None:
    """The pod's port that a Service's port leads to; None where the pod has none of the name."""
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    if target.isdecimal():
        return int(target)
    return ports.get((port.get("protocol", "TCP"), target))


def container_ports(pod_spec: Object, protocol: str = "TCP") -> dict[int, str]:
    """The ports that a pod's containers declare, with their names."""
    return {
        int(port["containerPort"]): port.get("name", "")
        for container in (*(pod_spec.get("initContainers") or ()), *(pod_spec.get("containers") or ()))
        for port in container.get("ports") or ()
        if port.get("protocol", "TCP") == protocol
    }


def missed_labels(selector: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that a selector wants and these lack or have otherwise."""
    return {key: value for key, value in selector.items() if labels.get(key) != value}


def is_ready(pod: Object) -> bool:
    """Whether a pod takes traffic: it is ready and nobody deletes it."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)


def host_matches(rule_host: str, host: str) -> bool:
    """Whether an Ingress rule's host takes a request's: a wildcard stands for exactly one label."""
    rule_host, host = rule_host.lower(), host.lower()
    if not rule_host:
        return True
    if rule_host.startswith("*."):
        first, dot, rest = host.partition(".")
        return bool(first) and bool(dot) and rest == rule_host[2:]
    return rule_host == host


def path_matches(kind: str, pattern: str, path: str) -> bool:
    """Whether an Ingress path takes a request's; `ImplementationSpecific` is read as most controllers do, as Prefix."""
    if kind == "Exact":
        return path == pattern
    wanted = [part for part in pattern.split("/") if part]
    return [part for part in path.split("/") if part][: len(wanted)] == wanted


def route(ingress_spec: Object, host: str, path: str) -> tuple[str, Object] | None:
    """The field and backend that an Ingress sends a request to.

    An exact host wins over a wildcard, that over none; then the longest path wins, and of two the exact one.
    """
    best: tuple[tuple[int, int, int], str, Object] | None = None
    for index, rule in enumerate(ingress_spec.get("rules") or ()):
        rule_host = rule.get("host") or ""
        if not host_matches(rule_host, host):
            continue
        precision = 0 if not rule_host else 1 if rule_host.startswith("*.") else 2
        for place, item in enumerate((rule.get("http") or {}).get("paths") or ()):
            kind, pattern = item.get("pathType", "ImplementationSpecific"), item.get("path") or "/"
            if path_matches(kind, pattern, path):
                rank = (precision, len(pattern), int(kind == "Exact"))
                if best is None or rank > best[0]:
                    best = rank, f"spec.rules[{index}].http.paths[{place}].backend", item["backend"]
    # A host that any rule names is that rule's alone: only requests that no rule takes go to the default.
    if best is None and ingress_spec.get("defaultBackend"):
        return "spec.defaultBackend", ingress_spec["defaultBackend"]
    return (best[1], best[2]) if best else None


def backends_of(ingress_spec: Object) -> Iterable[tuple[str, Object]]:
    """Every backend that leads to a Service, with its path in the Ingress."""
    default = ingress_spec.get("defaultBackend") or {}
    if default.get("service"):
        yield "spec.defaultBackend", default["service"]
    for index, rule in enumerate(ingress_spec.get("rules") or ()):
        for place, item in enumerate((rule.get("http") or {}).get("paths") or ()):
            service = (item.get("backend") or {}).get("service")
            if service:
                yield f"spec.rules[{index}].http.paths[{place}].backend", service

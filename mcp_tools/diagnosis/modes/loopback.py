"""Addresses that mean another program and lead to the own container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.clues import variables_of
from mcp_tools.diagnosis.containers import patch, template_path
from mcp_tools.diagnosis.model import Evidence, Finding, Fix, Found, Mode, detector
from mcp_tools.diagnosis.network.calls import address_in
from mcp_tools.diagnosis.network.services import container_ports, end_of, target_number

if TYPE_CHECKING:
    from mcp_tools.diagnosis.clues import Source
    from mcp_tools.diagnosis.looks import Looks
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

OWN = frozenset({"localhost", "127.0.0.1", "::1"})
SURE = 0.9
# What a browser on somebody's machine uses, or what is only compared.
_FOR_BROWSERS = re.compile(r"PUBLIC|EXTERNAL|ORIGIN|CORS|ISSUER|AUDIENCE|REDIRECT|CALLBACK|AUTH_URL")


@detector(
    "addresses of the own container in its environment, against the ports of its pod and of Services",
    Mode("loopback", (17,), "A variable names localhost and means another Service"),
)
def loopback(snapshot: Snapshot, looks: Looks) -> Found:  # noqa: ARG001  the signature of a detector
    """A finding for each variable with an address of the own pod on a port that only another Service has."""
    for root in snapshot.workloads:
        own = container_ports({"containers": root.containers})
        for source, host, port in _own_addresses(snapshot, root):
            # A container that declares no port may listen on any.
            if not own or port in own:
                continue
            meant = [item for item in snapshot.all("Service", root.namespace) if _offers(snapshot, item, port)]
            meant = [item for item in meant if not _behind(snapshot, item, root)]
            if not meant:
                continue
            service = meant[0]
            cause = (
                f"{root.ref} is to call {host}:{port} ({source.name}), which is its own pod, where nothing listens on "
                f"this port; {service.ref} does"
            )
            evidence = (
                Evidence(source.object, source.field, source.value or ""),
                Evidence(service.ref, "spec.ports", str(port)),
            )
            affected = tuple(pod.ref for pod in snapshot.pods_of(root))
            fixes = tuple(_meant(root, source, host, service)) if source.object == root.ref else ()
            advice = f"Write {service.name} in the place of {host}."
            yield Finding(
                "loopback",
                cause,
                source.object,
                source.field,
                affected,
                evidence,
                fixes,
                confidence=SURE,
                advice="" if fixes else advice,
            )


def _meant(root: Resource, source: Source, host: str, service: Resource) -> Iterator[Fix]:
    value = (source.value or "").replace(host, service.name, 1)
    yield patch(root, f"Set {source.name} to {value}", {f"{source.field}.value": value})


def _own_addresses(snapshot: Snapshot, root: Resource) -> Iterator[tuple[Source, str, int]]:
    for section in ("initContainers", "containers"):
        for index, container in enumerate(root.template.get(section) or ()):
            where = f"{template_path(root)}.{section}[{index}]"
            for source in variables_of(snapshot, root, container, where).values():
                host, port = address_in(source.value or "")
                if host in OWN and port and not _FOR_BROWSERS.search(source.name):
                    yield source, host, port


def _offers(snapshot: Snapshot, service: Resource, port: int) -> bool:
    pods = snapshot.selected(service.namespace, service.spec.get("selector") or {})
    for offered in service.spec.get("ports") or ():
        ports = end_of({"metadata": pods[0].meta, "spec": pods[0].spec}, {}).ports if pods else {}
        if port in {offered.get("port"), target_number(offered, ports)}:
            return True
    return False


def _behind(snapshot: Snapshot, service: Resource, root: Resource) -> bool:
    pods = snapshot.selected(service.namespace, service.spec.get("selector") or {})
    return any(snapshot.root(pod).ref == root.ref for pod in pods)

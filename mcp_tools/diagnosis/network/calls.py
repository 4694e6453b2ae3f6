"""Who calls whom, by the addresses that the environment of containers holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from mcp_tools.diagnosis.clues import service_of, variables_of
from mcp_tools.diagnosis.containers import template_path

if TYPE_CHECKING:
    from mcp_tools.diagnosis.clues import Source
    from mcp_tools.diagnosis.model import Ref
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "redis": 6379, "mysql": 3306, "amqp": 5672}
_PAIR = re.compile(r"(?P<host>[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?):(?P<port>\d{1,5})")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Call:
    """A connection that a workload's configuration tells it to open.

    Attributes:
        root: The workload.
        source: The variable that says so.
        port: 0 where the variable does not say.
        service: What the host means inside the cluster, whether it is there or not.
    """

    root: Resource
    source: Source
    host: str
    port: int
    service: Ref


def calls_in(snapshot: Snapshot) -> list[Call]:
    """The calls of all workloads to the cluster's own Services, each once for each variable.

    What looks like a call to oneself comes last: a ConfigMap that several share names everybody's Service.
    """
    if "calls" not in snapshot.memo:
        calls = [call for root in snapshot.workloads for call in _calls_of(snapshot, root)]
        snapshot.memo["calls"] = sorted(calls, key=lambda call: call.root.name == call.service.name)
    return cast("list[Call]", snapshot.memo["calls"])


def _calls_of(snapshot: Snapshot, root: Resource) -> Iterator[Call]:
    seen: set[tuple[str, str, int]] = set()
    for section in ("initContainers", "containers"):
        for index, container in enumerate(root.template.get(section) or ()):
            where = f"{template_path(root)}.{section}[{index}]"
            for name, source in variables_of(snapshot, root, container, where).items():
                host, port = address_in(source.value or "")
                service = service_of(snapshot, host, root.namespace) if host else None
                if service is not None and (name, host, port) not in seen:
                    seen.add((name, host, port))
                    yield Call(root, source, host, port, service)


def address_in(value: str) -> tuple[str, int]:
    """The host and port that a variable's value is, as a URL or as `host:port`; empty where it is neither."""
    value = value.strip()
    if len(value) > _LONGEST:
        return "", 0
    if "://" not in value:
        found = _PAIR.fullmatch(value)
        return (found["host"], int(found["port"])) if found else ("", 0)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "", 0
    scheme = parts.scheme.partition("+")[0]
    return parts.hostname or "", port or _PORTS.get(scheme, 0)

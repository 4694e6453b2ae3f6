"""What the last words of a container say about its cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.addresses import is_address
from mcp_tools.diagnosis.logs.digest import ENDING
from mcp_tools.diagnosis.model import Ref

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

_FLAGS = re.IGNORECASE
_VARIABLE = r"(?P<about>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{4,})"
# In this order within a line: what is more special comes first.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("platform", re.compile(r"exec format error", _FLAGS)),
    ("address-in-use", re.compile(r"address already in use|EADDRINUSE", _FLAGS)),
    ("no-space", re.compile(r"no space left on device|ENOSPC|disk quota exceeded", _FLAGS)),
    (
        "rbac",
        re.compile(
            r'forbidden: User \\?"system:serviceaccount:(?P<about>[\w.-]+:[\w.-]+)\\?" cannot (?P<verb>\w+) resource '
            r'\\?"(?P<resource>[\w./-]+)\\?"',
        ),
    ),
    (
        "bind-denied",
        re.compile(r"(?:bind|listen).*?:(?P<about>\d+)\b.*permission denied|listen EACCES.*?:(?P<port>\d+)", _FLAGS),
    ),
    ("bind-denied", re.compile(r"attempting to bind on address.*?(?P<about>\d+)\).*permission denied", _FLAGS)),
    ("read-only", re.compile(r"read-only file system|EROFS", _FLAGS)),
    ("not-found", re.compile(r"(?P<about>[\w./-]+): (?:command )?not found$", _FLAGS)),
    ("permission", re.compile(r"permission denied|EACCES", _FLAGS)),
    ("variable", re.compile(rf"KeyError: ['\"]{_VARIABLE}['\"]")),
    (
        "variable",
        re.compile(
            rf"{_VARIABLE}['\"`]?(?: environment variable)?(?: is| was)? (?:not set|not defined|undefined|unset|missing"
            r"|required|must be set|not provided|empty)"
        ),
    ),
    (
        "variable",
        re.compile(rf"(?:environment|env) var(?:iable)?s?:? ['\"`]?{_VARIABLE}['\"`]?.*?(?:missing|not|required)"),
    ),
    ("variable", re.compile(rf"(?:missing|required)[^:]{{0,40}}(?:environment|env)[^:]{{0,20}}:? ['\"`]?{_VARIABLE}")),
    (
        "name",
        re.compile(r"name or service not known|\bENOTFOUND\b|no such host|could not translate host name", _FLAGS),
    ),
    ("no-dns", re.compile(r"EAI_AGAIN|temporary failure in name resolution", _FLAGS)),
    ("refused", re.compile(r"connection refused|ECONNREFUSED", _FLAGS)),
    ("timeout", re.compile(r"connection timed out|ETIMEDOUT|i/o timeout", _FLAGS)),
    (
        "memory",
        re.compile(r"heap out of memory|OutOfMemoryError|MemoryError\b|cannot allocate memory", _FLAGS),
    ),
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/\s]*@)?(?P<host>[A-Za-z0-9][\w.-]*)(?::(?P<port>\d+))?")
_HOST = re.compile(
    r"(?:getaddrinfo \w+|ECONNREFUSED|ETIMEDOUT|lookup|host name|host|dial tcp:?|to server at|connect to) \"?"
    r"(?P<host>[A-Za-z0-9][\w.-]*)\"?(?::(?P<port>\d+))?"
)
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "redis": 6379, "mysql": 3306, "amqp": 5672}


@dataclass(frozen=True, slots=True)
class Clue:
    """One hint.

    Attributes:
        kind: What is the matter, such as `refused`.
        line: That says so.
        about: The variable, file, port or account that it is about; empty where the line does not say.
        host, port: Whom a connection was for.
        match: The groups of the line's pattern.
    """

    kind: str
    line: str
    about: str = ""
    host: str = ""
    port: int = 0
    match: tuple[tuple[str, str], ...] = ()


def clue_of(lines: Sequence[str]) -> Clue | None:
    """The last hint among the last lines."""
    last = [line for line in lines if line.strip()][-ENDING:]
    for position in range(len(last) - 1, -1, -1):
        for kind, pattern in _PATTERNS:
            if found := pattern.search(last[position]):
                groups = {key: value for key, value in found.groupdict().items() if value}
                about = groups.get("about", groups.get("port", ""))
                host, port = _whom(last[max(0, position - 4) : position + 3][::-1])
                return Clue(kind, last[position].strip(), about, host, port, tuple(groups.items()))
    return None


def _whom(lines: Sequence[str]) -> tuple[str, int]:
    for pattern in (_URL, _HOST):
        for line in lines:
            if found := pattern.search(line):
                scheme = line[found.start() :].partition("://")[0].partition("+")[0]
                return found["host"], int(found["port"] or _PORTS.get(scheme, 0))
    return "", 0


def service_of(snapshot: Snapshot, host: str, namespace: str) -> Ref | None:
    """The Service that a host name or cluster address means, whether it is there or not; None for the outside."""
    if not host or host == "localhost":
        return None
    if is_address(host):
        found = next((item for item in snapshot.all("Service") if item.spec.get("clusterIP") == host), None)
        return found.ref if found else None
    parts = host.rstrip(".").removesuffix(".cluster.local").removesuffix(".svc").split(".")
    if len(parts) == 1:
        return Ref("Service", namespace, parts[0])
    if len(parts) == 2 and (  # noqa: PLR2004  name and namespace
        host != ".".join(parts)
        or snapshot.get("Service", parts[1], parts[0])
        or snapshot.get("Namespace", "", parts[1])
    ):
        return Ref("Service", parts[1], parts[0])
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a container's variable comes from.

    Attributes:
        value: Of it; None where it stands in a Secret, whose values nobody reads.
    """

    object: Ref
    field: str
    name: str
    value: str | None


def variables_of(snapshot: Snapshot, root: Resource, container: dict[str, Any], field: str) -> dict[str, Source]:
    """A container's variables with where each comes from; those of objects that are not there are left out.

    Args:
        field: The container's path in the root.
    """
    found: dict[str, Source] = {}
    for entry in container.get("envFrom") or ():
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            held = snapshot.get(kind, root.namespace, (entry.get(key) or {}).get("name", ""))
            for name, value in ((held.body.get("data") or {}) if held else {}).items():
                full = f"{entry.get('prefix', '')}{name}"
                known = None if kind == "Secret" else str(value)
                found[full] = Source(held.ref if held else root.ref, f"data.{name}", full, known)
    for index, entry in enumerate(container.get("env") or ()):
        name, origin = entry["name"], entry.get("valueFrom") or {}
        source = Source(root.ref, f"{field}.env[{index}]", name, entry.get("value", "") if not origin else None)
        for key, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if reference := origin.get(key):
                held = snapshot.get(kind, root.namespace, reference.get("name", ""))
                value = (held.body.get("data") or {}).get(reference.get("key")) if held else None
                if held and value is not None:
                    known = None if kind == "Secret" else str(value)
                    source = Source(held.ref, f"data.{reference['key']}", name, known)
        found[name] = source
    return found

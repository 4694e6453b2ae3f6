"""Finding objects by a word, over all namespaces: in names, labels, images and Service or Ingress hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, built_in
from mcp_tools.cluster.pods import age
from mcp_tools.errors import Forbidden, NotFound, UsageError
from mcp_tools.reads.answer import Answer, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.cluster.connection import Connection

KINDS = (
    "deployments",
    "statefulsets",
    "daemonsets",
    "cronjobs",
    "jobs",
    "pods",
    "services",
    "ingresses",
    "configmaps",
    "secrets",
    "persistentvolumeclaims",
    "horizontalpodautoscalers",
    "serviceaccounts",
    "networkpolicies",
    "nodes",
    "namespaces",
    "persistentvolumes",
)
CONTENT = frozenset({"configmaps", "secrets"})
"""Kinds whose content is not looked through: names and labels are enough to find them."""
MIN_LENGTH = 2


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    labels: dict[str, str] = {}
    creation_timestamp: str | None = None


class _Item(msgspec.Struct):
    metadata: _Meta
    spec: Any = None


class _Items(msgspec.Struct):
    items: list[_Item] = []


_decoder = msgspec.json.Decoder(_Items)


def search(connection: Connection, text: str, *, namespace: str | None = None, limit: int = 50) -> Answer:
    """Look for a word, whatever its case.

    Args:
        namespace: Where to look; None is everywhere.

    Returns:
        `matches` (object, namespace, where it was found, age), names that are the word first, `total`, `shown`.

    Raises:
        UsageError: The word is too short to mean anything.
    """
    wanted = text.strip().lower()
    if len(wanted) < MIN_LENGTH:
        raise UsageError(f"{text!r} is too short to look for.", f"Give {MIN_LENGTH} letters or more.")
    matches = []
    for word in KINDS:
        kind = built_in(word)
        if namespace and not kind.namespaced:
            continue
        for item in _list(connection, kind, namespace):
            place = next(_places(kind, item, wanted), None)
            if place:
                matches.append((_rank(item.metadata.name.lower(), wanted), kind, item.metadata, place))
    matches.sort(key=lambda match: match[0])
    shown = [
        {
            "object": f"{kind.name.lower()}/{meta.name}",
            "namespace": meta.namespace,
            "found_in": place,
            "age": age(meta.creation_timestamp or ""),
        }
        for _, kind, meta, place in matches[:limit]
    ]
    place = f"namespace {namespace}" if namespace else "all namespaces"
    summary = f"{count(len(matches), 'object')} with {text.strip()!r} in {place}."
    return Answer(summary, {"matches": shown, "total": len(matches), "shown": len(shown)})


def _list(connection: Connection, kind: Kind, namespace: str | None) -> list[_Item]:
    try:
        return _decoder.decode(connection.get(kind.path(namespace))).items
    except (Forbidden, NotFound):
        # What this user may not list cannot be searched; the rest can.
        return []


def _places(kind: Kind, item: _Item, wanted: str) -> Iterator[str]:
    if wanted in item.metadata.name.lower():
        yield "name"
    for key, value in item.metadata.labels.items():
        if wanted in f"{key}={value}".lower():
            yield f"label {key}={value}"
    if kind.plural not in CONTENT:
        for path, value in _strings(item.spec, ""):
            if wanted in value.lower():
                yield f"{path.removeprefix('.')}"


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str | int):
        yield path, str(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, path)


def _rank(name: str, wanted: str) -> int:
    return 0 if name == wanted else 1 if name.startswith(wanted) else 2 if wanted in name else 3

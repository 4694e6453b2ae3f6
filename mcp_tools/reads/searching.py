"""Finding objects by a word, over all namespaces: in names, labels, images and Service or Ingress hosts."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, built_in, find_kind
from mcp_tools.cluster.pods import age
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.reads.answer import Answer, count
from mcp_tools.reads.unseen import Unseen

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
COLUMNS = ["Namespace", "Object", "Found in", "Age"]


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = ""
    labels: dict[str, str] = {}
    creation_timestamp: str | None = None


class _Item(msgspec.Struct):
    metadata: _Meta
    spec: Any = None


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] = []


_items = msgspec.json.Decoder(_Items)
_item = msgspec.json.Decoder(_Item)
_PLAIN = re.compile(r"[a-z0-9 ._:/@-]+")
"""What JSON writes as it is, within one string: where it does not stand in the bytes, it stands in no value."""


def search(
    connection: Connection, text: str, *, namespace: str | None = None, kind_word: str | None = None, limit: int = 50
) -> Answer:
    """Look for a word, whatever its case.

    Args:
        namespace: Where to look; None is everywhere.
        kind_word: Look at this kind only; None is the usual ones.

    Returns:
        `columns` and `rows` as a list has them, names that are the word first; `total`, `shown`, and `unseen` where
        rights are missing.

    Raises:
        Forbidden: Nothing may be looked through.
        UsageError: The word is too short to mean anything.
        UnknownKind: The cluster serves no such kind.
    """
    wanted = text.strip().lower()
    if len(wanted) < MIN_LENGTH:
        raise UsageError(f"{text!r} is too short to look for.", f"Give {MIN_LENGTH} letters or more.")
    matches = []
    unseen = Unseen()
    for kind in [find_kind(connection, kind_word)] if kind_word else map(built_in, KINDS):
        if namespace and not kind.namespaced:
            continue
        for item in unseen.look(kind.plural, partial(_list, connection, kind, namespace, wanted)):
            place = next(_places(kind, item, wanted), None)
            if place:
                matches.append((_rank(item.metadata.name.lower(), wanted), kind, item.metadata, place))
    matches.sort(key=lambda match: match[0])
    shown = [
        [meta.namespace, f"{kind.name.lower()}/{meta.name}", place, age(meta.creation_timestamp or "")]
        for _, kind, meta, place in matches[:limit]
    ]
    place = f"namespace {namespace}" if namespace else "all namespaces"
    summary = f"{count(len(matches), 'object')} with {text.strip()!r} in {place}."
    answer = Answer(summary, {"columns": COLUMNS, "rows": shown, "total": len(matches), "shown": len(shown)})
    return unseen.told(answer)


def _list(connection: Connection, kind: Kind, namespace: str | None, wanted: str) -> list[_Item]:
    """The objects that may hold the word; most are ruled out by their bytes, which costs little."""
    word = wanted.encode() if _PLAIN.fullmatch(wanted) else b""
    try:
        raws = _items.decode(connection.get(kind.path(namespace))).items
        return [_item.decode(raw) for raw in raws if word in bytes(raw).lower()]
    except NotFound:
        # An older cluster serves fewer kinds.
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

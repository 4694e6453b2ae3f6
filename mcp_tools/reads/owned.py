"""What an object owns, and what that owns, by `ownerReferences` (metadata only: KEP-1152's PartialObjectMetadata)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from mcp_tools.cluster.kinds import BUILT_IN, Kind, served_kinds
from mcp_tools.cluster.pods import Owner  # noqa: TC001  msgspec reads the annotation when it decodes
from mcp_tools.errors import ApiError, NotFound
from mcp_tools.reads.unseen import Unseen

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
UNOWNED = frozenset({"events", "leases", "serviceaccounts", "roles", "rolebindings", "limitranges", "resourcequotas"})
"""Kinds that controllers rarely put under an owner, and that are many."""
METHOD_NOT_ALLOWED = 405


@dataclass(frozen=True, slots=True)
class Owned:
    """One object that another one owns.

    Attributes:
        owners: The uids of its owners.
        depth: 1 for what the object itself owns.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str
    owners: tuple[str, ...]
    depth: int
    created: str
    finalizers: tuple[str, ...] = ()


class _Meta(msgspec.Struct, rename="camel"):
    name: str
    uid: str = ""
    namespace: str = ""
    creation_timestamp: str | None = None
    owner_references: list[Owner] = []
    finalizers: list[str] = []


class _Item(msgspec.Struct):
    metadata: _Meta


class _Items(msgspec.Struct):
    # An empty list of partial objects comes as null.
    items: list[_Item] | None = None


_decoder = msgspec.json.Decoder(_Items)


def owned_by(
    connection: Connection, found: Found, *, custom: bool = False, unseen: Unseen | None = None
) -> list[Owned]:
    """Everything that goes when the object goes, nearest first.

    Args:
        custom: Look through custom resources and rarer kinds too, which costs a request for each of them.
        unseen: Told of the kinds that may not be listed, which are left out.

    Raises:
        ShipmateError: As `Connection.get`.
    """
    unseen = unseen or Unseen()
    children: dict[str, list[tuple[Kind, _Meta]]] = defaultdict(list)
    for kind in _kinds(connection, custom=custom):
        for item in unseen.look(kind.plural, partial(_list, connection, kind, found.namespace)):
            for owner in item.owner_references:
                children[owner.uid].append((kind, item))
    result: list[Owned] = []
    seen: set[str] = set()
    level = [str(found.object["metadata"]["uid"])]
    depth = 1
    while level:
        below = []
        for uid in level:
            for kind, item in children.get(uid, ()):
                if item.uid in seen:
                    continue
                seen.add(item.uid)
                below.append(item.uid)
                owners = tuple(owner.uid for owner in item.owner_references)
                result.append(
                    Owned(
                        kind,
                        item.namespace,
                        item.name,
                        item.uid,
                        owners,
                        depth,
                        item.creation_timestamp or "",
                        tuple(item.finalizers),
                    )
                )
        level, depth = below, depth + 1
    return result


def inside(connection: Connection, namespace: str, selector: str = "") -> Counter[str]:
    """How many objects of which kind, by plural name, a namespace holds, as far as they may be listed.

    Args:
        selector: Only those whose labels it selects.
    """
    counts: Counter[str] = Counter()
    unseen = Unseen()
    for kind in _kinds(connection, custom=True):
        number = len(unseen.look(kind.plural, partial(_list, connection, kind, namespace, selector)))
        if number:
            counts[kind.plural] = number
    return counts


def _kinds(connection: Connection, *, custom: bool) -> Iterable[Kind]:
    known = [kind for kind in BUILT_IN if kind.namespaced and kind.plural not in UNOWNED]
    if not custom:
        return known
    there = {(kind.group, kind.plural) for kind in BUILT_IN}
    return [
        *known,
        *(
            kind
            for kind in served_kinds(connection)
            if kind.namespaced
            and {"list", "delete"} <= kind.verbs
            and kind.plural not in UNOWNED
            and (kind.group, kind.plural) not in there
        ),
    ]


def _list(connection: Connection, kind: Kind, namespace: str | None, selector: str = "") -> list[_Meta]:
    query = [("labelSelector", selector)] if selector else []
    try:
        raw = connection.get(kind.path(namespace), query, accept=METADATA)
    except NotFound:
        return []
    except ApiError as error:
        # Some aggregated kinds can be created and not listed.
        if error.status == METHOD_NOT_ALLOWED:
            return []
        raise
    return [item.metadata for item in _decoder.decode(raw).items or ()]

"""What an object owns, as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.pods import age, list_pods, summarise
from mcp_tools.reads.owned import owned_by

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found
    from mcp_tools.reads.owned import Owned
    from mcp_tools.reads.unseen import Unseen

MAX_SHOWN = 200


def tree_of(connection: Connection, found: Found, unseen: Unseen) -> list[dict[str, Any]]:
    """What an object owns, down to the pods, custom resources included, as nested `object`, `status`, `age`, `owns`.

    Args:
        unseen: Told of the kinds that may not be listed, which are left out.

    Raises:
        ShipmateError: As `Connection.get`.
    """
    owned = owned_by(connection, found, custom=True, unseen=unseen)
    words = _pod_words(connection, found.namespace, owned)
    nodes: dict[str, dict[str, Any]] = {}
    root: list[dict[str, Any]] = []
    for item in owned[:MAX_SHOWN]:
        node = {
            "object": f"{item.kind.name.lower()}/{item.name}",
            "status": words.get(item.name, "") if item.kind.plural == "pods" else "",
            "age": age(item.created),
            "owns": [],
        }
        nodes[item.uid] = node
        parent = next((nodes[uid]["owns"] for uid in item.owners if uid in nodes), root)
        parent.append(node)
    return root


def _pod_words(connection: Connection, namespace: str | None, owned: list[Owned]) -> dict[str, str]:
    if namespace is None or not any(item.kind.plural == "pods" for item in owned):
        return {}
    return {pod.metadata.name: summarise(pod).status for pod in list_pods(connection, namespace, "")}

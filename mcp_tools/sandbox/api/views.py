"""What is around objects, or left of them: lists, and their metadata only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object


def metadata_only(obj: Object, version: str) -> Object:
    """`PartialObjectMetadata`."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": obj["metadata"]}


def list_of(kind: Kind, items: list[Any], meta: dict[str, Any]) -> Object:
    """The list object around items, which do not repeat their kind."""
    bare = [{key: value for key, value in item.items() if key not in {"kind", "apiVersion"}} for item in items]
    return {"kind": f"{kind.name}List", "apiVersion": kind.api_version, "metadata": meta, "items": bare}


def metadata_list(items: list[Any], meta: dict[str, Any], version: str) -> Object:
    """`PartialObjectMetadataList`."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": meta,
        "items": [metadata_only(item, version) for item in items] or None,
    }

"""The same objects in other shapes: their metadata only, and Events as `events.k8s.io/v1` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object

_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK = {new: old for old, new in _EVENT_FIELDS.items()}


def present(kind: Kind, obj: Object) -> Object:
    """A stored object as the kind that was asked for."""
    if kind.custom and obj.get("apiVersion") != kind.api_version:
        return {**obj, "apiVersion": kind.api_version}
    if not kind.stored_as:
        return obj
    renamed = {_EVENT_FIELDS.get(key, key): value for key, value in obj.items()}
    return {**renamed, "kind": kind.name, "apiVersion": kind.api_version}


def accept(kind: Kind, obj: Object) -> Object:
    """An object of the kind that was asked for, as it is stored."""
    if not kind.stored_as:
        return obj
    renamed = {_BACK.get(key, key): value for key, value in obj.items()}
    return {**renamed, "kind": kind.name, "apiVersion": "v1"}


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
        "items": [metadata_only(item, version) for item in items],
    }

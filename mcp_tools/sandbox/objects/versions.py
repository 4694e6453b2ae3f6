"""The same stored objects as other versions of their kind have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import autoscalers

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.objects.kinds import Kind

Object = dict[str, Any]

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
    return _CONVERSIONS[kind.gvk][0](obj) if kind.stored_as else obj


def accept(kind: Kind, obj: Object) -> Object:
    """An object of the kind that was asked for, as it is stored."""
    return _CONVERSIONS[kind.gvk][1](obj) if kind.stored_as else obj


def _newer_event(obj: Object) -> Object:
    renamed = {_EVENT_FIELDS.get(key, key): value for key, value in obj.items()}
    return {**renamed, "kind": "Event", "apiVersion": "events.k8s.io/v1"}


def _core_event(obj: Object) -> Object:
    renamed = {_BACK.get(key, key): value for key, value in obj.items()}
    return {**renamed, "kind": "Event", "apiVersion": "v1"}


# By the kind that is asked for: from what is stored, and back.
_CONVERSIONS: dict[str, tuple[Callable[[Object], Object], Callable[[Object], Object]]] = {
    "events.k8s.io/v1/Event": (_newer_event, _core_event),
    "autoscaling/v1/HorizontalPodAutoscaler": (autoscalers.to_v1, autoscalers.from_v1),
}

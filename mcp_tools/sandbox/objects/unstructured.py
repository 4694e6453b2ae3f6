"""What Go says of plain data that does not fit its types (apimachinery, pkg/runtime/converter), and prints of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects.schema import DecodeError, Shape, conform

if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS: dict[type, str] = {bool: "bool", int: "int64", float: "float64", str: "string", list: "slice", dict: "map"}
_JSON_KINDS = {"bool": "bool", "int64": "number", "float64": "number", "slice": "array", "map": "object"}
_TARGETS = {"integer": "int32", "int64": "int64", "boolean": "bool", "number": "float64", "string": "string"}
_CUSTOM = {"time": "string", "intOrString": "int32"}
_METADATA = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def misfit(shape: Shape, value: Any) -> str:
    """The first thing in a value that cannot be converted to its type, in Go's words; empty when all of it can."""
    if value is None or shape.form == "any":
        return ""
    kind = _KINDS[type(value)]
    match shape.form:
        case "struct":
            if kind != "map":
                return f"cannot restore struct from: {kind}"
            return _first(misfit(shape.child(name), value.get(name)) for name in _in_order(shape))
        case "map" if kind != "map":
            return f"cannot restore map from {kind}"
        case "map":
            return _first(misfit(shape.child(""), item) for item in value.values())
        case "list" if kind != "slice":
            return f"cannot restore slice from {kind}"
        case "list":
            return _first(misfit(shape.child(""), item) for item in value)
    return _scalar(shape, value, kind)


def _in_order(shape: Shape) -> Iterable[str]:
    return _METADATA if shape.name == "ObjectMeta" else sorted(shape.fields, key=lambda name: name != "metadata")


def _first(found: Iterable[str]) -> str:
    return next(filter(None, found), "")


def _scalar(shape: Shape, value: Any, kind: str) -> str:
    try:
        conform(shape, value, [])
    except DecodeError as error:
        target = _TARGETS.get(shape.name, "")
        if shape.name in _CUSTOM and kind in _JSON_KINDS:
            return f"json: cannot unmarshal {_JSON_KINDS[kind]} into Go value of type {_CUSTOM[shape.name]}"
        if shape.name == "bytes" and kind != "string":
            return f"cannot restore slice from {kind}"
        if (kind == "int64" and target == "string") or (kind == "float64" and target.startswith("int")):
            return f"cannot convert {kind} to {target}"
        return f"unrecognized type: {target}" if target else str(error)
    return ""


def printed(value: Any) -> str:
    """A value as Go's `%v` prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{printed(item)}" for key, item in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(printed, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return "<nil>" if value is None else str(value)

"""Structural schemas of custom resources: pruning, defaults, validation, merging (apiextensions-apiserver)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcp_tools.sandbox.objects import customrules
from mcp_tools.sandbox.objects.errors import Cause, duplicate, invalid_value, not_supported, required
from mcp_tools.sandbox.objects.schema import ANY, Shape, parse
from mcp_tools.sandbox.objects.store import clone

Schema = dict[str, Any]
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
_ROOT = ("apiVersion", "kind", "metadata")


class _Struct(Shape):
    """A shape whose fields are given, and not those of a built-in type."""

    def __init__(self, fields: dict[str, Shape], *, atomic: bool) -> None:
        super().__init__("struct", "", atomic=atomic)
        self.__dict__.update(fields=fields, required=frozenset())


@dataclass(frozen=True, eq=False)
class CustomSchema:
    """What a version of a CustomResourceDefinition says about its objects.

    Attributes:
        schema: `openAPIV3Schema`.
        columns: `additionalPrinterColumns`.
        scale: The paths of the scale subresource; empty without one.
    """

    schema: Schema
    columns: tuple[Schema, ...] = ()
    scale: Schema | None = None

    @cached_property
    def shape(self) -> Shape:
        """How the objects are merged."""
        found = _shape(self.schema)
        meta = {"apiVersion": Shape("scalar", "string"), "kind": Shape("scalar", "string")}
        return _Struct({**found.fields, **meta, "metadata": parse("ObjectMeta")}, atomic=False)

    def prune(self, obj: Schema, unknown: list[str]) -> Schema:
        """An object without the fields that the schema does not know; `unknown` receives their paths."""
        pruned = _prune(self.schema, {key: value for key, value in obj.items() if key not in _ROOT}, "", unknown)
        return {**{key: obj[key] for key in _ROOT if key in obj}, **pruned}

    def fill(self, obj: Schema) -> None:
        """Set the schema's defaults, in place."""
        _fill(self.schema, obj)

    @cached_property
    def ruled(self) -> bool:
        """Whether there are rules in CEL."""
        return customrules.has_rules(self.schema)

    def check(self, obj: Schema, old: Schema | None = None) -> list[Cause]:
        """What is wrong with an object; `old` is what it was before an update."""
        causes = _check(self.schema, {key: value for key, value in obj.items() if key not in _ROOT}, "")
        return [*causes, *customrules.check(self.schema, obj, old, causes)] if self.ruled else causes


def _shape(schema: Schema) -> Shape:
    if schema.get("type") == "array":
        kind = schema.get("x-kubernetes-list-type", "atomic")
        keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
        element = _shape(schema.get("items") or {})
        return Shape("list", element=element, atomic=kind == "atomic", list_type=kind, keys=keys)
    if schema.get("type") == "object":
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        if schema.get("properties"):
            return _Struct({name: _shape(inner) for name, inner in schema["properties"].items()}, atomic=atomic)
        extra = schema.get("additionalProperties")
        return Shape("map", element=_shape(extra) if isinstance(extra, dict) else ANY, atomic=atomic)
    return ANY


def _prune(schema: Schema, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        inner = schema.get("items") or {}
        return [_prune(inner, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    fields, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    kept = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        if key in fields:
            if item is not None or fields[key].get("nullable"):
                kept[key] = _prune(fields[key], item, where, unknown)
        elif isinstance(extra, dict):
            kept[key] = _prune(extra, item, where, unknown)
        elif extra or schema.get(_PRESERVE):
            kept[key] = item
        else:
            unknown.append(where)
    return kept


def _fill(schema: Schema, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _fill(schema.get("items") or {}, item)
    elif isinstance(value, dict):
        for name, inner in (schema.get("properties") or {}).items():
            if "default" in inner and name not in value:
                value[name] = clone(inner["default"])
            if name in value:
                _fill(inner, value[name])
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for item in value.values():
                _fill(extra, item)


def _type_of(value: Any) -> str:
    return next((name for kind, name in _NAMES if isinstance(value, kind)), "null")


def _check(schema: Schema, value: Any, path: str) -> list[Cause]:
    if value is None and schema.get("nullable"):
        return []
    wanted, found = schema.get("type", ""), _type_of(value)
    if schema.get(_INT_OR_STRING):
        return [] if found in {"integer", "string"} else [_wrong_type(path, "integer,string", found)]
    if isinstance(value, float) and value.is_integer() and wanted == "integer":
        found = "integer"
    if wanted and found != wanted and (found, wanted) != ("integer", "number"):
        return [_wrong_type(path, wanted, found)]
    causes = list(_check_enum(schema, value, path))
    match value:
        case dict():
            causes += _check_object(schema, value, path)
        case list():
            causes += _check_list(schema, value, path)
        case str():
            causes += _check_text(schema, value, path)
        case int() | float() if not isinstance(value, bool):
            causes += _check_number(schema, value, path)
    return causes


def _wrong_type(path: str, wanted: str, found: str) -> Cause:
    where = path or "<nil>"
    return Cause(
        "FieldValueTypeInvalid", f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"', where
    )


def _check_enum(schema: Schema, value: Any, path: str) -> list[Cause]:
    choices = schema.get("enum")
    return [not_supported(path, value, choices)] if choices and value not in choices else []


def _check_object(schema: Schema, value: Schema, path: str) -> list[Cause]:
    fields, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    causes = [
        required(f"{path}.{name}" if path else name) for name in schema.get("required") or () if name not in value
    ]
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        inner = fields.get(name, extra if isinstance(extra, dict) else None)
        if inner is not None:
            causes += _check(inner, item, where)
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    if most is not None and len(value) > most:
        causes.append(_too_many(path, len(value), most))
    if least is not None and len(value) < least:
        causes.append(invalid_value(path, value, f"{path} in body should have at least {least} properties"))
    return causes


def _check_list(schema: Schema, value: list[Any], path: str) -> list[Cause]:
    causes = []
    most, least = schema.get("maxItems"), schema.get("minItems")
    if most is not None and len(value) > most:
        causes.append(_too_many(path, len(value), most))
    if least is not None and len(value) < least:
        causes.append(invalid_value(path, len(value), f"{path} in body should have at least {least} items"))
    for index, item in enumerate(value):
        causes += _check(schema.get("items") or {}, item, f"{path}[{index}]")
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    seen: list[Any] = []
    for index, item in enumerate(value):
        if kind == "map" and isinstance(item, dict):
            mark: Any = {key: item[key] for key in keys if key in item}
        elif kind == "set":
            mark = item
        else:
            break
        if mark in seen:
            causes.append(duplicate(f"{path}[{index}]", mark))
        seen.append(mark)
    return causes


def _too_many(path: str, count: int, most: int) -> Cause:
    return Cause("FieldValueTooMany", f"Too many: {count}: must have at most {most} items", path)


def _check_text(schema: Schema, value: str, path: str) -> list[Cause]:
    most, least, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if most is not None and len(value) > most:
        return [Cause("FieldValueTooLong", f"Too long: may not be more than {most} bytes", path)]
    if least is not None and len(value) < least:
        return [invalid_value(path, value, f"{path} in body should be at least {least} chars long")]
    if pattern is not None and not _matches(pattern, value):
        return [invalid_value(path, value, f"{path} in body should match '{pattern}'")]
    return []


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True  # written for another engine; better too lenient than to refuse what a cluster takes


def _check_number(schema: Schema, value: float, path: str) -> list[Cause]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None and (value > most or (schema.get("exclusiveMaximum") and value == most)):
        word = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        return [invalid_value(path, value, f"{path} in body should be {word} {most}")]
    if least is not None and (value < least or (schema.get("exclusiveMinimum") and value == least)):
        word = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        return [invalid_value(path, value, f"{path} in body should be {word} {least}")]
    return []


_STEP = re.compile(
    r"\.?(?P<name>[A-Za-z0-9_/\-]+)|\.?\['(?P<quoted>[^']+)'\]|\[(?P<index>-?\d+)\]|"
    r"\[\?\(@\.(?P<field>[\w.\-]+)\s*==\s*['\"](?P<value>[^'\"]*)['\"]\)\]|(?P<all>\[\*\])"
)


def look_up(obj: Any, path: str) -> Any:
    """The value at a JSON path, `None` where it leads nowhere; of several values the first."""
    position = 0
    while position < len(path) and obj is not None:
        found = _STEP.match(path, position)
        if found is None:
            return None
        position = found.end()
        if name := found["name"] or (found["quoted"] or "").replace("\\.", "."):
            obj = obj.get(name) if isinstance(obj, dict) else None
        elif not isinstance(obj, list):
            return None
        elif found["field"]:
            obj = next((item for item in obj if str(look_up(item, f".{found['field']}")) == found["value"]), None)
        else:
            index = int(found["index"] or 0)
            obj = obj[index] if -len(obj) <= index < len(obj) else None
    return obj


def put(obj: Schema, path: str, value: Any) -> None:
    """Set the value at a path of plain names, in place."""
    *parents, last = path.strip(".").split(".")
    for name in parents:
        obj = obj.setdefault(name, {})
    obj[last] = value

"""The shapes of objects: which fields a kind has, of which type, and how lists and maps are merged.

`schema.json` holds them in the short notation that `refresh` describes; expressions are parsed when first needed.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import string
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from mcp_tools import quantity

if TYPE_CHECKING:
    from collections.abc import Callable

Form = Literal["scalar", "struct", "map", "list", "any"]

_MAX_DEPTH = 100
_LIST = re.compile(r"\[(?P<element>.*)\](?:=(?P<type>set|map)(?::(?P<keys>[^ ]+))?)?(?: merge:(?P<merge>\S*))?")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_INT_LIMITS = {"integer": 2**31, "int64": 2**63}
_PYTHON_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "intOrString": (int, str)}
_GO_NAMES = {
    "integer": "int32",
    "boolean": "bool",
    "number": "float64",
    "bytes": "[]uint8",
    "time": "string",
    "intOrString": "int32",
}
_JSON_NAMES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


class DecodeError(ValueError):
    """A value is not of its field's type; the text is what Go's JSON decoder says."""


@dataclass(frozen=True)
class Shape:
    """The type of a value.

    Attributes:
        form: What it is.
        name: The struct's or scalar's name.
        element: Of a map's or list's items.
        atomic: Owned and replaced as a whole.
        list_type: How server-side apply merges a list.
        keys: The fields that identify an item of a `map` list.
        merge_key: For strategic merge patch: `None` replaces the list, an empty one merges plain values.
    """

    form: Form
    name: str = ""
    element: Shape | None = None
    atomic: bool = False
    list_type: Literal["atomic", "set", "map"] = "atomic"
    keys: tuple[str, ...] = ()
    merge_key: str | None = None

    @cached_property
    def fields(self) -> dict[str, Shape]:
        """A struct's fields by name; empty for everything else."""
        if self.form != "struct":
            return {}
        return {field.removesuffix("!"): parse(text) for field, text in _document()["types"][self.name].items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """A struct's required fields."""
        if self.form != "struct":
            return frozenset()
        return frozenset(field[:-1] for field in _document()["types"][self.name] if field.endswith("!"))

    def child(self, field: str) -> Shape:
        """The shape of a struct's field or a map's value; free where the schema does not know it."""
        if self.form == "struct":
            return self.fields.get(field, ANY)
        return self.element or ANY

    def go_name(self) -> str:
        """How Go's messages name the type."""
        match self.form:
            case "scalar":
                return _GO_NAMES.get(self.name, self.name)
            case "struct":
                *_, version, name = f"v1.{self.name}".split(".")
                return f"{version}.{name}"
            case "map":
                return f"map[string]{self.child('').go_name()}"
            case "list":
                return f"[]{self.child('').go_name()}"
        return "interface {}"


ANY = Shape("any")


@cache
def _document() -> dict[str, dict[str, Any]]:
    document: dict[str, dict[str, Any]] = msgspec.json.decode(Path(__file__).with_name("schema.json").read_bytes())
    return document


@cache
def parse(text: str) -> Shape:
    """The shape that an expression of `schema.json` stands for."""
    atomic = text.startswith("~")
    text = text.removeprefix("~")
    if text.startswith("{"):
        return Shape("map", element=parse(text[1:-1]), atomic=atomic)
    if text.startswith("["):
        found = _LIST.fullmatch(text)
        if found is None:
            raise ValueError(text)
        keys = tuple(found["keys"].split(",")) if found["keys"] else ()
        merge = found["merge"] if found["merge"] is not None else (keys[0] if len(keys) == 1 else None)
        kind: Any = found["type"] or "atomic"
        return Shape(
            "list", element=parse(found["element"]), atomic=kind == "atomic", list_type=kind, keys=keys, merge_key=merge
        )
    if text in _document()["types"]:
        return Shape("struct", text, atomic=atomic)
    return ANY if text == "any" else Shape("scalar", text)


@cache
def shape_of(gvk: str) -> Shape | None:
    """The shape of a kind by `apps/v1/Deployment`; `None` where the schema has none (custom resources)."""
    name = _document()["kinds"].get(gvk)
    return parse(name) if name else None


def conform(shape: Shape, value: Any, unknown: list[str]) -> Any:
    """Decode a value as the API server does.

    Args:
        shape: The type it should have.
        value: Plain JSON data; is not changed.
        unknown: Receives the paths of fields that the type does not have; they are left out of the result.

    Returns:
        A copy in canonical form: nulls and empty collections left out, quantities normalised.

    Raises:
        DecodeError: A value has the wrong type.
    """
    return _Decoder(unknown).decode(shape, value, _Place(owner=shape.name))


# The structs of an object that Go writes also when they are empty.
_ALWAYS_THERE = {"spec", "status"}
# Behind a pointer, and therefore absent where nobody gives it, although it is required.
_POINTERS = {"parentRef"}
_ZEROS: dict[str, Any] = {"boolean": False, "integer": 0, "int64": 0, "number": 0, "intOrString": 0, "quantity": "0"}


def complete(shape: Shape, value: Any) -> None:
    """Give required fields that are absent their zero values, in place, as Go's structs have them."""
    if shape.form == "struct" and not shape.name:
        return  # of a custom resource: nothing of it is a Go struct
    if shape.form == "struct" and isinstance(value, dict):
        for name in shape.required | (shape.fields.keys() & _ALWAYS_THERE if "metadata" in shape.fields else set()):
            if value.get(name) is None and name not in _POINTERS and (zero := _zero(shape.fields[name])) is not None:
                value[name] = zero
        for name, item in value.items():
            if isinstance(item, dict | list):
                complete(shape.child(name), item)
    elif shape.element is not None and shape.element.form != "scalar":
        for item in value.values() if isinstance(value, dict) else value:
            complete(shape.element, item)


def _zero(shape: Shape) -> Any:
    match shape.form:
        case "scalar":
            return None if shape.name == "time" else _ZEROS.get(shape.name, "")
        case "list":
            return []
        case "map" | "struct":
            # An atomic struct, such as a selector, stands behind a pointer: it may be absent.
            return None if shape.atomic else {}
    return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: with list indexes for unknown fields, without for Go's messages, and in which struct."""

    path: str = ""
    plain: str = ""
    owner: str = ""
    depth: int = 0

    def item(self, suffix: str) -> _Place:
        return _Place(self.path + suffix, self.plain, self.owner, self.depth + 1)

    def field(self, owner: str, name: str) -> _Place:
        path = f"{self.path}.{name}" if self.path else name
        plain = f"{self.plain}.{name}" if self.plain else name
        return _Place(path, plain, owner, self.depth + 1)


class _Decoder:
    def __init__(self, unknown: list[str]) -> None:
        self._unknown = unknown

    def decode(self, shape: Shape, value: Any, place: _Place) -> Any:
        if place.depth > _MAX_DEPTH:
            raise DecodeError("exceeded max depth")
        match shape.form:
            case "any":
                return value
            case "scalar":
                return _scalar(shape.name, value, lambda: _mismatch(shape, value, place))
            case "list" if isinstance(value, list):
                return self._list(shape, value, place)
            case "map" if isinstance(value, dict):
                return self._map(shape, value, place)
            case "struct" if isinstance(value, dict):
                return self._struct(shape, value, place)
        raise _mismatch(shape, value, place)

    def _map(self, shape: Shape, value: dict[str, Any], place: _Place) -> dict[str, Any]:
        inner = shape.child("")
        return {
            key: self.decode(inner, _zero(inner) if item is None else item, place.item(f".{key}"))
            for key, item in value.items()
        }

    def _list(self, shape: Shape, value: list[Any], place: _Place) -> list[Any]:
        inner = shape.child("")
        return [
            self.decode(inner, _zero(inner) if item is None else item, place.item(f"[{index}]"))
            for index, item in enumerate(value)
        ]

    def _struct(self, shape: Shape, value: dict[str, Any], place: _Place) -> dict[str, Any]:
        decoded = {}
        for name, item in value.items():
            inner = shape.fields.get(name)
            where = place.field(shape.name, name)
            if inner is None:
                self._unknown.append(where.path)
            elif item is not None:
                result = self.decode(inner, item, where)
                if result or inner.form not in {"list", "map"}:
                    decoded[name] = result
        return decoded


def _mismatch(shape: Shape, value: Any, place: _Place) -> DecodeError:
    kind = _JSON_NAMES.get(type(value), "value")
    if isinstance(value, int | float) and not isinstance(value, bool) and shape.name in _INT_LIMITS:
        kind = f"number {value}"
    field = f"{place.owner.rpartition('.')[2]}.{place.plain}".strip(".")
    return DecodeError(f"json: cannot unmarshal {kind} into Go struct field {field} of type {shape.go_name()}")


def _scalar(name: str, value: Any, wrong: Callable[[], DecodeError]) -> Any:
    if name in _CONVERTERS:
        if name != "quantity" and not isinstance(value, str):
            raise wrong()
        return _CONVERTERS[name](value)
    if name in _INT_LIMITS:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _INT_LIMITS[name]
    elif name == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    else:
        fits = isinstance(value, _PYTHON_TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
    if not fits:
        raise wrong()
    return value


def _quantity(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(value)
    try:
        return quantity.canonical(value)
    except (quantity.BadQuantity, TypeError, AttributeError) as error:
        raise DecodeError(f"quantities must match the regular expression '{quantity.SYNTAX}'") from error


def _time(value: Any) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value.upper().replace("+00:00", "Z")
    shown = msgspec.json.encode(value).decode()[:80]
    raise DecodeError(f'parsing time {shown} as "2006-01-02T15:04:05Z07:00": cannot parse {shown} as "2006"')


_BASE64 = frozenset(string.ascii_letters + string.digits + "+/=\r\n")


def _bytes(value: Any) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        text = str(value)
        wrong = next((at for at, mark in enumerate(text) if mark not in _BASE64), len(text) // 4 * 4)
        raise DecodeError(f"illegal base64 data at input byte {wrong}") from error
    return str(value)


_CONVERTERS: dict[str, Callable[[Any], str]] = {"quantity": _quantity, "time": _time, "bytes": _bytes}

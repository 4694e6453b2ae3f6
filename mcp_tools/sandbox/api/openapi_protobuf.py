"""`/openapi/v2` as protobuf, the only form of it that `kubectl` reads (gnostic-models, openapiv2/OpenAPIv2.proto).

A client asks for it where the server cannot check the fields itself: `kubectl apply` of a `List`, and every older one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_OLDER = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_LENGTH_DELIMITED, _CONTINUED = 2, 0x80
_EXTENSION = "x-"
_INFO, _PATHS, _DEFINITIONS = 2, 8, 9
_PATH_EXTENSIONS, _METHODS = 10, {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}
_OPERATION_EXTENSIONS, _SCHEMA_EXTENSIONS = 13, 31


def is_wanted(accept: str) -> bool:
    """Whether an Accept header asks for protobuf before JSON."""
    for choice in accept.split(","):
        media = choice.split(";")[0].strip()
        if media in {MEDIA_TYPE, _OLDER}:
            return True
        if media in {"application/json", "application/*", "*/*"}:
            return False
    return False


def encode(document: dict[str, Any]) -> bytes:
    """An OpenAPI v2 document as `openapi.v2.Document`; only what clients of Kubernetes read is written."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    return b"".join(
        (
            _text(1, document["swagger"]),
            _bytes(_INFO, info),
            _bytes(_PATHS, _named(2, document["paths"], _path)),
            _bytes(_DEFINITIONS, _named(1, document["definitions"], _schema)),
        )
    )


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value >= _CONTINUED:
        parts.append(value & 0x7F | _CONTINUED)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_text(number, value) for value in values)


def _named(number: int, values: dict[str, Any], encode_one: Callable[[Any], bytes]) -> bytes:
    return b"".join(
        _bytes(number, _text(1, name) + _bytes(2, encode_one(value))) for name, value in sorted(values.items())
    )


def _any(value: Any) -> bytes:
    return _text(2, msgspec.json.encode(value).decode())  # as YAML, which JSON is too


def _extensions(number: int, holder: dict[str, Any]) -> bytes:
    return _named(number, {key: value for key, value in holder.items() if key.startswith(_EXTENSION)}, _any)


def _path(item: dict[str, Any]) -> bytes:
    operations = (_bytes(number, _operation(item[name])) for name, number in _METHODS.items() if name in item)
    return b"".join(operations) + _extensions(_PATH_EXTENSIONS, item)


def _operation(said: dict[str, Any]) -> bytes:
    parameters = (_bytes(8, _bytes(1, _parameter(each))) for each in said.get("parameters", ()))
    responses = _named(1, said.get("responses", {}), _response)
    return b"".join(
        (
            _texts(6, said.get("produces", ())),
            _texts(7, said.get("consumes", ())),
            *parameters,
            _bytes(9, responses),
            _extensions(_OPERATION_EXTENSIONS, said),
        )
    )


def _parameter(said: dict[str, Any]) -> bytes:
    if said["in"] == "body":
        body = _text(2, said["name"]) + _text(3, "body") + _bytes(5, _schema(said["schema"]))
        return _bytes(1, body)
    plain = _text(2, said["in"]) + _text(4, said["name"]) + _text(6, said["type"])
    return _bytes(2, _bytes(3, plain))


def _response(said: dict[str, Any]) -> bytes:
    return _bytes(1, _text(1, said["description"]) + _bytes(2, _bytes(1, _schema(said["schema"]))))


def _schema(said: dict[str, Any]) -> bytes:
    parts = [
        _text(number, said[name]) for name, number in (("$ref", 1), ("format", 2), ("description", 4)) if name in said
    ]
    if "default" in said:
        parts.append(_bytes(5, _any(said["default"])))
    parts.append(_texts(19, said.get("required", ())))
    parts += [_bytes(20, _any(value)) for value in said.get("enum", ())]
    if isinstance(inner := said.get("additionalProperties"), dict):
        parts.append(_bytes(21, _bytes(1, _schema(inner))))
    if said.get("type"):
        parts.append(_bytes(22, _text(1, said["type"])))
    if "items" in said:
        parts.append(_bytes(23, _bytes(1, _schema(said["items"]))))
    if "properties" in said:
        parts.append(_bytes(25, _named(1, said["properties"], _schema)))
    return b"".join(parts) + _extensions(_SCHEMA_EXTENSIONS, said)

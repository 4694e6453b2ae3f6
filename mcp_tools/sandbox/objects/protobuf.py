"""Reads the protobuf bodies that typed Kubernetes clients send (`kubectl create namespace` does).

Only reading: answers are JSON, which every such client takes. `protobuf.json` has the field numbers; the types come
from the schema.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mcp_tools.sandbox.clock import rfc3339, rfc3339_micro
from mcp_tools.sandbox.objects.schema import Shape, shape_of

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_MAX_DEPTH = 60
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGN = 1 << 63
# Go writes its zero values, and only some of them are said on purpose: those behind a pointer.
_SAID = frozenset(
    {
        "allowPrivilegeEscalation",
        "automountServiceAccountToken",
        "backoffLimit",
        "blockOwnerDeletion",
        "completions",
        "controller",
        "enableServiceLinks",
        "fsGroup",
        "gracePeriodSeconds",
        "minReplicas",
        "optional",
        "orphanDependents",
        "parallelism",
        "readOnlyRootFilesystem",
        "replicas",
        "revisionHistoryLimit",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "suspend",
        "terminationGracePeriodSeconds",
        "ttlSecondsAfterFinished",
    }
)


class Undecodable(ValueError):
    """The bytes are no protobuf body of a known kind; the message says why."""


def decode(body: bytes) -> dict[str, Any]:
    """The object of a body, with its `apiVersion` and `kind`.

    Raises:
        Undecodable: It cannot be read.
    """
    if not body.startswith(_MAGIC):
        raise Undecodable("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = dict(_fields(memoryview(body)[len(_MAGIC) :]))
        meta = dict(_fields(envelope.get(1, b"")))
        api_version, kind = (bytes(meta.get(number, b"")).decode() for number in (1, 2))
        shape = shape_of(f"{api_version}/{kind}")
        if shape is None:
            raise Undecodable(f'no kind "{kind}" is registered for version "{api_version}"')
        found = _struct(shape, envelope.get(2, b""), 0)
    except (TypeError, UnicodeDecodeError, IndexError) as error:
        raise Undecodable(f"the protobuf message is malformed: {error}") from error
    return {"apiVersion": api_version, "kind": kind, **found}


@cache
def _numbers() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = msgspec.json.decode(Path(__file__).with_name("protobuf.json").read_bytes())
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
        if shift > 63:  # noqa: PLR2004
            raise Undecodable("a number is too long")


def _fields(data: bytes | memoryview) -> Iterator[tuple[int, Any]]:
    view = memoryview(data)
    at = 0
    while at < len(view):
        tag, at = _varint(view, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(view, at)
            yield number, value - (1 << 64) if value & _SIGN else value
            continue
        if wire == _BYTES:
            size, at = _varint(view, at)
        elif wire in {_FIXED64, _FIXED32}:
            size = 8 if wire == _FIXED64 else 4
        else:
            raise Undecodable(f"wire type {wire} is not known")
        if size > len(view) - at:
            raise Undecodable("the message is cut off")
        yield number, view[at : at + size]
        at += size


def _struct(shape: Shape, data: Any, depth: int, names: dict[str, str] | None = None) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise Undecodable("the message is nested too deeply")
    names = _numbers().get(shape.name, {}) if names is None else names
    found: dict[str, Any] = {}
    for number, raw in _fields(data):
        name = names.get(str(number))
        if name is None:
            continue
        if name.startswith("@"):
            found |= _struct(shape, raw, depth + 1, _numbers()[name[1:]])
            continue
        inner = shape.child(name)
        if inner.form == "list":
            found.setdefault(name, []).append(_value(inner.child(""), raw, depth))
        elif inner.form == "map":
            entry = dict(_fields(raw))
            key = bytes(entry.get(1, b"")).decode()
            found.setdefault(name, {})[key] = _value(inner.child(""), entry.get(2, b""), depth)
        else:
            value = _value(inner, raw, depth)
            if value or isinstance(value, dict) or (name in _SAID and value is not None):
                found[name] = value
    return found


def _value(shape: Shape, raw: Any, depth: int) -> Any:
    if shape.form == "struct":
        return _struct(shape, raw, depth + 1)
    if shape.form == "list":
        # A list as a map's value is a message of its own with the items under 1.
        return [_value(shape.child(""), item, depth + 1) for number, item in _fields(raw) if number == 1]
    match shape.name:
        case "integer" | "int64":
            return int(raw)
        case "boolean":
            return bool(raw)
        case "string":
            return bytes(raw).decode()
        case "bytes":
            return base64.b64encode(bytes(raw)).decode()
        case "quantity":
            return bytes(dict(_fields(raw)).get(1, b"0")).decode()
        case "intOrString":
            parts = dict(_fields(raw))
            return bytes(parts.get(3, b"")).decode() if parts.get(1) else parts.get(2, 0)
        case "time":
            return _time(raw)
    return _free(raw)


def _time(raw: Any) -> str | None:
    parts = dict(_fields(raw))
    if not parts.get(1):
        return None
    seconds, nanos = int(parts[1]), int(parts.get(2, 0))
    return rfc3339_micro(seconds + nanos / 1e9) if nanos else rfc3339(seconds)


def _free(raw: Any) -> Any:
    inner = bytes(dict(_fields(raw)).get(1, b""))
    try:
        return msgspec.json.decode(inner) if inner else {}
    except msgspec.DecodeError as error:
        raise Undecodable("a free field holds no JSON") from error

"""The OpenAPI documents, made from the schema: enough for clients to validate, explain and merge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.objects.schema import Shape, parse, shape_of

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind, Kinds

_PREFIX = "io.k8s.shipmate."
_SCALARS: dict[str, dict[str, str]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "time": {"type": "string", "format": "date-time"},
    "quantity": {"type": "string"},
    "intOrString": {"type": "string", "format": "int-or-string"},
}
_PATCH_MEDIA = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def index(kinds: Kinds) -> dict[str, Any]:
    """`/openapi/v3`: where the document of each group version is."""
    paths = {}
    for group, version in sorted({(kind.group, kind.version) for kind in kinds.all()}):
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        digest = hashlib.sha256(msgspec.json.encode(document_v3(kinds, group, version))).hexdigest().upper()
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": paths}


def document_v3(kinds: Kinds, group: str, version: str) -> dict[str, Any]:
    """`/openapi/v3/apis/<group>/<version>`."""
    mine = [kind for kind in kinds.all() if (kind.group, kind.version) == (group, version)]
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for kind in mine:
        name = _define(kind, schemas, "#/components/schemas/")
        paths |= _paths_v3(kind, name)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def document_v2(kinds: Kinds) -> dict[str, Any]:
    """`/openapi/v2`, all groups in one."""
    definitions: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for kind in kinds.all():
        name = _define(kind, definitions, "#/definitions/")
        if kind.custom:
            definitions[name] = _older(definitions[name])
        body = {"in": "body", "name": "body", "schema": {"$ref": f"#/definitions/{name}"}}
        parameters = [{"in": "query", "name": each, "type": "string"} for each in _WRITE_PARAMETERS]
        operation = {
            "consumes": list(_PATCH_MEDIA),
            "produces": ["application/json"],
            "parameters": [*parameters, body],
            "responses": {"200": {"description": "OK", "schema": {"$ref": f"#/definitions/{name}"}}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": _gvk(kind),
        }
        paths[_template_path(kind)] = {"patch": operation}
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0"},
        "paths": paths,
        "definitions": definitions,
    }


def _gvk(kind: Kind) -> dict[str, str]:
    return {"group": kind.group, "version": kind.version, "kind": kind.name}


def _template_path(kind: Kind) -> str:
    return kind.path("{namespace}" if kind.namespaced else "", "{name}")


def _paths_v3(kind: Kind, name: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    parameters = [{"in": "query", "name": each, "schema": {"type": "string"}} for each in _WRITE_PARAMETERS]
    answer = {"200": {"description": "OK", "content": {"application/json": schema}}}
    common = {"parameters": parameters, "responses": answer, "x-kubernetes-group-version-kind": _gvk(kind)}
    patch = {"x-kubernetes-action": "patch", "requestBody": {"content": dict.fromkeys(_PATCH_MEDIA, schema)}, **common}
    post = {"x-kubernetes-action": "post", "requestBody": {"content": {"application/json": schema}}, **common}
    collection = kind.path("{namespace}" if kind.namespaced else "")
    return {_template_path(kind): {"patch": patch}, collection: {"post": post}}


def _define(kind: Kind, found: dict[str, Any], base: str) -> str:
    shape = shape_of(kind.gvk)
    if shape is None:
        name = f"{_PREFIX}{kind.group}.{kind.version}.{kind.name}"
        meta = _PREFIX + "ObjectMeta"
        found[name] = {
            "type": "object",
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"$ref": f"{base}{meta}"},
            },
        }
        if kind.custom:
            found[name] = {**kind.custom.schema, **found[name]}
            found[name]["properties"] = {**(kind.custom.schema.get("properties") or {}), **found[name]["properties"]}
        _types(parse("ObjectMeta"), found, base)
    else:
        name = _PREFIX + shape.name
        _types(shape, found, base)
    found[name]["x-kubernetes-group-version-kind"] = [_gvk(kind)]
    return name


def _older(schema: dict[str, Any]) -> dict[str, Any]:
    """A custom resource's schema as version 2 can say it (apiextensions-apiserver, controller/openapi/v2)."""
    found = {key: value for key, value in schema.items() if key not in {"allOf", "anyOf", "not", "nullable", "oneOf"}}
    kept = found.get("x-kubernetes-preserve-unknown-fields")
    if schema.get("nullable") or kept:
        found = {key: value for key, value in found.items() if key not in {"items", "properties"}}
    if schema.get("nullable") or (kept and found.get("type") == "object"):
        found.pop("type", None)
    if found.get("type") == "array" and "items" not in found:
        del found["type"]
    fields = found.get("properties") or {}
    if "properties" in found:
        found["properties"] = {name: _older(inner) for name, inner in fields.items()}
    if "items" in found:
        found["items"] = _older(found["items"])
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _older(found["additionalProperties"])
    if "required" in found:
        found["required"] = [name for name in found["required"] if not (fields.get(name) or {}).get("nullable")]
    return found


def _types(shape: Shape, found: dict[str, Any], base: str) -> None:
    pending = [shape]
    while pending:
        current = pending.pop()
        name = _PREFIX + current.name
        if current.form != "struct":
            pending += [current.element] if current.element else []
        elif name not in found:
            found[name] = {
                "type": "object",
                "properties": {field: _schema(inner, base) for field, inner in current.fields.items()},
                **({"required": sorted(current.required)} if current.required else {}),
            }
            pending += current.fields.values()


def _schema(shape: Shape, base: str) -> dict[str, Any]:
    match shape.form:
        case "scalar":
            return dict(_SCALARS[shape.name])
        case "struct":
            reference = {"$ref": f"{base}{_PREFIX}{shape.name}"}
            return {"allOf": [reference], "default": {}} if base.startswith("#/components") else reference
        case "map":
            return {"type": "object", "additionalProperties": _schema(shape.child(""), base)}
        case "list":
            return {"type": "array", "items": _schema(shape.child(""), base), **_list_marks(shape)}
    return {"type": "object"}


def _list_marks(shape: Shape) -> dict[str, Any]:
    marks: dict[str, Any] = {"x-kubernetes-list-type": shape.list_type}
    if shape.keys:
        marks["x-kubernetes-list-map-keys"] = list(shape.keys)
    if shape.merge_key is not None:
        marks["x-kubernetes-patch-strategy"] = "merge"
        if shape.merge_key:
            marks["x-kubernetes-patch-merge-key"] = shape.merge_key
    return marks

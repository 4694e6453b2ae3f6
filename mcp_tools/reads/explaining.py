"""What a field means, from the cluster's own OpenAPI v3 documents, custom resources included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, find_kind
from mcp_tools.errors import NotFound, UsageError
from mcp_tools.reads.answer import Answer, clip

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection

REF = "#/components/schemas/"
DESCRIPTION_WIDTH = 600
FIELD_WIDTH = 160
MAX_FIELDS = 80

Schema = dict[str, Any]


def explain(connection: Connection, path: str) -> Answer:
    """Explain a kind or a field of it.

    Args:
        path: Such as `deployment.spec.strategy`, `pods`, `ingresses.networking.k8s.io`.

    Returns:
        `kind`, `api_version`, `path`, `type`, `description`, `required`, `enum`, `default`, and `fields` (name, type,
        description) below it.

    Raises:
        UnknownKind, NotFound: There is no such kind, or no such field; carries the fields that there are.
    """
    word, *fields = path.strip().strip(".").split(".")
    if not word:
        raise UsageError("Explain what?", "Such as deployment.spec.strategy.")
    kind = find_kind(connection, word)
    document = _document(connection, kind)
    schema = _root(document, kind)
    for position, name in enumerate(fields):
        properties = _properties(document, schema)
        if name not in properties:
            known = ", ".join(sorted(properties)) or "none"
            where = ".".join([kind.name.lower(), *fields[:position]])
            raise NotFound(f"{where} has no field {name!r}.", f"It has: {clip(known, DESCRIPTION_WIDTH)}.")
        schema = properties[name]
    resolved = _resolve(document, schema)
    below = [
        {"name": name, "type": _type(document, item), "description": clip(_description(document, item), FIELD_WIDTH)}
        for name, item in list(_properties(document, schema).items())[:MAX_FIELDS]
    ]
    shown = ".".join([kind.name.lower(), *fields])
    description = clip(_description(document, schema), DESCRIPTION_WIDTH)
    data = {
        "kind": kind.name,
        "api_version": kind.api_version,
        "path": shown,
        "type": _type(document, schema),
        "description": description,
        "required": _element(document, schema).get("required") or [],
        "enum": resolved.get("enum") or [],
        "default": schema.get("default", resolved.get("default")),
        "fields": below,
    }
    words = f": {clip(description, FIELD_WIDTH)}" if description else "."
    return Answer(f"{shown} ({data['type']}){words}", data)


def _document(connection: Connection, kind: Kind) -> Schema:
    place = f"apis/{kind.api_version}" if kind.group else f"api/{kind.api_version}"
    document: Schema = msgspec.json.decode(connection.get(f"/openapi/v3/{place}"))
    return document


def _root(document: Schema, kind: Kind) -> Schema:
    for schema in (document.get("components") or {}).get("schemas", {}).values():
        for gvk in schema.get("x-kubernetes-group-version-kind") or ():
            if (gvk.get("group", ""), gvk.get("version"), gvk.get("kind")) == (kind.group, kind.version, kind.name):
                found: Schema = schema
                return found
    raise NotFound(f"The cluster publishes no schema for {kind.name}.", "A CRD without a schema cannot be explained.")


def _resolve(document: Schema, schema: Schema) -> Schema:
    seen = 0
    while seen < 10:  # noqa: PLR2004  no real document nests deeper; one that refers to itself must end
        reference = schema.get("$ref") or next(
            (part["$ref"] for part in schema.get("allOf") or () if "$ref" in part), None
        )
        if not reference:
            break
        schema = document["components"]["schemas"].get(str(reference).removeprefix(REF), {})
        seen += 1
    return schema


def _properties(document: Schema, schema: Schema) -> dict[str, Schema]:
    properties: dict[str, Schema] = _element(document, schema).get("properties") or {}
    return properties


def _element(document: Schema, schema: Schema) -> Schema:
    """The schema that has the fields: of a list or a map, that of its elements."""
    resolved = _resolve(document, schema)
    for _ in range(10):
        inner = resolved.get("items") if resolved.get("type") == "array" else resolved.get("additionalProperties")
        if not isinstance(inner, dict):
            break
        resolved = _resolve(document, inner)
    return resolved


def _type(document: Schema, schema: Schema) -> str:
    resolved = _resolve(document, schema)
    kind = str(resolved.get("type") or ("object" if "properties" in resolved else resolved.get("format") or "any"))
    if kind == "array" and "items" in resolved:
        return f"[]{_type(document, resolved['items'])}"
    if kind == "object" and isinstance(resolved.get("additionalProperties"), dict):
        return f"map[string]{_type(document, resolved['additionalProperties'])}"
    return kind


def _description(document: Schema, schema: Schema) -> str:
    return str(schema.get("description") or _resolve(document, schema).get("description") or "").strip()

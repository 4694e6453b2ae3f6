"""Rewrites `schema.json` and `protobuf.json` from what Kubernetes publishes about its types.

Used as `kubectl get --raw /openapi/v2 | python -m mcp_tools.sandbox.objects.refresh core.v1.proto …`. The schema holds
every field of the kinds that the sandbox serves, one short type expression each:

- `string`, `integer`, `int64`, `boolean`, `number`, `bytes`, `time`, `quantity`, `intOrString`, `any`, or a type;
- `{T}` a map of strings to T; `[T]` an atomic list; `[T]=set`; `[T]=map:key,key`; `~T` a struct or map that is atomic;
- ` merge:key` where strategic merge patch has a merge key that differs from the list's keys (`merge:` for a plain list
  that is merged as a set); a trailing `!` on the field's name: required.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mcp_tools.sandbox.objects.kinds import KINDS

SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intOrString",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps": "any",
}
PLAIN = {"string": "string", "integer": "integer", "boolean": "boolean", "number": "number", "object": "any"}
FORMATS = {("integer", "int64"): "int64", ("string", "byte"): "bytes"}
EXTRA_KINDS = {
    ("autoscaling", "v1", "Scale"),
    ("", "v1", "DeleteOptions"),
    ("policy", "v1", "Eviction"),
    ("authentication.k8s.io", "v1", "TokenRequest"),
}


def compact(openapi: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI v2 document in short form.

    Returns:
        `{"kinds": {"apps/v1/Deployment": type}, "types": {type: {field: expression}}}`.
    """
    definitions = openapi["definitions"]
    wanted = {(kind.group, kind.version, kind.name) for kind in KINDS} | EXTRA_KINDS
    roots = {}
    for name, definition in definitions.items():
        for gvk in definition.get("x-kubernetes-group-version-kind", []):
            key = (gvk["group"], gvk["version"], gvk["kind"])
            if key in wanted:
                roots["/".join(part for part in key if part)] = name
    names = _short_names(_reachable(definitions, set(roots.values())))
    return {
        "kinds": {key: names[name] for key, name in sorted(roots.items())},
        "types": {
            names[name]: _fields(definitions[name], definitions, names)
            for name in sorted(names, key=lambda item: names[item])
        },
    }


def _reachable(definitions: dict[str, Any], start: set[str]) -> set[str]:
    seen: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name in seen or name in SCALARS or "properties" not in definitions[name]:
            continue
        seen.add(name)
        text = json.dumps(definitions[name]["properties"])
        pending += [part.split('"')[0] for part in text.split("#/definitions/")[1:]]
    return seen


def _short_names(found: set[str]) -> dict[str, str]:
    short: dict[str, list[str]] = {}
    for name in found:
        short.setdefault(name.rsplit(".", 1)[1], []).append(name)
    return {
        name: last if len(names) == 1 else ".".join(name.split(".")[-3:])
        for last, names in short.items()
        for name in names
    }


def _fields(definition: dict[str, Any], definitions: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    required = set(definition.get("required", ()))
    return {
        f"{field}!" if field in required else field: _expression(schema, definitions, names)
        for field, schema in definition["properties"].items()
    }


def _expression(schema: dict[str, Any], definitions: dict[str, Any], names: dict[str, str]) -> str:
    if "$ref" in schema:
        return _reference(schema, definitions, names)
    kind = schema.get("type", "object")
    if kind == "array":
        return _list(schema, definitions, names)
    if kind == "object" and "additionalProperties" in schema:
        inner = f"{{{_expression(schema['additionalProperties'], definitions, names)}}}"
        return f"~{inner}" if schema.get("x-kubernetes-map-type") == "atomic" else inner
    return FORMATS.get((kind, schema.get("format", "")), PLAIN[kind])


def _reference(schema: dict[str, Any], definitions: dict[str, Any], names: dict[str, str]) -> str:
    target = schema["$ref"].removeprefix("#/definitions/")
    if target in SCALARS:
        return SCALARS[target]
    if target not in names:
        return PLAIN.get(definitions[target].get("type", "object"), "any")
    atomic = "atomic" in (
        schema.get("x-kubernetes-map-type"),
        definitions[target].get("x-kubernetes-map-type"),
    )
    return f"~{names[target]}" if atomic else names[target]


def _list(schema: dict[str, Any], definitions: dict[str, Any], names: dict[str, str]) -> str:
    text = f"[{_expression(schema['items'], definitions, names)}]"
    keys = schema.get("x-kubernetes-list-map-keys", [])
    match schema.get("x-kubernetes-list-type"):
        case "set":
            text += "=set"
        case "map":
            text += f"=map:{','.join(keys)}"
    if "merge" in schema.get("x-kubernetes-patch-strategy", ""):
        key = schema.get("x-kubernetes-patch-merge-key", "")
        if [key] != keys:
            text += f" merge:{key}"
    return text


_MESSAGE = re.compile(r"^message (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (?:optional|repeated|map)\s*(?:<[^>]*>)?\s*([\w.]*)\s+(\w+) = (\d+);", re.MULTILINE)


def numbers(types: dict[str, dict[str, str]], sources: Iterable[Path]) -> dict[str, dict[str, str]]:
    """The protobuf field numbers of the schema's types, for clients that send protobuf.

    Args:
        types: Of the compact schema.
        sources: `generated.proto` files of k8s.io/api and k8s.io/apimachinery, named `<group>.<version>.proto`.

    Returns:
        By type and number the field's name, or `@Type` for a struct whose fields stand in the outer one in JSON.
    """
    found: dict[str, dict[str, str]] = {}
    for source in sources:
        for name, body in _MESSAGE.findall(source.read_text(encoding="utf-8")):
            qualified = f"{source.stem}.{name}"
            known = types.get(qualified, types.get(name))
            if known is None and name not in _INLINED:
                continue
            fields = {field.removesuffix("!").lower(): field.removesuffix("!") for field in known or {}}
            entry = {}
            for kind, field, number in _FIELD.findall(body):
                struct = kind.rsplit(".", 1)[-1]
                if known is None:
                    entry[number] = field
                elif field.lower() in fields:
                    entry[number] = fields[field.lower()]
                elif struct in _INLINED:
                    entry[number] = f"@{struct}"
            found[qualified if qualified in types else name] = entry
    return dict(sorted(found.items()))


_INLINED = {
    "VolumeSource",
    "PersistentVolumeSource",
    "ProbeHandler",
    "LocalObjectReference",
    "EphemeralContainerCommon",
    "IngressRuleValue",
}


def main() -> None:
    """Write both files; the arguments are the `.proto` files."""
    here = Path(__file__).parent
    schema = compact(json.load(sys.stdin))
    (here / "schema.json").write_text(json.dumps(schema, indent=1) + "\n")
    protobuf = numbers(schema["types"], map(Path, sys.argv[1:]))
    (here / "protobuf.json").write_text(json.dumps(protobuf, indent=1) + "\n")


if __name__ == "__main__":
    main()

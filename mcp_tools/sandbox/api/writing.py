"""create, update, patch, apply, delete and deletecollection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.api import views
from mcp_tools.sandbox.api.request import Address, Request, load_yaml
from mcp_tools.sandbox.api.response import Response, json_response, negotiate
from mcp_tools.sandbox.objects import patches, versions
from mcp_tools.sandbox.objects.errors import Refused, bad_request, invalid, invalid_value, unsupported_media
from mcp_tools.sandbox.objects.registry import Registry, raise_for_namespace
from mcp_tools.sandbox.objects.schema import DecodeError, Shape, conform, shape_of
from mcp_tools.sandbox.objects.unstructured import misfit, printed

if TYPE_CHECKING:
    from mcp_tools.sandbox.api.reading import Query
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCHES = {"application/apply-patch+yaml", "application/apply-patch+cbor"}
_CUSTOM_PATCHES = f"{JSON_PATCH}, {MERGE_PATCH}, application/apply-patch+yaml"
_OBJECT_RETURNED = {
    "CSIDriver",
    "CSINode",
    "DeviceClass",
    "Pod",
    "PodTemplate",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourceSlice",
    "StorageClass",
    "VolumeAttachment",
    "VolumeAttributesClass",
    "Service",
    "ServiceAccount",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "Namespace",
}
_UNSUPPORTED = 415
_NO_OBJECT = (
    "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type "
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
MAX_DEPTH = 100
_ORPHAN_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)


def decode(request: Request, kind: Kind, raw: Any) -> tuple[Object, tuple[str, ...]]:
    """An object from outside, checked against its schema.

    Returns:
        The object, and warnings for the client.

    Raises:
        Refused: 400.
    """
    if not isinstance(raw, dict):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.name}): couldn't get version/kind; json parse "
            "error: the body is no object"
        )
    said_kind, said_version = raw.get("kind") or kind.name, raw.get("apiVersion") or kind.api_version
    version = str(said_version).rsplit("/", maxsplit=1)[-1]
    start = f'{said_kind} in version "{version}" cannot be handled as a {kind.name}: '
    unknown: list[str] = []
    try:
        obj = _parsed(kind, raw, unknown)
    except DecodeError as error:
        raise bad_request(f"{start}{error}") from error
    return obj, _unknown_fields(request, unknown, start)


def _parsed(kind: Kind, raw: Object, unknown: list[str]) -> Object:
    said_kind, said_version = raw.get("kind") or kind.name, raw.get("apiVersion") or kind.api_version
    if said_version != kind.api_version:
        scheme = 'in scheme "pkg/runtime/scheme.go:110"'
        raise DecodeError(f'no kind "{said_kind}" is registered for version "{said_version}" {scheme}')
    if said_kind != kind.name and shape_of(f"{kind.api_version}/{said_kind}") is None and not kind.custom:
        scheme = 'in scheme "pkg/runtime/scheme.go:110"'
        raise DecodeError(f'no kind "{said_kind}" is registered for version "{said_version}" {scheme}')
    if said_kind != kind.name:
        package, internal = kind.version, kind.group.split(".")[0] or "core"
        raise DecodeError(f"converting ({package}.{said_kind}) to ({internal}.{kind.name}): unknown conversion")
    if _depth(raw) > MAX_DEPTH:
        raise DecodeError("exceeded max depth")
    shape = shape_of(kind.gvk)
    if shape is None:
        meta = conform(_metadata_shape(), raw.get("metadata") or {}, unknown)
        obj: Object = {**raw, "metadata": meta}
        if kind.custom:
            obj = kind.custom.prune(obj, unknown)
    else:
        obj = conform(shape, raw, unknown)
    obj = {"kind": kind.name, "apiVersion": kind.api_version, **obj}
    meta, said = obj.setdefault("metadata", {}), raw.get("metadata")
    if isinstance(said, dict) and said.get("managedFields") == []:
        meta["managedFields"] = []  # which is not the same as none: it resets the record
    return obj


def _depth(value: Any) -> int:
    """How deep a value is nested, found without recursion."""
    depth = 0
    level = [value]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
    return depth


def _metadata_shape() -> Shape:
    shape = shape_of("v1/ConfigMap")
    if shape is None:
        raise LookupError("ConfigMap")
    return shape.child("metadata")


def _unknown_fields(request: Request, unknown: list[str], start: str) -> tuple[str, ...]:
    if not unknown or request.option("fieldValidation") == "Ignore":
        return ()
    lines = tuple(f'unknown field "{path}"' for path in unknown)
    if request.option("fieldValidation") == "Strict":
        raise bad_request(f"{start}strict decoding error: {', '.join(lines)}")
    return lines


def _answer(request: Request, kind: Kind, obj: Object, status: int, warnings: tuple[str, ...]) -> Response:
    wanted = negotiate(request.headers.get("accept", ""))
    body = versions.present(kind, obj)
    if wanted.view == "metadata":
        body = views.metadata_only(body, wanted.version)
    return Response(status, wanted.encode(body), wanted.media, warnings)


def create(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """POST to a collection."""
    options = request.write_options("")
    try:
        raw = request.json()
    except Refused as error:
        if error.code == _UNSUPPORTED:
            raise
        start = f"the object provided is unrecognized (must be of type {kind.name}): "
        raise bad_request(start + error.message) from error
    obj, warnings = decode(request, kind, raw)
    _place(kind, obj, address)
    with warned(warnings):
        created = registry.create(kind, versions.accept(kind, obj), options)
    return _answer(request, kind, created, 201, (*warnings, *options.warnings))


@contextmanager
def warned(warnings: tuple[str, ...]) -> Iterator[None]:
    """Give a refusal within the block the warnings that the client would have got."""
    try:
        yield
    except Refused as error:
        error.warnings = warnings
        raise


def _place(kind: Kind, obj: Object, address: Address) -> None:
    if kind.namespaced:
        raise_for_namespace(obj["metadata"].get("namespace", ""), address.namespace)
        obj["metadata"]["namespace"] = address.namespace
    else:
        obj["metadata"].pop("namespace", None)


def update(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """PUT to an object or its status."""
    options = request.write_options(address.subresource)
    obj, warnings = decode(request, kind, request.json())
    check_name(obj, address)
    _place(kind, obj, address)
    with warned(warnings):
        updated = registry.update(kind, address.namespace, address.name, versions.accept(kind, obj), options)
    return _answer(request, kind, updated, 200, (*warnings, *options.warnings))


def check_name(obj: Object, address: Address) -> None:
    """Refuse (400) an object whose name is not the one of the path."""
    name = obj["metadata"].get("name", "")
    if not name:
        why = "was undeterminable: name must be provided"
        raise bad_request(f"the name of the object ({address.name} based on URL) {why}")
    if name != address.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({address.name})")


def patch(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """PATCH an object or its status, in any of the four ways."""
    media = request.content_type
    if media in APPLY_PATCHES:
        return _apply(request, registry, kind, address)
    if media not in {JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH} or (
        media == STRATEGIC_PATCH and shape_of(kind.gvk) is None
    ):
        raise unsupported_media(_CUSTOM_PATCHES if kind.custom else "")
    options = request.write_options(address.subresource)
    body = request.json()
    if media == STRATEGIC_PATCH and not isinstance(body, dict):
        found = {list: "array", str: "string", bool: "bool"}.get(type(body), "number")
        raise bad_request(f"json: cannot unmarshal {found} into Go value of type map[string]interface {{}}")
    if media != JSON_PATCH and not isinstance(body, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    old = registry.get(kind, address.namespace, address.name)
    shape = registry.shape(kind)
    patched = patch_object(shape, versions.present(kind, old), media, body)
    unknown: list[str] = []
    try:
        obj = _parsed(kind, patched, unknown)
    except DecodeError as error:
        raise unpatchable(shape, patched, media, body, error) from error
    warnings = _unknown_fields(request, unknown, f'{kind.name} in version "{kind.version}" cannot be handled: ')
    _place(kind, obj, address)
    check_name(obj, address)
    with warned(warnings):
        updated = registry.update(kind, address.namespace, address.name, versions.accept(kind, obj), options)
    return _answer(request, kind, updated, 200, (*warnings, *options.warnings))


def unpatchable(shape: Shape, patched: Any, media: str, body: Any, error: DecodeError) -> Refused:
    """422: a patch makes of an object what is none. The API server shows the result, or a strategic patch itself."""
    if media == STRATEGIC_PATCH:
        shown, why = printed(body), misfit(shape, patched) or str(error)
    else:
        shown, why = msgspec.json.encode(patched).decode(), str(error)
    return invalid("", "", [invalid_value("patch", shown, why)])


def patch_object(shape: Shape, old: Object, media: str, body: Any) -> Any:
    """An object after a patch of one of the three classic kinds.

    Raises:
        Refused: 400 or 422.
    """
    if media == JSON_PATCH:
        patched = patches.json_patch(old, body)
        if not isinstance(patched, dict):
            raise invalid("", "", [invalid_value("patch", msgspec.json.encode(patched).decode(), _NO_OBJECT)])
        return patched
    if media == MERGE_PATCH:
        return patches.merge_patch(old, body)
    try:
        merged = patches.strategic_merge(shape, old, body)
        return {**merged, "kind": old["kind"], "apiVersion": old["apiVersion"]}
    except (TypeError, AttributeError, KeyError) as error:
        cause = invalid_value("patch", str(body)[:120], str(error))
        raise invalid("", "", [cause]) from error


def _apply(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    options = request.write_options(address.subresource)
    raw = load_yaml(request.body)
    if not isinstance(raw, dict):
        raise bad_request("error decoding YAML: the body is no object")
    if not raw.get("apiVersion") or not raw.get("kind"):
        raise bad_request("invalid object type: /, Kind=")
    config, warnings = decode(request, kind, raw)
    config["metadata"].setdefault("name", address.name)
    check_name(config, address)
    _place(kind, config, address)
    obj, created = registry.apply(kind, address.namespace, address.name, config, options)
    return _answer(request, kind, obj, 201 if created else 200, (*warnings, *options.warnings))


def delete(request: Request, registry: Registry, kind: Kind, address: Address) -> Response:
    """DELETE an object."""
    options = request.delete_options()
    warnings = (_ORPHAN_WARNING,) if kind.qualified == "Job.batch" and options.propagation is None else ()
    obj, gone = registry.delete(kind, address.namespace, address.name, options)
    if gone and kind.name not in _OBJECT_RETURNED:
        details = {
            "name": address.name,
            **({"group": kind.group} if kind.group else {}),
            "kind": kind.plural,
            "uid": obj["metadata"]["uid"],
        }
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return json_response(status, 200, warnings)
    return _answer(request, kind, obj, 200, warnings)


def delete_many(request: Request, registry: Registry, query: Query) -> Response:
    """DELETE every object that a selector picks."""
    options = request.delete_options()
    chosen = [obj for obj in registry.store.all_of(query.kind, query.namespace) if query.keep(obj)]
    for obj in chosen:
        meta = obj["metadata"]
        registry.delete(query.kind, meta.get("namespace", ""), meta["name"], options)
    items = [versions.present(query.kind, obj) for obj in chosen]
    return json_response(views.list_of(query.kind, items, {"resourceVersion": str(registry.store.version)}))

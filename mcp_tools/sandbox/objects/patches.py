"""JSON patch (RFC 6902), JSON merge patch (RFC 7386) and Kubernetes' strategic merge patch. None changes its input."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from mcp_tools.sandbox.objects.errors import Refused, bad_request, failure, unprocessable
from mcp_tools.sandbox.objects.schema import ANY, Shape
from mcp_tools.sandbox.objects.unstructured import printed

MAX_OPERATIONS = 10_000
MAX_COPIED = 3 * 1024 * 1024


def merge_patch(target: Any, patch: Any) -> Any:
    """The target after an RFC 7386 merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    # As Go writes a map: the first wrong value in this order is the one that the client is told of.
    return dict(sorted(result.items()))


def json_patch(target: Any, operations: Any) -> Any:
    """The target after an RFC 6902 patch.

    Raises:
        Refused: 400 for what is no patch, 422 for one that does not apply.
    """
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
    if len(operations) > MAX_OPERATIONS:
        raise Refused(
            413,
            "RequestEntityTooLarge",
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}",
        )
    result = copy.deepcopy(target)
    copied = 0
    for operation in operations:
        if not isinstance(operation, dict):
            raise bad_request(
                "error decoding patch: json: cannot unmarshal value into Go value of type handlers.jsonPatchOp"
            )
        if operation.get("op") == "copy":
            copied += len(msgspec.json.encode(_find(result, _pointer(operation.get("from")))))
            if copied > MAX_COPIED:
                raise Refused(413, "RequestEntityTooLarge", f"the patch copies more than {MAX_COPIED} bytes")
        result = _apply_operation(result, operation)
    return result


def _apply_operation(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(operation.get("path"))
    if not path and operation.get("op") != "test":
        return _whole(document, operation)
    match operation.get("op"):
        case "add":
            return _add(document, path, _value(operation))
        case "remove":
            return _remove(document, path)
        case "replace":
            return _replace(document, path, _value(operation))
        case "move":
            source = _source(operation)
            value = _find(document, source)
            return _add(_remove(document, source), path, value)
        case "copy":
            return _add(document, path, copy.deepcopy(_find(document, _source(operation))))
        case "test":
            holder = _find(document, path[:-1])  # what is tested may be absent, where it would be may not
            if not _equal(_find(holder, path[-1:], missing=None), operation.get("value")):
                raise unprocessable()
            return document
    raise unprocessable()


def _source(operation: dict[str, Any]) -> list[str]:
    path = _pointer(operation.get("from"))
    if not path:
        raise unprocessable()
    return path


def _whole(document: Any, operation: dict[str, Any]) -> Any:
    """The document in another's place: of all operations on a whole, the API server knows this one only."""
    if operation.get("op") != "replace":
        raise unprocessable()
    value = _value(operation)
    return value if isinstance(value, dict | list) else document


def _equal(left: Any, right: Any) -> bool:
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise unprocessable()
    return operation["value"]


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise unprocessable()
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


_RAISE: Any = object()


def _find(document: Any, path: list[str], *, missing: Any = _RAISE) -> Any:
    node = document
    for part in path:
        if isinstance(node, dict) and part in node:
            node = node[part]
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif missing is _RAISE:
            raise unprocessable()
        else:
            return missing
    return node


def _parent(document: Any, path: list[str]) -> Any:
    node = _find(document, path[:-1])
    if not isinstance(node, dict | list):
        raise unprocessable()
    return node


def _index(parent: list[Any], part: str, limit: int) -> int:
    if part == "-":
        return len(parent)
    if not part.isdecimal() or int(part) > limit:
        raise unprocessable()
    return int(part)


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _parent(document, path)
    if isinstance(parent, list):
        parent.insert(_index(parent, path[-1], len(parent)), value)
    else:
        parent[path[-1]] = value
    return document


def _replace(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _parent(document, path)
    if isinstance(parent, list):
        _find(parent, path[-1:])
        parent[int(path[-1])] = value
    else:
        parent[path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    _find(document, path)
    if not path:
        return None
    parent = _parent(document, path)
    if isinstance(parent, list):
        del parent[int(path[-1])]
    else:
        del parent[path[-1]]
    return document


def strategic_merge(shape: Shape, target: Any, patch: Any) -> Any:
    """The target after a strategic merge patch.

    Knows the directives `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`.

    Args:
        shape: Of the target; tells which lists are merged and by which key.
        target: Plain data or `None`.
        patch: Plain data.

    Raises:
        Refused: 400 or 422, the patch makes no sense for this shape.
    """
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in {None, "merge"}:
        raise failure(f"Unknown patch type found: {str(directive)[:60]}")
    result = dict(target) if isinstance(target, dict) else {}
    retained = patch.get("$retainKeys")
    if isinstance(retained, list):
        result = {key: value for key, value in result.items() if key in retained}
    for key, value in patch.items():
        if key.startswith("$"):
            _primitive_directive(result, key, value)
            continue
        if value is None:
            result.pop(key, None)
        else:
            _merge_field(shape.child(key), result, key, patch)
    _reorder(shape, result, patch)
    return result


def _merge_field(shape: Shape, result: dict[str, Any], key: str, patch: dict[str, Any]) -> None:
    value = patch[key]
    if isinstance(value, list) and shape.form == "list" and shape.merge_key is not None:
        order = patch.get(f"$setElementOrder/{key}")
        result[key] = _merge_list(shape, result.get(key), value, order if isinstance(order, list) else [])
    elif isinstance(value, dict):
        result[key] = strategic_merge(shape, result.get(key), value)
        if value.get("$patch") == "delete":
            del result[key]
    else:
        result[key] = value


def _without_nulls(value: Any) -> Any:
    """A list's item with nothing to be merged with is taken as it is, directives and all, but for fields to delete."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _primitive_directive(result: dict[str, Any], key: str, value: Any) -> None:
    name, _, field = key.partition("/")
    if name == "$deleteFromPrimitiveList" and isinstance(value, list) and isinstance(result.get(field), list):
        result[field] = [item for item in result[field] if item not in value]


def _reorder(shape: Shape, result: dict[str, Any], patch: dict[str, Any]) -> None:
    for key, order in patch.items():
        name, _, field = key.partition("/")
        if name == "$setElementOrder" and isinstance(order, list) and field not in patch:
            inner = shape.child(field)
            if isinstance(result.get(field), list) and inner.merge_key is not None:
                result[field] = _in_order(inner.merge_key, result[field], result[field], order)


def _merge_list(shape: Shape, target: Any, patch: list[Any], order: list[Any]) -> list[Any]:
    live = list(target) if isinstance(target, list) else []
    merged = list(live)
    key = shape.merge_key or ""
    if not key:
        merged += [item for item in patch if item not in live]
        return _in_order("", merged, live, order or patch)
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    if not live and not any(isinstance(item, dict) and "$patch" in item for item in patch):
        return list(patch)  # nothing to merge with: taken as it is
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise failure(f"map: {printed(item)} does not contain declared merge key: {key}")
        at = next((i for i, old in enumerate(merged) if isinstance(old, dict) and old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del merged[at]
        elif at is None:
            merged.append(_without_nulls(item))
        else:
            merged[at] = strategic_merge(shape.element or ANY, merged[at], item)
    return _in_order(key, merged, live, order or patch)


def _in_order(key: str, items: list[Any], live: list[Any], order: list[Any]) -> list[Any]:
    """Items in the order that a patch asks for; those it does not name keep their place among the live ones.

    The rule of `mergeSortedSlice` in apimachinery's strategicpatch.
    """

    def identity(item: Any) -> str:
        return repr(item.get(key) if key and isinstance(item, dict) else item)

    wanted = {identity(item): place for place, item in reversed(list(enumerate(order)))}
    places = {identity(item): place for place, item in reversed(list(enumerate(live)))}
    named = sorted((item for item in items if identity(item) in wanted), key=lambda item: wanted[identity(item)])
    others = [item for item in items if identity(item) not in wanted]
    result = []
    while named and others:
        left, right = places.get(identity(others[0])), places.get(identity(named[0]))
        first = others if left is not None and right is not None and left < right else named
        result.append(first.pop(0))
    return result + named + others

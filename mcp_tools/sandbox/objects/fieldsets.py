"""Sets of field paths, the currency of `managedFields` (sigs.k8s.io/structured-merge-diff).

A path is a tuple of elements in the notation of `FieldsV1`: `f:name` for a field, `k:{…}` for an item of an associative
list, `v:…` for an item of a set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.objects.schema import ANY, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str, ...]
FieldSet = frozenset[Path]

_KEY_DEFAULTS = {"protocol": "TCP"}
# Go structs that are always there: appearing is no change of theirs.
_ALWAYS_THERE = frozenset(
    {
        "f:metadata",
        "f:spec",
        "f:status",
        "f:template",
        "f:jobTemplate",
        "f:strategy",
        "f:updateStrategy",
        "f:podSelector",
        "f:containers",
        "f:devices",
    }
)
# Texts that the API server keeps apart from none at all.
_POINTERS = {("f:storageClassName",), ("f:service",), ("f:type",)}
_UNMANAGED = {
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    ),
}


@dataclass(slots=True)
class Comparison:
    """What differs between two objects."""

    added: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)
    always: frozenset[str] = frozenset()

    def written(self) -> set[Path]:
        """Added or modified."""
        return self.added | self.modified


def managed(paths: Iterable[Path]) -> FieldSet:
    """Without the fields that nobody manages (name, uid, …)."""
    return frozenset(path for path in paths if path not in _UNMANAGED and path[:2] != ("f:metadata", "f:managedFields"))


def item_element(shape: Shape, item: Any) -> str:
    """The path element that identifies an item of a set or associative list."""
    if shape.list_type == "set":
        return f"v:{_compact(item)}"
    source = item if isinstance(item, dict) else {}
    keys = {key: source.get(key, _KEY_DEFAULTS.get(key)) for key in shape.keys}
    return f"k:{_compact(keys)}"


def _compact(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _mergeable(shape: Shape, value: Any) -> bool:
    if shape.atomic:
        return False
    if isinstance(value, dict):
        return bool(value) and shape.form in {"struct", "map", "any"}
    return bool(value) and isinstance(value, list) and shape.form == "list" and shape.list_type != "atomic"


def set_of(shape: Shape, value: Any) -> FieldSet:
    """The fields that an applied configuration speaks about."""
    found: set[Path] = set()
    _collect(shape, value, (), found)
    return managed(found)


def _collect(shape: Shape, value: Any, path: Path, found: set[Path]) -> None:
    if not _mergeable(shape, value):
        if path and not (isinstance(value, list) and not shape.atomic and shape.list_type != "atomic"):
            found.add(path)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            inner = (*path, f"f:{key}")
            _collect(shape.child(key), item, inner, found)
            if shape.form != "struct" and not shape.fields:
                found.add(inner)
        return
    for item in value:
        inner = (*path, item_element(shape, item))
        found.add(inner)
        _collect(shape.element or ANY, item, inner, found)


def compare(shape: Shape, old: Any, new: Any) -> Comparison:
    """What a write changed."""
    # A custom resource has no part that is there without being said.
    result = Comparison(always=_ALWAYS_THERE if shape.name else frozenset({"f:metadata"}))
    _compare(shape, old, new, (), result)
    return result


# Times of conditions, and a list of a storage driver, which Go writes as nulls and counts as said.
_WRITTEN_NULLS = frozenset({"lastProbeTime", "lastTransitionTime", "topologyKeys"})


def _compare(shape: Shape, old: Any, new: Any, path: Path, result: Comparison, *, keep_empty: bool = False) -> None:
    if old is new or (old == new and type(old) is type(new)):
        return
    if not _mergeable(shape, old) and not _mergeable(shape, new):
        if old is None:
            if (new != "" or keep_empty or path[-1:] in _POINTERS) and not (
                new == {} and path and path[-1] in result.always
            ):
                result.added.add(path)
        elif new is None:
            result.removed.add(path)
        else:
            result.modified.add(path)
        return
    if path and path[-1] not in result.always and not (result.always and path == ("f:spec", "f:resources")):
        if old is None:
            result.added.add(path)
        elif new is None:
            result.removed.add(path)
    if shape.form == "list":
        _compare_items(shape, old, new, path, result)
        return
    before = old if isinstance(old, dict) else {}
    after = new if isinstance(new, dict) else {}
    free = shape.form == "map"  # an entry of a map is there even if it is empty
    for key in {**before, **after}:
        if key in _WRITTEN_NULLS and key in after and after[key] is None and key not in before:
            result.added.add((*path, f"f:{key}"))
        _compare(shape.child(key), before.get(key), after.get(key), (*path, f"f:{key}"), result, keep_empty=free)


def _compare_items(shape: Shape, old: Any, new: Any, path: Path, result: Comparison) -> None:
    before = {item_element(shape, item): item for item in (old if isinstance(old, list) else ())}
    after = {item_element(shape, item): item for item in (new if isinstance(new, list) else ())}
    for element in {**before, **after}:
        inner = (*path, element)
        if element not in before:
            result.added.add(inner)
        elif element not in after:
            result.removed.add(inner)
        if shape.list_type == "map":
            _compare(shape.element or ANY, before.get(element), after.get(element), inner, result)


def encode(paths: Iterable[Path]) -> dict[str, Any]:
    """The set as a `FieldsV1` tree."""
    tree: dict[str, Any] = {}
    nodes = []
    for path in sorted(paths):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        nodes.append(node)
    for node in nodes:
        if node:
            node["."] = {}
    return _sorted(tree)


def _sorted(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: _sorted(tree[key]) for key in sorted(tree)}


def decode(tree: Any) -> FieldSet:
    """The set that a `FieldsV1` tree stands for; what is no tree is the empty set."""
    found: set[Path] = set()
    pending: list[tuple[Path, Any]] = [((), tree)]
    while pending:
        path, node = pending.pop()
        if not isinstance(node, dict):
            continue
        if path and (not node or "." in node):
            found.add(path)
        pending += [((*path, key), child) for key, child in node.items() if key != "."]
    return frozenset(found)


def readable(path: Path) -> str:
    """A path as messages show it: `.spec.containers[name="app"].image`."""
    text = ""
    for element in path:
        sort, body = element[0], element[2:]
        if sort == "f":
            text += f".{body}"
        elif sort == "k":
            keys = msgspec.json.decode(body)
            text += f"[{','.join(f'{key}={_compact(value)}' for key, value in keys.items())}]"
        else:
            text += f"[={body}]"
    return text


def remove(shape: Shape, value: Any, path: Path) -> Any:
    """A copy of the value without what the path names; collections that become empty by it go, too.

    Returns:
        The copy, the value itself where there is nothing at the path, `None` where nothing is left.
    """
    if not path or value is None:
        return value
    element, rest = path[0], path[1:]
    if element.startswith("f:"):
        key = element[2:]
        if not isinstance(value, dict) or key not in value:
            return value
        inner = remove(shape.child(key), value[key], rest) if rest else None
        kept = {name: item for name, item in value.items() if name != key}
        return ({**value, key: inner} if inner is not None else kept) or None
    if not isinstance(value, list):
        return value
    items = []
    for item in value:
        left = item if item_element(shape, item) != element else None
        if left is None and rest:
            left = remove(shape.element or ANY, item, rest)
        items += [left] if left is not None else []
    return items or None

"""Differences between two states of an object, field by field, and edits that put fields somewhere.

Elements of a list are known by their `name` where all of them have one, as in Kubernetes' own merge keys, so that a
path keeps its meaning when the order changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_tools.changes.model import ABSENT, FieldChange, FieldPath, JsonValue, PathStep
from mcp_tools.redaction import redact_at

SERVER_SET = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)
COUNTERS = frozenset({"deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"})
"""Annotations that count on by themselves whenever a template changes."""
MERGE_KEYS = ("name", "containerPort", "port", "mountPath", "ip", "key", "topologyKey")
VALUE_WIDTH = 200


@dataclass(frozen=True, slots=True)
class Edit:
    """Put a value at a path; `ABSENT` takes away what stands there."""

    path: FieldPath
    value: JsonValue


def compare(before: dict[str, Any], after: dict[str, Any]) -> tuple[FieldChange, ...]:
    """The fields in which two states of an object differ, without status and what the server sets by itself."""
    return tuple(_compare((), _comparable(before), _comparable(after)))


def added(document: dict[str, Any]) -> tuple[FieldChange, ...]:
    """The fields that a manifest gives, as additions; what says which object it is, is left out."""
    rest = {key: value for key, value in document.items() if key not in {"apiVersion", "kind", "status"}}
    rest["metadata"] = {
        key: value for key, value in (document.get("metadata") or {}).items() if key not in {"name", "namespace"}
    }
    return tuple(_added((), rest))


def _added(path: FieldPath, value: JsonValue) -> Iterator[FieldChange]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _added((*path, key), item)
        return
    key = _merge_key(value) if isinstance(value, list) and value else None
    if key is None:
        yield FieldChange(path, ABSENT, value)
        return
    for item in value:
        rest = {name: inner for name, inner in item.items() if name != key}
        yield from _added((*path, (key, str(item[key]))), rest or item)


def value_at(document: Any, path: FieldPath) -> JsonValue:
    """What stands at a path, or `ABSENT`."""
    for step in path:
        if isinstance(step, tuple):
            index = _named(document, step)
            document = document[index] if index is not None else ABSENT
        elif isinstance(step, int):
            document = document[step] if isinstance(document, list) and step < len(document) else ABSENT
        else:
            document = document.get(step, ABSENT) if isinstance(document, dict) else ABSENT
        if document is ABSENT:
            return ABSENT
    return document


def inverse(changes: Iterable[FieldChange]) -> tuple[Edit, ...]:
    """The edits that put back what the changes replaced, last change first."""
    return tuple(Edit(change.path, change.old) for change in reversed(tuple(changes)))


def json_patch(live: dict[str, Any], edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """The edits as a JSON Patch (RFC 6902) against the live object; parents that are missing are made.

    Raises:
        KeyError: A step names a list element that is not there.
    """
    return _edit(json.loads(json.dumps(live)), edits)


def edited(document: dict[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """A copy of the document with the edits made; errors as `json_patch`."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    _edit(copy, edits)
    return copy


def _edit(document: dict[str, Any], edits: Sequence[Edit]) -> list[dict[str, Any]]:
    operations: list[dict[str, Any]] = []
    for edit in edits:
        operation = _operation(document, edit)
        if operation is not None:
            operations.append(operation)
            _perform(document, operation)
    return operations


def render_path(path: FieldPath) -> str:
    """`spec.template.spec.containers[app].image`, as people write it."""
    text = ""
    for step in path:
        if isinstance(step, tuple):
            text += f"[{step[1]}]"
        elif isinstance(step, int) or "." in step or "/" in step:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def render_value(value: JsonValue) -> str:
    """One short line for a value; `(none)` where there is none."""
    if value is ABSENT:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return text if len(text) <= VALUE_WIDTH else text[: VALUE_WIDTH - 1] + "…"


def public(change: FieldChange, kind: str = "") -> dict[str, Any]:
    """A change as it is shown and sent: redacted, `old` or `new` missing where the field is added or removed."""
    shown: dict[str, Any] = {"path": render_path(change.path)}
    if change.old is not ABSENT:
        shown["old"] = redact_at(change.path, change.old, kind)
    if change.new is not ABSENT:
        shown["new"] = redact_at(change.path, change.new, kind)
    return shown


def _comparable(document: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key not in SERVER_SET}
    for marks in ("labels", "annotations"):
        # Always a map, so that each key is a field of its own: controllers write keys beside ours.
        metadata[marks] = {key: value for key, value in (metadata.get(marks) or {}).items() if key not in COUNTERS}
    return {**{key: value for key, value in document.items() if key != "status"}, "metadata": metadata}


def _compare(path: FieldPath, old: JsonValue, new: JsonValue) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _compare((*path, key), old.get(key, ABSENT), new.get(key, ABSENT))
        return
    if isinstance(old, list) and isinstance(new, list):
        keys = _merge_key(old, new)
        if keys is not None:
            olds = {str(item[keys]): item for item in old}
            news = {str(item[keys]): item for item in new}
            for name in [*olds, *(name for name in news if name not in olds)]:
                yield from _compare((*path, (keys, name)), olds.get(name, ABSENT), news.get(name, ABSENT))
            return
    if not _same(old, new):
        yield FieldChange(path, old, new)


def _same(old: JsonValue, new: JsonValue) -> bool:
    # To Python True equals 1; to the API server it does not.
    return old == new and (old is ABSENT or json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))


def _merge_key(*lists: list[Any]) -> str | None:
    for key in MERGE_KEYS:
        if all(
            items and all(isinstance(item, dict) and key in item for item in items) and _unique(items, key)
            for items in lists
        ):
            return key
    return None


def _unique(items: list[dict[str, Any]], key: str) -> bool:
    return len({str(item[key]) for item in items}) == len(items)


def _named(document: Any, step: tuple[str, str]) -> int | None:
    key, name = step
    if not isinstance(document, list):
        return None
    for index, item in enumerate(document):
        if isinstance(item, dict) and str(item.get(key)) == name:
            return index
    return None


def _operation(document: Any, edit: Edit) -> dict[str, Any] | None:
    parent, pointer = document, ""
    for position, step in enumerate(edit.path):
        last = position == len(edit.path) - 1
        token, child = _descend(parent, step)
        pointer += f"/{_escape(token)}"
        if last:
            if edit.value is ABSENT:
                return None if child is ABSENT else {"op": "remove", "path": pointer}
            return {"op": "add" if child is ABSENT else "replace", "path": pointer, "value": edit.value}
        if child is ABSENT or child is None:
            if edit.value is ABSENT:
                return None
            rest = edit.path[position + 1 :]
            return {"op": "add", "path": pointer, "value": _nest(rest, edit.value)}
        parent = child
    return None


def _descend(parent: Any, step: PathStep) -> tuple[str, Any]:
    if isinstance(step, tuple):
        index = _named(parent, step)
        return ("-", ABSENT) if index is None else (str(index), parent[index])
    if isinstance(step, int):
        return str(step), parent[step] if step < len(parent) else ABSENT
    return step, parent.get(step, ABSENT)


def _nest(path: FieldPath, value: JsonValue) -> JsonValue:
    for step in reversed(path):
        if not isinstance(step, str):
            raise KeyError(f"{render_path(path)}: no element {step!r} to put a field into")
        value = {step: value}
    return value


def _perform(document: Any, operation: dict[str, Any]) -> None:
    *parents, last = [_unescape(token) for token in operation["path"].split("/")[1:]]
    for token in parents:
        document = document[int(token)] if isinstance(document, list) else document[token]
    if isinstance(document, list):
        if operation["op"] == "remove":
            del document[int(last)]
        elif last == "-":
            document.append(operation["value"])
        else:
            document[int(last)] = operation["value"]
    elif operation["op"] == "remove":
        del document[last]
    else:
        document[last] = operation["value"]


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")

"""Who owns which field: `metadata.managedFields` for updates, and server-side apply with its conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import fieldsets
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.fieldsets import FieldSet
from mcp_tools.sandbox.objects.schema import ANY, Shape, complete

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tools.sandbox.objects.store import Object


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and how: one entry of `managedFields`."""

    manager: str
    operation: str
    api_version: str
    subresource: str = ""


_Owners = dict[Writer, tuple[FieldSet, str]]


def _owners(obj: Object | None) -> _Owners:
    entries = (obj or {}).get("metadata", {}).get("managedFields") or ()
    return {
        Writer(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
        ): (fieldsets.decode(entry.get("fieldsV1")), entry.get("time", ""))
        for entry in entries
    }


def _entries(owners: _Owners) -> list[dict[str, Any]]:
    found = []
    for writer, (fields, time) in owners.items():
        if fields:
            entry = {
                "manager": writer.manager,
                "operation": writer.operation,
                "apiVersion": writer.api_version,
                **({"time": time} if time else {}),
                "fieldsType": "FieldsV1",
                "fieldsV1": fieldsets.encode(fields),
            }
            found.append({**entry, "subresource": writer.subresource} if writer.subresource else entry)
    return sorted(found, key=lambda entry: (entry["operation"], entry.get("time", ""), entry["manager"]))


def record_update(shape: Shape, old: Object | None, new: Object, writer: Writer, time: str) -> None:
    """Note in `new` that the writer owns what it changed, and nobody owns what is gone.

    Args:
        shape: Of the kind.
        old: Before the write, `None` for a creation.
        new: After it; its managedFields are replaced.
        writer: Of the write.
        time: RFC 3339.
    """
    meta = new["metadata"]
    given = meta.get("managedFields")
    if old is not None and given in ([], [{}]):
        # The documented way to reset the record.
        meta.pop("managedFields")
        return
    if old is not None and not given:
        return  # nobody has applied it since its record was reset
    zero: Object = {}
    if old is None:
        complete(shape, zero)
    change = fieldsets.compare(shape, _bare(old) if old is not None else zero, _bare(new))
    written = fieldsets.managed(change.written())
    removed = change.removed
    owners = _owners(new if old is not None and _is_record(given) else old)
    for other, (fields, when) in tuple(owners.items()):
        owners[other] = (fields - removed - (frozenset() if other == writer else written), when)
    if written or (removed and writer in owners):
        owners[writer] = (owners.get(writer, (frozenset(), ""))[0] | written, time)
    _set_entries(meta, owners)


def _is_record(entries: Any) -> bool:
    """Whether what a client sends as managedFields can stand for what is known."""
    return all(
        entry.get("operation") in {"Apply", "Update"}
        and entry.get("apiVersion")
        and entry.get("fieldsType") == "FieldsV1"
        and isinstance(entry.get("fieldsV1"), dict)
        for entry in entries or ()
    )


def _set_entries(meta: dict[str, Any], owners: _Owners) -> None:
    entries = _entries(owners)
    if entries:
        meta["managedFields"] = entries
    else:
        meta.pop("managedFields", None)


def _bare(obj: Object | None) -> dict[str, Any]:
    if obj is None:
        return {}
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**{key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}}, "metadata": meta}


def apply(shape: Shape, live: Object, config: Object, writer: Writer, *, force: bool, time: str) -> Object:
    """Merge an applied configuration into the live object (server-side apply).

    Args:
        shape: Of the kind.
        live: The object as it is, or `{"metadata": {}}` for one to be created.
        config: The whole intention of this manager.
        writer: Who applies.
        force: Take over fields that others own.
        time: RFC 3339.

    Returns:
        The merged object with its managedFields.

    Raises:
        Refused: 409, others own a field that the configuration would change.
    """
    owners = _owners(live)
    if not owners and live["metadata"].get("uid"):
        first = Writer("before-first-apply", "Update", writer.api_version)
        owners[first] = (fieldsets.managed(fieldsets.compare(shape, {}, _bare(live)).written()), time)
    before = owners.get(writer, (frozenset(), ""))[0]
    wanted = fieldsets.set_of(shape, _bare(config))
    merged = _merge(shape, _bare(live), _bare(config))
    changed = fieldsets.managed(fieldsets.compare(shape, _bare(live), merged).written())
    rivals = {other: fields & changed for other, (fields, _) in owners.items() if other != writer and fields & changed}
    if rivals and not force:
        raise _conflict(rivals)
    for other, lost in rivals.items():
        owners[other] = (owners[other][0] - lost, owners[other][1])
    others = frozenset().union(*(fields for other, (fields, _) in owners.items() if other != writer))
    merged = _prune(shape, merged, before - wanted, others | wanted)
    # Who changes nothing of the object keeps the time of before, which a new owner does not have.
    owners[writer] = (wanted, time if merged != _bare(live) else owners.get(writer, ((), ""))[1])
    result = {**live, **{key: value for key, value in merged.items() if key != "metadata"}}
    for key in set(live) - set(merged) - {"kind", "apiVersion", "metadata"}:
        del result[key]
    result["metadata"] = {**merged["metadata"]}
    _set_entries(result["metadata"], owners)
    return result


def _merge(shape: Shape, live: Any, config: Any) -> Any:
    if isinstance(config, dict) and isinstance(live, dict) and not shape.atomic and shape.form != "scalar":
        merged = dict(live)
        for key, value in config.items():
            merged[key] = _merge(shape.child(key), live.get(key), value)
        return merged
    if isinstance(config, list) and isinstance(live, list) and shape.form == "list" and shape.list_type != "atomic":
        return _merge_items(shape, live, config)
    return config


def _merge_items(shape: Shape, live: list[Any], config: list[Any]) -> list[Any]:
    """In the order of the configuration; what it does not name stays where it was among what is shared."""
    left = [(fieldsets.item_element(shape, item), item) for item in live]
    right = [(fieldsets.item_element(shape, item), item) for item in config]
    known, wanted = dict(left), dict(right)
    shared = [element for element, _ in right if element in known]
    merged: list[Any] = []
    while left or right:
        if left and left[0][0] not in wanted:
            merged.append(left.pop(0)[1])
        elif left and shared and left[0][0] != shared[0]:
            left.pop(0)  # its turn comes with the configuration
        elif right and (not left or right[0][0] == left[0][0] or right[0][0] not in known):
            element, item = right.pop(0)
            merged.append(_merge(shape.element or ANY, known.get(element), item))
            if left and left[0][0] == element:
                left.pop(0)
            if shared and shared[0] == element:
                shared.pop(0)
        elif left:
            left.pop(0)
    return merged


def _prune(shape: Shape, merged: Any, dropped: Iterable[fieldsets.Path], kept: FieldSet) -> Any:
    # Whole items first: once its key is gone, an item could not be found any more.
    for path in sorted(dropped, key=len):
        if path in kept or any(other[: len(path)] == path for other in kept):
            continue
        merged = fieldsets.remove(shape, merged, path) or {}
    return {"metadata": {}, **merged}


def _leaves_first(path: fieldsets.Path) -> tuple[tuple[bool, str], ...]:
    return tuple((depth < len(path) - 1, element) for depth, element in enumerate(path))


def _conflict(rivals: dict[Writer, FieldSet]) -> Refused:
    causes = []
    lines = []
    for other in sorted(rivals, key=lambda writer: writer.manager):
        title = f'conflict with "{other.manager}"'
        if other.subresource:
            title += f' with subresource "{other.subresource}"'
        if other.operation == "Update":
            title += f" using {other.api_version}"
        paths = [fieldsets.readable(path) for path in sorted(rivals[other], key=_leaves_first)]
        causes += [{"reason": "FieldManagerConflict", "message": title, "field": path} for path in paths]
        if len(rivals) == len(paths) == 1:
            lines.append(f"{title}: {paths[0]}")
        else:
            lines.append(title.replace("conflict ", "conflicts ", 1) + ":" + "".join(f"\n- {path}" for path in paths))
    count = len(causes)
    message = f"Apply failed with {count} conflict{'s' if count > 1 else ''}: " + "\n".join(lines)
    return Refused(409, "Conflict", message, {"causes": causes})

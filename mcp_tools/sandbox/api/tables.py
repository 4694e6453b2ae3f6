"""Objects as `meta.k8s.io/v1` Tables, with the columns that `kubectl get` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.api import views
from mcp_tools.sandbox.api.columns import AGE, NAME, UNKNOWN, Column, since
from mcp_tools.sandbox.api.columns_others import OTHERS
from mcp_tools.sandbox.api.columns_workloads import WORKLOADS
from mcp_tools.sandbox.objects.custom import look_up
from mcp_tools.sandbox.objects.errors import bad_request

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.custom import CustomSchema
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object

COLUMNS: dict[str, tuple[Column, ...]] = {**WORKLOADS, **OTHERS}
_DEFAULT = (NAME, AGE)


def table(
    kind: Kind, items: list[Object], meta: dict[str, Any], *, include: str, now: float, version: str = "v1"
) -> Object:
    """A Table of objects.

    Args:
        kind: Of the objects; kinds without columns of their own get name and age.
        items: As stored.
        meta: The list's metadata.
        include: `None`, `Metadata` (also when empty) or `Object`: what goes with each row.
        now: For ages.
        version: Of the Table.

    Raises:
        Refused: 400, `include` is none of these.
    """
    if include not in {"", "None", "Metadata", "Object"}:
        raise bad_request(f'unrecognized includeObject value: "{include[:60]}"')
    if kind.custom:
        columns = _custom_columns(kind.custom)
    else:
        columns = COLUMNS.get(kind.qualified if not kind.stored_as else "Event", _DEFAULT)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": meta,
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [
            {
                "cells": [column.cell(obj, now) for column in columns],
                "object": _beside(kind, obj, include, version),
            }
            for obj in items
        ],
    }


def _custom_columns(custom: CustomSchema) -> tuple[Column, ...]:
    return (NAME, *map(_custom_column, custom.columns)) if custom.columns else _DEFAULT


def _custom_column(said: Object) -> Column:
    path, kind = said["jsonPath"], said.get("type", "string")

    def cell(obj: Object, now: float) -> Any:
        value = look_up(obj, path)
        if kind == "date":
            return since(value, now) if isinstance(value, str) else UNKNOWN
        return value

    return Column(
        said["name"], cell, kind, said.get("priority", 0), said.get("format", ""), said.get("description", "")
    )


def _beside(kind: Kind, obj: Object, include: str, version: str) -> Object | None:
    if include == "None":
        return None
    return views.present(kind, obj) if include == "Object" else views.metadata_only(obj, version)


def bookmark(meta: dict[str, Any], version: str) -> Object:
    """The Table that carries a bookmark: one row without cells."""
    partial = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": meta}
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {"resourceVersion": meta["resourceVersion"]},
        "columnDefinitions": None,
        "rows": [{"cells": [], "object": partial}],
    }

"""Objects as `meta.k8s.io/v1` Tables, with the columns that `kubectl get` prints."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.sandbox.api import views
from mcp_tools.sandbox.api.columns import NAME, UNKNOWN, Column, since
from mcp_tools.sandbox.api.columns_further import FURTHER
from mcp_tools.sandbox.api.columns_others import OTHERS
from mcp_tools.sandbox.api.columns_workloads import WORKLOADS
from mcp_tools.sandbox.objects import versions
from mcp_tools.sandbox.objects.custom import look_up
from mcp_tools.sandbox.objects.errors import bad_request

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.custom import CustomSchema
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Object

COLUMNS: dict[str, tuple[Column, ...]] = {**WORKLOADS, **OTHERS, **FURTHER}
_FIELDS = ("name", "type", "format", "priority", "description")


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
        definitions, columns = _custom_columns(kind.custom)
    else:
        definitions, columns = (
            _published()[kind.qualified],
            COLUMNS["Event" if kind.name == "Event" else kind.qualified],
        )
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": meta,
        # metrics-server takes its columns from its first row.
        "columnDefinitions": None if kind.group == "metrics.k8s.io" and not items else definitions,
        "rows": [
            {
                "cells": [column.cell(obj, now) for column in columns],
                "object": _beside(kind, obj, include, version),
            }
            for obj in (sorted(items, key=_rank) if kind.name == "FlowSchema" else items)
        ],
    }


def _rank(schema: Object) -> tuple[int, str]:
    """Flow schemas are shown in the order in which they are asked."""
    return (schema.get("spec") or {}).get("matchingPrecedence", 0), schema["metadata"]["name"]


@cache
def _published() -> dict[str, list[Object]]:
    """The definitions of the built-in kinds' columns."""
    found = msgspec.json.decode(Path(__file__).with_name("columns.json").read_bytes())
    return {kind: [dict(zip(_FIELDS, column, strict=True)) for column in columns] for kind, columns in found.items()}


def _custom_columns(custom: CustomSchema) -> tuple[list[Object], tuple[Column, ...]]:
    name, created = _published()["CustomResourceDefinition.apiextensions.k8s.io"]
    if not custom.columns:
        # Without columns of its own a kind gets its age, from the moment that the definition here names.
        said: tuple[Object, ...] = ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)
        described = {"description": created["description"]}
    else:
        said, described = tuple(custom.columns), {}
    definitions = [
        {
            "name": column["name"],
            "type": column.get("type", "string"),
            "format": column.get("format", ""),
            "description": column.get(
                "description", f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
            ),
            "priority": column.get("priority", 0),
            **described,
        }
        for column in said
    ]
    return [name, *definitions], (NAME, *map(_custom_column, said))


def _custom_column(said: Object) -> Column:
    path, kind = said["jsonPath"], said.get("type", "string")

    def cell(obj: Object, now: float) -> Any:
        value = look_up(obj, path)
        if kind == "date":
            return since(value, now) if isinstance(value, str) else UNKNOWN
        return value

    return Column(said["name"], cell)


def _beside(kind: Kind, obj: Object, include: str, version: str) -> Object | None:
    if include == "None":
        return None
    found = versions.present(kind, obj)
    return found if include == "Object" else views.metadata_only(found, version)


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

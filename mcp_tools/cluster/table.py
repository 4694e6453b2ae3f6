"""Lists as the API server's own Table (KEP-2334): the columns kubectl prints, without the objects behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.connection import TABLE
from mcp_tools.errors import ApiError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.kinds import Kind

PAGE = 5000
"""Rows asked for at once: enough to count what people run, few enough to bound memory."""


class _Column(msgspec.Struct):
    name: str
    priority: int = 0


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Object(msgspec.Struct):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


class _Row(msgspec.Struct):
    cells: list[Any]
    object: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))


class _ListMeta(msgspec.Struct, rename="camel"):
    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None
    resource_version: str = ""


class _Table(msgspec.Struct, rename="camel"):
    column_definitions: list[_Column] | None = None  # metrics-server has none while it has no rows
    rows: list[_Row] | None = None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


_decoder = msgspec.json.Decoder(_Table)
_object = msgspec.json.Decoder(_Object)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as kubectl would print them.

    Attributes:
        columns: Column names; `Namespace` comes first where the list spans namespaces.
        rows: One list of cells an object, in the columns' order.
        continue_token: What the next page is asked for with; empty on the last one.
        remaining: How many objects lie behind the last row; None where the server does not say (with selectors).
        objects: The objects behind the rows, still encoded, where they were asked for.
    """

    columns: tuple[str, ...]
    rows: list[list[Any]]
    continue_token: str
    remaining: int | None
    objects: list[msgspec.Raw]

    def column(self, name: str) -> int | None:
        """The index of a column, or None."""
        return self.columns.index(name) if name in self.columns else None


def list_table(
    connection: Connection,
    kind: Kind,
    namespace: str | None,
    *,
    label_selector: str | None = None,
    field_selector: str | None = None,
    limit: int = PAGE,
    continue_token: str | None = None,
    objects: bool = False,
) -> Table:
    """List a kind as a table.

    Args:
        namespace: None for all namespaces (or a kind that has none).
        limit: How many objects at most; the rest is behind `continue_token`.
        objects: Bring the objects too.

    Raises:
        ShipmateError: As `Connection.get`; a malformed selector is an `Invalid`.
    """
    across = kind.namespaced and namespace is None
    beside = "Object" if objects else "Metadata" if across else "None"
    query: list[tuple[str, Any]] = [("limit", limit), ("includeObject", beside)]
    for key, value in (
        ("labelSelector", label_selector),
        ("fieldSelector", field_selector),
        ("continue", continue_token),
    ):
        if value:
            query.append((key, value))
    raw = connection.get(kind.path(namespace), query, accept=TABLE)
    try:
        table = _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise ApiError(f"The list of {kind.plural} cannot be read: {error}") from error
    definitions = table.column_definitions or []
    wanted = [index for index, column in enumerate(definitions) if column.priority == 0]
    columns: Sequence[str] = [definitions[index].name for index in wanted]
    found = table.rows or []
    rows = [[row.cells[index] for index in wanted] for row in found]
    if across:
        columns = ["Namespace", *columns]
        rows = [[_object.decode(row.object).metadata.namespace, *cells] for row, cells in zip(found, rows, strict=True)]
    remaining = table.metadata.remaining_item_count if table.metadata.continue_ else 0
    beside_rows = [row.object for row in found] if objects else []
    return Table(tuple(columns), rows, table.metadata.continue_, remaining, beside_rows)

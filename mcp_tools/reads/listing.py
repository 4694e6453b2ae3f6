"""Lists of any kind: compact rows, counts over everything, what is wrong first, and how to see the rest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mcp_tools.cluster.kinds import find_kind
from mcp_tools.cluster.table import PAGE, Table, list_table
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer, clip, listed

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.kinds import Kind

HEALTHY = frozenset({"Running", "Completed", "Succeeded", "Active", "Ready", "Bound", "Available", "Complete"})
API_PAGE = "api:"
MAX_ROWS = 500


def list_resources(
    connection: Connection,
    kind_word: str,
    namespace: str | None,
    *,
    all_namespaces: bool = False,
    label_selector: str | None = None,
    field_selector: str | None = None,
    limit: int = 100,
    continue_token: str | None = None,
) -> Answer:
    """List the objects of a kind.

    Returns:
        `columns` and `rows` (at most `limit`), `total` over everything that fits, `counts` by status where the kind has
        one, and `continue_token` when there is more. On the first of several pages unhealthy rows come first.

    Raises:
        UnknownKind, UsageError: The kind or the token is unknown.
        ShipmateError: As `Connection.get`.
    """
    kind = find_kind(connection, kind_word)
    where = None if all_namespaces or not kind.namespaced else namespace or connection.namespace
    offset, api_token = _position(continue_token)
    table = list_table(
        connection,
        kind,
        where,
        label_selector=label_selector,
        field_selector=field_selector,
        limit=PAGE,
        continue_token=api_token,
    )
    most = max(1, min(limit, MAX_ROWS))
    total = len(table.rows) + table.remaining
    rows = table.rows if len(table.rows) <= most else _unhealthy_first(table)
    shown = rows[offset : offset + most]
    counts = _counts(table)
    token = _next(table, offset + len(shown), api_token)
    data: dict[str, Any] = {
        "kind": kind.name,
        "namespace": where,
        "columns": list(table.columns),
        "rows": [[_cell(cell) for cell in row] for row in shown],
        "total": total,
        "shown": len(shown),
        "counts": counts,
        "continue_token": token,
    }
    return Answer(_summary(kind, data, offset), data)


def _position(token: str | None) -> tuple[int, str | None]:
    if not token:
        return 0, None
    number, _, rest = token.partition("@")
    if not number.isdigit() or (rest and not rest.startswith(API_PAGE)):
        raise UsageError(f"{token!r} is no continue token of ours.", "Use the one the last page came with.")
    return int(number), rest.removeprefix(API_PAGE) or None


def _next(table: Table, position: int, api_token: str | None) -> str | None:
    if position < len(table.rows):
        return f"{position}@{API_PAGE}{api_token}" if api_token else str(position)
    return f"0@{API_PAGE}{table.continue_token}" if table.continue_token else None


def _unhealthy_first(table: Table) -> list[list[Any]]:
    status, ready = table.column("Status"), table.column("Ready")

    def healthy(row: list[Any]) -> bool:
        word = str(row[status]) if status is not None else ""
        parts = str(row[ready]).split("/") if ready is not None and word not in {"Completed", "Succeeded"} else []
        whole = len(parts) != 2 or parts[0] == parts[1]  # noqa: PLR2004  ready/wanted
        return whole and (not word or word in HEALTHY)

    return sorted(table.rows, key=healthy)


def _counts(table: Table) -> dict[str, int]:
    status = table.column("Status")
    return dict(Counter(str(row[status]) for row in table.rows).most_common(12)) if status is not None else {}


def _cell(cell: Any) -> Any:
    return clip(cell) if isinstance(cell, str) else cell


def _summary(kind: Kind, data: dict[str, Any], offset: int) -> str:
    total, where, counts = data["total"], data["namespace"], data["counts"]
    noun = kind.name if total == 1 else kind.plural
    place = f" in namespace {where}" if where else " in all namespaces" if kind.namespaced else ""
    text = f"{total} {noun.lower()}{place}" if total else f"There are no {kind.plural}{place}"
    if len(counts) > 1 or (counts and next(iter(counts)) not in HEALTHY):
        text += ": " + listed([f"{number} {word}" for word, number in counts.items()])
    if data["shown"] < total:
        order = " (unhealthy first)" if counts and not offset else ""
        last = offset + data["shown"]
        text += f". Rows {offset + 1} to {last}{order}; the rest with continue_token, or narrow it by a selector"
    return f"{text}."

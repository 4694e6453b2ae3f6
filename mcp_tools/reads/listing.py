"""Lists of any kind: compact rows, counts over everything, what is wrong first, and how to see the rest."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import find_kind
from mcp_tools.cluster.table import PAGE, Table, list_table
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer, clip, listed
from mcp_tools.reads.projecting import AGES, cell_of, sort_key, steps_of
from mcp_tools.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.kinds import Kind

HEALTHY = frozenset({"Running", "Completed", "Succeeded", "Active", "Ready", "Bound", "Available", "Complete"})
MAX_ROWS = 500
MAX_COLUMNS = 12
# Where a list goes on: the row of the API's page, the rows of the pages before it, and the API's own token.
_TOKEN = re.compile(r"(\d{1,9})(?:\+(\d{1,9})@api:(.+))?")


def list_resources(
    connection: Connection,
    kind_word: str,
    namespace: str | None,
    *,
    all_namespaces: bool = False,
    label_selector: str | None = None,
    field_selector: str | None = None,
    sort_by: str | None = None,
    columns: Sequence[str] = (),
    limit: int = 100,
    continue_token: str | None = None,
) -> Answer:
    """List the objects of a kind.

    Args:
        sort_by: A column's name or a field path; with `-` in front the biggest come first.
        columns: Field paths that are shown instead of the usual columns; the name stays.

    Returns:
        `columns` and `rows` (at most `limit`), `total` over everything that fits, `counts` by status where the kind has
        one, and `continue_token` when there is more. On the first of several pages unhealthy rows come first, unless
        an order was asked for; `total` and `counts` are of what was read so far where the server does not know more.

    Raises:
        UnknownKind, UsageError: The kind, the token, a column or a path is unknown.
        ShipmateError: As `Connection.get`.
    """
    kind = find_kind(connection, kind_word)
    where = None if all_namespaces or not kind.namespaced else namespace or connection.namespace
    if "list" not in kind.verbs:
        raise UsageError(f"{kind.plural} cannot be listed: the cluster keeps none.", "They are questions, not objects.")
    if len(columns) > MAX_COLUMNS:
        raise UsageError(f"{len(columns)} columns are too many.", f"Ask for {MAX_COLUMNS} at most.")
    paths = {path: steps_of(path) for path in columns}
    at = _position(continue_token)
    table = list_table(
        connection,
        kind,
        where,
        label_selector=label_selector,
        field_selector=field_selector,
        limit=PAGE,
        continue_token=at.api_token,
        objects=bool(paths) or "." in (sort_by or ""),
    )
    most = max(1, min(limit, MAX_ROWS))
    if sort_by:
        order = _sorted(table, sort_by)
    elif at.row or len(table.rows) > most:
        order = _unhealthy_first(table)
    else:
        order = list(range(len(table.rows)))
    shown = order[at.row : at.row + most]
    rows = [[_cell(cell) for cell in table.rows[index]] for index in shown]
    heads = list(table.columns)
    if paths:
        fixed = [index for index, head in enumerate(heads) if head in {"Namespace", "Name"}]
        heads = [*(heads[index] for index in fixed), *paths]
        rows = [
            [*(row[place] for place in fixed), *(cell_of(obj, steps) for steps in paths.values())]
            for row, obj in zip(rows, _redacted(kind, table, shown), strict=True)
        ]
    read = at.before + len(table.rows)
    data: dict[str, Any] = {
        "kind": kind.name,
        "namespace": where,
        "columns": heads,
        "rows": rows,
        "total": read + (table.remaining or 0),
        "shown": len(shown),
        "counts": _counts(table),
        "continue_token": _next(table, at, at.row + len(shown)),
    }
    first = at.before + at.row
    order_word = f"by {sort_by}" if sort_by else "unhealthy first" if data["counts"] and not first else ""
    return Answer(_summary(kind, data, first, order_word, whole=table.remaining is not None), data)


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a list goes on: the row of an API page, the rows of the API pages before it, and that page's token."""

    row: int = 0
    before: int = 0
    api_token: str | None = None


def _position(token: str | None) -> _Position:
    if not token:
        return _Position()
    found = _TOKEN.fullmatch(token)
    if not found:
        raise UsageError(f"{token!r} is no continue token of ours.", "Use the one the last page came with.")
    return _Position(int(found[1]), int(found[2] or 0), found[3])


def _next(table: Table, at: _Position, row: int) -> str | None:
    if row < len(table.rows):
        return f"{row}+{at.before}@api:{at.api_token}" if at.api_token else str(row)
    return f"0+{at.before + row}@api:{table.continue_token}" if table.continue_token else None


def _redacted(kind: Kind, table: Table, indices: Sequence[int]) -> list[Any]:
    # As whole objects: a value that was cut out no longer tells that it stood in a Secret, or under which name.
    return [redact({"kind": kind.name, **msgspec.json.decode(table.objects[index])}) for index in indices]


def _sorted(table: Table, sort_by: str) -> list[int]:
    word = sort_by.strip()
    down, word = word.startswith("-"), word.removeprefix("-")
    if "." in word:
        steps = steps_of(word)
        keys = [sort_key(cell_of(msgspec.json.decode(raw), steps)) for raw in table.objects]
    else:
        names = [name.lower() for name in table.columns]
        if word.lower() not in names:
            raise UsageError(
                f"There is no column {word!r}.", f"Sort by {', '.join(table.columns)}, or by a field path."
            )
        column = names.index(word.lower())
        keys = [sort_key(row[column], ages=word.lower() in AGES) for row in table.rows]
    nothing = [index for index, key in enumerate(keys) if key == sort_key(None)]
    rest = [index for index, key in enumerate(keys) if key != sort_key(None)]
    return [*sorted(rest, key=keys.__getitem__, reverse=down), *nothing]


def _unhealthy_first(table: Table) -> list[int]:
    status, ready = table.column("Status"), table.column("Ready")

    def healthy(index: int) -> bool:
        row = table.rows[index]
        word = str(row[status]) if status is not None else ""
        parts = str(row[ready]).split("/") if ready is not None and word not in {"Completed", "Succeeded"} else []
        whole = len(parts) != 2 or parts[0] == parts[1]  # noqa: PLR2004  ready/wanted
        return whole and (not word or word in HEALTHY)

    return sorted(range(len(table.rows)), key=healthy)


def _counts(table: Table) -> dict[str, int]:
    status = table.column("Status")
    return dict(Counter(str(row[status]) for row in table.rows).most_common(12)) if status is not None else {}


def _cell(cell: Any) -> Any:
    return clip(cell) if isinstance(cell, str) else cell


def _summary(kind: Kind, data: dict[str, Any], first: int, order: str, *, whole: bool) -> str:
    total, where, counts = data["total"], data["namespace"], data["counts"]
    noun = kind.name if total == 1 else kind.plural
    place = f" in namespace {where}" if where else " in all namespaces" if kind.namespaced else ""
    text = f"{'' if whole else 'More than '}{total} {noun.lower()}{place}"
    if not total:
        text = f"There are no {kind.plural}{place}"
    if len(counts) > 1 or (counts and next(iter(counts)) not in HEALTHY):
        text += ": " + listed([f"{number} {word}" for word, number in counts.items()])
        if data["continue_token"] and "@" in data["continue_token"]:
            text += f" among these {sum(counts.values())}"
    if data["shown"] < total:
        shown = f" ({order})" if order else ""
        text += f". Rows {first + 1} to {first + data['shown']}{shown}"
        text += "; the rest with continue_token, or narrow it by a selector" if data["continue_token"] else ""
    return f"{text}."

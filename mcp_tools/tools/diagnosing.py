"""The tool that finds causes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mcp_tools.errors import UsageError
from mcp_tools.tools.base import Hands, Tool, ToolInput
from mcp_tools.tools.reading import AllNamespaces, Namespace  # noqa: TC001  pydantic reads them at run time

if TYPE_CHECKING:
    from mcp_tools.changes.journal import Entry
    from mcp_tools.reads.answer import Answer

RECENT = 50
"""Changes of the journal among which the one that brought a trouble is looked for."""


class DiagnoseInput(ToolInput):
    """Where to look."""

    target: Annotated[
        str | None,
        Field(default=None, min_length=1, max_length=320, description="name or kind/name; default: everything"),
    ]
    namespace: Namespace
    all_namespaces: AllNamespaces
    to: Annotated[
        str | None,
        Field(default=None, min_length=1, max_length=320, description="Can target reach this, and who stops it"),
    ]
    port: Annotated[int | None, Field(default=None, ge=1, le=65535, description="Of to; default: its only one")]


def _diagnose(hands: Hands, given: DiagnoseInput) -> Answer:
    from mcp_tools.diagnosis.network.reach import reach
    from mcp_tools.diagnosis.report import report

    if given.to:
        if not given.target:
            raise UsageError("To what is told, but not from where.", "Give the pod or workload that calls as target.")
        return reach(hands.connection, given.target, given.to, given.namespace, given.port)
    if given.port:
        raise UsageError("A port belongs to what is to be reached.", "Give it with to.")
    if given.all_namespaces and given.namespace:
        raise UsageError("One namespace and all of them are two questions.", "Give one or the other.")
    where = None if given.all_namespaces else given.namespace or hands.connection.namespace
    return report(hands.connection, where, given.target, recent_changes(hands))


def recent_changes(hands: Hands) -> list[Entry]:
    """The latest changes of this cluster that the journal has, the newest first."""
    found = hands.journal.latest(RECENT, context=hands.connection.context)
    return [entry for entry in found if entry.is_of(hands.engine.cluster)]


TOOLS = (
    Tool(
        "diagnose",
        "Diagnose",
        "Why something does not work: causes with evidence, what follows from them, fixes to run. "
        "Use it first for any trouble.",
        DiagnoseInput,
        _diagnose,
        read_only=True,
        idempotent=True,
    ),
)

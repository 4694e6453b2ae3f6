"""Tools that change something, each through the one transaction, and those that look at what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from mcp_tools.tools.base import Hands, Tool, ToolInput
from mcp_tools.tools.reading import TargetInput

if TYPE_CHECKING:
    from mcp_tools.changes.operations import Wanted
    from mcp_tools.reads.answer import Answer

PLAN_FIRST = "Dry-runs, shows the diff for approval, applies, watches, rolls back on failure."


class ScaleInput(TargetInput):
    """What to scale to how many."""

    replicas: Annotated[int, Field(ge=0, le=10_000, strict=True, description="Absolute number")]


class ImageInput(TargetInput):
    """Which container gets which image."""

    image: Annotated[str, Field(min_length=1, max_length=512, description="repository:tag")]
    container: Annotated[str | None, Field(default=None, description="Needed when there are several")]


class PlanInput(ToolInput):
    """A plan that was shown."""

    plan_id: Annotated[str, Field(min_length=1, max_length=64)]


class UndoInput(ToolInput):
    """A change that stands."""

    change_id: Annotated[int | None, Field(default=None, ge=1, description="Default: the last one")]


class HistoryInput(ToolInput):
    """How far to look back."""

    limit: Annotated[int, Field(default=20, ge=1, le=200)]


def _scale(hands: Hands, given: ScaleInput) -> Answer:
    from mcp_tools.changes.operations import scale
    from mcp_tools.cluster.resolve import SCALABLE, find_object

    return _run(hands, scale(find_object(hands.connection, given.target, given.namespace, SCALABLE), given.replicas))


def _restart(hands: Hands, given: TargetInput) -> Answer:
    from mcp_tools.changes.operations import restart
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    return _run(hands, restart(find_object(hands.connection, given.target, given.namespace, WORKLOADS)))


def _set_image(hands: Hands, given: ImageInput) -> Answer:
    from mcp_tools.changes.operations import set_image
    from mcp_tools.cluster.resolve import WORKLOADS, find_object

    found = find_object(hands.connection, given.target, given.namespace, WORKLOADS)
    return _run(hands, set_image(found, given.image, given.container))


def _apply(hands: Hands, given: PlanInput) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.apply(given.plan_id, hands.approver, hands.reporter))


def _undo(hands: Hands, given: UndoInput) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.undo(given.change_id, hands.approver, hands.reporter))


def _history(hands: Hands, given: HistoryInput) -> Answer:
    from mcp_tools.changes.report import history

    return history(hands.journal, given.limit)


def _run(hands: Hands, wanted: Wanted) -> Answer:
    from mcp_tools.changes.report import report

    return report(hands.engine.run(wanted, hands.approver, hands.reporter))


def _change(name: str, title: str, description: str, model: type[ToolInput], handler: Any, **hints: bool) -> Tool:
    return Tool(name, title, f"{description} {PLAN_FIRST}", model, handler, destructive=True, **hints)


TOOLS = (
    _change("scale", "Scale", "Set a workload's number of replicas.", ScaleInput, _scale, idempotent=True),
    _change("restart", "Restart", "Replace a workload's pods, a few at a time.", TargetInput, _restart),
    _change("set_image", "Set image", "Give a container another image.", ImageInput, _set_image, idempotent=True),
    _change(
        "undo_change", "Undo", "Put back what a change replaced, unless somebody changed it since.", UndoInput, _undo
    ),
    Tool(
        "apply_plan",
        "Apply a plan",
        "Carry out a plan that a change tool returned with status planned, after the user agreed to its diff.",
        PlanInput,
        _apply,
        destructive=True,
    ),
    Tool(
        "list_changes",
        "History",
        "What was changed through Shipmate: when, where, the diff, how it ended, what undoes it.",
        HistoryInput,
        _history,
        read_only=True,
        idempotent=True,
    ),
)

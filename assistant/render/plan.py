"""A plan before its approval: what, where, which fields from what to what, and what to know first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from mcp_tools.changes.diff import render_value
from mcp_tools.changes.model import ABSENT
from mcp_tools.changes.report import public_diff
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from mcp_tools.changes.model import Plan


MAX_FIELDS = 60
TELLING = ("].image", "spec.replicas")
"""The fields of an object that is made which are shown even where there are too many to show."""


def render_plan(plan: Plan) -> RenderableType:
    """The plan with its diff, redacted."""
    stages = sorted({step.stage for step in plan.steps})
    titles = plan.arguments.get("titles") or ()
    titles = [titles[stage] for stage in stages if stage < len(titles)] if plan.stage is None else []
    head = plan.title
    if titles and plan.action == "several":
        head = f"{len(titles)} changes as one plan, in this order"
    parts: list[RenderableType] = [
        Text.assemble(("▲ ", "name"), (printable(redact_text(head)), "head")),
        Text(f"  context {printable(plan.context)}, plan {plan.id}", style="faint"),
    ]
    parts += [Text(f"  {n}. {printable(redact_text(title))}", style="head") for n, title in enumerate(titles, 1)]
    fields = public_diff(plan)
    parts += _fields(fields if len(fields) <= MAX_FIELDS else _brief(fields))
    parts += [Text.assemble(("  ! ", "warn"), (printable(redact_text(warning)), "warn")) for warning in plan.warnings]
    if not plan.reversible:
        parts.append(Text("  This cannot be undone by `undo`.", style="faint"))
    return Group(*parts)


def _brief(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields without those of objects that are made, but for what tells them apart; how many were left out."""
    kept: list[dict[str, Any]] = []
    making: dict[str, Any] | None = None
    for field in fields:
        if "verb" in field:
            making = {**field, "fields": 0} if field["verb"] == "create" else None
            kept.append(making or field)
        elif making and field.get("object", making["object"]) == making["object"]:
            making["fields"] += 1
            if field["path"].endswith(TELLING):
                kept.append(field)
        else:
            making = None
            kept.append(field)
    return kept


def _fields(fields: list[dict[str, Any]]) -> Iterator[RenderableType]:
    about = ""
    for field in fields[:MAX_FIELDS]:
        if "verb" in field:
            mark, style = ("+", "new") if field["verb"] == "create" else ("-", "old")
            about = field["object"]
            many = f" ({field['fields']} fields)" if "fields" in field else ""
            yield Text(f"  {mark} {field['verb']} {printable(about)}{many}", style=style)
            continue
        if field.get("object", about) != about:
            about = field["object"]
            yield Text(f"  {printable(about)}", style="name")
        old, new = (printable(render_value(field.get(side, ABSENT))) for side in ("old", "new"))
        yield Text.assemble(f"  {printable(field['path'])}: ", (old, "old"), " → ", (new, "new"))
    left = len(fields) - MAX_FIELDS
    if left > 0:
        yield Text(f"  … and {left} more fields", style="faint")

"""A plan before its approval: what, where, which fields from what to what, and what to know first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from assistant.render.consoles import printable
from mcp_tools.changes.diff import render_value
from mcp_tools.changes.model import ABSENT
from mcp_tools.changes.report import public_diff
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mcp_tools.changes.model import Plan


MAX_FIELDS = 60


def render_plan(plan: Plan) -> RenderableType:
    """The plan with its diff, redacted."""
    parts: list[RenderableType] = [
        Text.assemble(("▲ ", "name"), (printable(redact_text(plan.title)), "head")),
        Text(f"  context {printable(plan.context)}, plan {plan.id}", style="faint"),
    ]
    about = ""
    fields = public_diff(plan)
    for field in fields[:MAX_FIELDS]:
        if "verb" in field:
            mark, style = ("+", "new") if field["verb"] == "create" else ("-", "old")
            about = field["object"]
            parts.append(Text(f"  {mark} {field['verb']} {printable(about)}", style=style))
            continue
        if field.get("object", about) != about:
            about = field["object"]
            parts.append(Text(f"  {printable(about)}", style="name"))
        old, new = (printable(render_value(field.get(side, ABSENT))) for side in ("old", "new"))
        parts.append(Text.assemble(f"  {printable(field['path'])}: ", (old, "old"), " → ", (new, "new")))
    left = len(fields) - MAX_FIELDS
    if left > 0:
        parts.append(Text(f"  … and {left} more fields", style="faint"))
    parts += [Text.assemble(("  ! ", "warn"), (printable(redact_text(warning)), "warn")) for warning in plan.warnings]
    if not plan.reversible:
        parts.append(Text("  This cannot be undone by `undo`.", style="faint"))
    return Group(*parts)

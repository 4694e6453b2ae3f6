"""What the doctor found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from assistant.doctor import Finding, State
from assistant.render.consoles import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

MARKS = {State.GOOD: ("✔", "good"), State.ABSENT: ("–", "faint"), State.BROKEN: ("✘", "bad")}
SUBJECT_WIDTH = 12


def render_checkup(findings: Iterable[Finding]) -> RenderableType:
    """A line a finding, with its advice below."""
    lines = []
    for finding in findings:
        mark, style = MARKS[finding.state]
        lines.append(
            Text.assemble(
                (f"{mark} ", style), (finding.subject.ljust(SUBJECT_WIDTH), "head"), printable(finding.message)
            )
        )
        if finding.advice:
            lines.append(Text(f"  {'':{SUBJECT_WIDTH}}{printable(finding.advice)}", style="warn"))
    return Group(*lines)

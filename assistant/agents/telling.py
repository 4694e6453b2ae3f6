"""Agents and their runs as they are listed and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assistant.agents.library import Agents
    from assistant.agents.runs import Run

RUN_COLUMNS = ("run", "agent", "at", "by", "where", "model", "status", "tokens", "cost", "changes", "left to you")


def told(found: Agents) -> str:
    """All of them as a Markdown table, and what stands beside them and cannot be used."""
    rows = ["| agent | what it does | changes | schedule |", "|---|---|---|---|"]
    for file in found.files.values():
        agent = file.definition
        rows.append(f"| {agent.name} | {agent.description} | {agent.approval.value} | {agent.schedule or ''} |")
    problems = [f"- {problem}" for problem in found.problems]
    return "\n".join([*rows, *(["", "Not usable:", "", *problems] if problems else [])])


def shown(found: Agents, name: str) -> str:
    """One in full, as its file says it; errors as `Agents.get`."""
    agent = found.get(name)
    text = found.files[agent.name].source.read_text(encoding="utf-8").strip()
    return f"{agent.description}\n\n```yaml\n{text}\n```"


def run_rows(runs: Sequence[Run]) -> list[list[str]]:
    """Runs as rows of a table."""
    return [
        [
            run.id,
            run.agent,
            run.at,
            run.started_by,
            f"{run.context}/{run.namespace}",
            run.model,
            run.status,
            str(run.input_tokens + run.output_tokens) if run.model != "offline" else "",
            "" if run.cost is None else f"{run.cost:.4f} {run.currency}",
            ", ".join(map(str, run.changes)),
            ", ".join(plan.title for plan in run.deferred),
        ]
        for run in runs
    ]
